/** Finds the word that a user probably meant. */

/** Number of single-character edits (insert, delete, replace, swap of neighbours) between two short words. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** `maxIdle`, `max-idle` and `MAX_IDLE` are the same word. */
function normalise(word: string): string {
  return word
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll('-', '_');
}

/** The candidate that `word` was probably meant to be, or undefined when none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const wanted = normalise(word);
  const allowed = wanted.length <= 4 ? 1 : wanted.length <= 8 ? 2 : 3;
  let nearest: string | undefined;
  let least = allowed + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, normalise(candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return (
    nearest ??
    candidates.find((candidate) => wanted.length >= 4 && normalise(candidate).startsWith(`${wanted}_`))
  );
}
