/**
 * Whether early deaths depend on how many connections are open: a box with a quota for each client forgets the one that
 * was idle longest to make room, and its victims look like a clean timeout. So the first answer that would accuse a path
 * is asked once more with a quarter of the connections: where one of them grows older than any did before, it was a
 * quota.
 */
import type { Seconds } from '../../src/units.js';
import type { Finding } from '../../src/core/finding.js';

/** Share of the connections that are held while the answer is checked. */
const HELD_SHARE = 1 / 4;
/** So many tests that agree decide: one may be an eviction by chance, or meet another node of a pool. */
const TESTS_THAT_AGREE = 2;
/** The held connections are asked so much later than the shortest death, at least by the guard. */
const BEYOND_SHARE = 0.01;

/** What the first accusation of a path rests on. */
export interface Accusation {
  /** Shortest idle time that was not survived, seconds. */
  readonly upper: Seconds;
  /** Connections of the target that were open, those of all modes together, ≥ 1. */
  readonly connections: number;
}

/** How far the check of a path has come; a value that survives a round trip through JSON. */
export interface QuotaCheck extends Accusation {
  /** `checking`: nobody is accused yet. `timeout`: they die among few as well. `quota`: they die among many only. */
  readonly outcome: 'checking' | 'timeout' | 'quota';
  readonly survived: number;
  readonly died: number;
}

/**
 * Whether the check of an accusation should begin. A requirement is often missed long before the timeout is known; the
 * check would end that search, and ask at an idle time that is far too long.
 * @param accusedFor how long the search has accused the path, seconds: behind a quota its bracket may never close
 */
export function isCheckDue(
  { timeout, upper }: Pick<Finding, 'timeout' | 'upper'>,
  accusedFor: Seconds,
): boolean {
  return upper !== undefined && (timeout !== undefined || accusedFor >= upper);
}

/** A check that has its answer still to come. */
export function beginCheck({ upper, connections }: Accusation): QuotaCheck {
  return { upper, connections, outcome: 'checking', survived: 0, died: 0 };
}

/** How many connections of the target are held while it is checked, those of all modes together. */
export function heldConnections({ connections }: Accusation): number {
  return Math.max(TESTS_THAT_AGREE, Math.ceil(connections * HELD_SHARE));
}

/** The idle time at which the held connections are tested, one after the other until it is decided, seconds. */
export function checkAt({ upper }: Accusation, guard: Seconds): Seconds {
  return upper + Math.max(guard, BEYOND_SHARE * upper);
}

/**
 * Takes in a test of a held connection.
 * @param idle the idle time that it proves, seconds: a survivor that is no older than the deaths says nothing
 */
export function learnCheck(check: QuotaCheck, kind: 'alive' | 'dead', idle: Seconds): QuotaCheck {
  if (check.outcome !== 'checking' || (kind === 'alive' && idle <= check.upper)) return check;
  const survived = check.survived + (kind === 'alive' ? 1 : 0);
  const died = check.died + (kind === 'dead' ? 1 : 0);
  const outcome =
    survived >= TESTS_THAT_AGREE ? 'quota' : died >= TESTS_THAT_AGREE ? 'timeout' : check.outcome;
  return { ...check, survived, died, outcome };
}
