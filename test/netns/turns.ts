/** Programs that start take a core each; more at once would disturb the labs that already measure. */
const STARTS_AT_ONCE = 2;
const turns: Promise<unknown>[] = Array.from({ length: STARTS_AT_ONCE }, () => Promise.resolve());

/** Starts things a few at a time, first come, first served. */
export function inTurn<T>(start: () => Promise<T>): Promise<T> {
  const turn = (turns.shift() ?? Promise.resolve()).then(start);
  turns.push(turn.catch(() => undefined));
  return turn;
}
