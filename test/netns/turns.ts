/** Starts things a few at a time, first come, first served. */
function turns(atOnce: number): <T>(start: () => Promise<T>) => Promise<T> {
  const last: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  return (start) => {
    const turn = (last.shift() ?? Promise.resolve()).then(start);
    last.push(turn.catch(() => undefined));
    return turn;
  };
}

/** For programs that start: they take a core each; more at once would disturb the labs that already measure. */
export const inTurn = turns(2);

/** For whole measurements with an SSH server: each of some hundred logins takes a third of a second of a core. */
export const inSshTurn = turns(2);
