/** When what a history tells became something else. */
import type { Seconds } from '../units.js';

/** Share by which a timeout must differ from the one told before to be told as well: less is a test's noise. */
const WORTH_TELLING = 0.02;

/** What is compared of an entry. */
interface Known {
  readonly mode: string;
  readonly timeout?: Seconds | undefined;
  readonly compliant?: boolean | undefined;
}

/**
 * The entries, oldest first, that differ from the one of their mode that was told before them, each with that one; the
 * first of each mode is among them, without one.
 */
export function changesOf<Entry extends Known>(
  entries: readonly Entry[],
): { readonly before: Entry | undefined; readonly now: Entry }[] {
  const told = new Map<string, Entry>();
  return entries.flatMap((now) => {
    const before = told.get(now.mode);
    if (before !== undefined && !differ(before, now)) return [];
    told.set(now.mode, now);
    return { before, now };
  });
}

function differ(before: Known, now: Known): boolean {
  if (before.compliant !== now.compliant) return true;
  if (before.timeout === undefined || now.timeout === undefined) return before.timeout !== now.timeout;
  return Math.abs(now.timeout - before.timeout) > WORTH_TELLING * before.timeout;
}
