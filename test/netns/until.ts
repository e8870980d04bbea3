/** Waiting for something to become true, with an end. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until `question` gives something other than undefined or false.
 * @param patience milliseconds
 * @param every milliseconds between two questions
 * @throws when it did not within `patience`; `what` and the last error say what was awaited
 */
export async function until<T>(
  what: string,
  patience: number,
  question: () => Promise<T | undefined | false> | T | undefined | false,
  every = 100,
): Promise<T> {
  const end = performance.now() + patience;
  let last = '';
  for (;;) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = `: ${String(error)}`;
    }
    if (performance.now() >= end) throw new Error(`not within ${patience / 1000} s: ${what}${last}`);
    await sleep(every);
  }
}
