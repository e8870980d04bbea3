/**
 * Whether early deaths depend on how many connections are open: a box with a quota for each client forgets the one that
 * was idle longest to make room, and its victims look like a clean timeout. So the first answer that would accuse a path
 * is asked once more with a quarter of the connections: where those grow older than any did before, it was a quota.
 */
import type { Seconds } from '../../units.js';
import type { Finding } from '../finding.js';
import type { Mode } from '../modes.js';
import { minorityOf, type Tally } from '../search/minority.js';
import { tallied } from '../search/tally.js';
import type { Verdict } from '../verdict.js';

/** Share of the connections that are held while the answer is checked. */
const HELD_SHARE = 1 / 4;
/** So many tests that agree decide at least: one may be an eviction by chance. */
const TESTS_THAT_AGREE = 2;
/** Fewer deaths than one to so many survivors say nothing: random evictions, or a few bad nodes of a pool. */
const SURVIVORS_PER_DEATH = 6;
/** That all of the held connections met good nodes of a pool by chance is believed this rarely. */
const BY_CHANCE = 0.01;
/** Tests of the last so many times the idle time of the deaths tell what share of the connections dies. */
const TOLD_FOR = 4;
/** So often a check is tried before it is given up, and so often where all that told anything survived. */
const TRIES = 2;
const TRIES_OF_SURVIVORS = 6;
/** The held connections are asked so much later than the shortest death, at least by the guard. */
const BEYOND_SHARE = 0.01;
/** A held connection that ended much earlier than any did before was evicted by chance: share of the lower bound. */
const EARLIEST_DEATH_SHARE = 0.9;

/** What the first accusation of a path rests on. */
export interface Accusation {
  /** The mode that accuses; it is the one to be asked again. */
  readonly mode: Mode;
  /** Longest idle time that was survived, and shortest that was not, seconds; 0 where nothing survived. */
  readonly lower: Seconds;
  readonly upper: Seconds;
  /** Connections of the target that were open, those of all modes together, ≥ 1. */
  readonly connections: number;
}

/** How far the check of an accusation has come. */
export interface QuotaCheck extends Accusation {
  /** `checking`: nobody is accused yet. `timeout`: they die among few as well. `quota`: they die among many only. */
  readonly outcome: 'checking' | 'timeout' | 'quota';
  /** Held connections that were asked: those of former tries as well, as long as all of them survived. */
  readonly survived: number;
  readonly died: number;
  /** Held connections that were not asked yet. */
  readonly left: number;
  /**
   * The least share of the connections that died among many, 0 … 1: of a pool's as many as it has bad nodes, behind a
   * quota or a timeout nearly all.
   */
  readonly share: number;
}

/** A test among many connections: one of any mode of the target, before its answer is checked. */
export interface TestAmongMany {
  readonly idle: Seconds;
  readonly verdict: Verdict;
  /** How long ago it ended, seconds. */
  readonly ago: Seconds;
}

/** What is known of the modes that accuse a path, and of the others. */
export type Findings = ReadonlyMap<Mode, Finding>;

/**
 * The accusation that is to be checked now: that of the mode that dies earliest, the one that would be told first. The
 * check ends every search of the target, so it waits until each is known that may come to the same soon, but not for
 * ever: behind a quota a bracket may never close.
 *
 * @param accusing the modes that accuse the path
 * @param accusedFor how long one of them has, seconds
 */
export function dueAccusation(
  findings: Findings,
  accusing: readonly Mode[],
  connections: number,
  accusedFor: Seconds,
): Accusation | undefined {
  let worst: Accusation | undefined;
  for (const mode of accusing) {
    const { lower = 0, upper } = findings.get(mode) ?? {};
    if (upper !== undefined && upper < (worst?.upper ?? Infinity))
      worst = { mode, lower: Math.min(lower, upper), upper, connections };
  }
  if (worst === undefined) return undefined;
  const { upper } = worst;
  const settled = [...findings.values()].every(
    ({ timeout, lower = 0 }) => timeout !== undefined || lower > upper,
  );
  return settled || accusedFor >= upper ? worst : undefined;
}

/** How many connections of the target are held while it is checked, those of all modes together. */
export function heldConnections({ connections }: Pick<Accusation, 'connections'>): number {
  return Math.max(TESTS_THAT_AGREE, Math.ceil(connections * HELD_SHARE));
}

/** The idle time at which the held connections are tested, one after the other until it is decided, seconds. */
export function checkAt({ upper }: Pick<Accusation, 'upper'>, guard: Seconds): Seconds {
  return upper + Math.max(guard, BEYOND_SHARE * upper);
}

/**
 * The least share of the connections that is known to die among many, 0 … 1; 1 where nothing tells.
 * @param upper the idle time that was not survived, seconds
 */
export function leastShareOfDeaths(tests: readonly TestAmongMany[], upper: Seconds): number {
  let tally: readonly Tally[] = [];
  for (const { idle, verdict, ago } of tests) {
    if (ago > TOLD_FOR * upper || verdict.kind === 'inconclusive') continue;
    if (verdict.kind === 'alive' || verdict.evidence !== 'closed')
      tally = tallied(tally, idle, verdict.kind === 'alive');
  }
  return minorityOf(tally)?.shareLower ?? 1;
}

/**
 * A check that has its answer still to come.
 * @param share of the connections that died among many at least, 0 … 1; all unless given
 */
export function beginCheck(accusation: Accusation, share = 1): QuotaCheck {
  return {
    ...accusation,
    outcome: 'checking',
    survived: 0,
    died: 0,
    left: heldConnections(accusation),
    share,
  };
}

/**
 * The check once more, where it was not decided. Survivors count on: behind a pool with few bad nodes none of them may
 * have met one by chance.
 * @param tries so often it was tried
 * @returns undefined where it is given up
 */
export function tryAgain(check: QuotaCheck, tries: number): QuotaCheck | undefined {
  const allSurvived = check.died === 0 && check.survived > 0;
  if (tries >= (allSurvived ? TRIES_OF_SURVIVORS : TRIES)) return undefined;
  return allSurvived ? { ...check, left: heldConnections(check) } : beginCheck(check, check.share);
}

/**
 * Takes in the one test of a held connection. Two deaths without a survivor decide; survivors are called a quota's doing
 * only where all were asked and none died, since most nodes of a pool may be good ones. What is in between stays open.
 * @param idle the idle time that it proves, seconds: a survivor that is no older than the deaths says nothing
 */
export function learnCheck(check: QuotaCheck, verdict: Verdict, idle: Seconds): QuotaCheck {
  if (check.outcome !== 'checking') return check;
  const { upper, lower } = check;
  // An orderly close is no NAT's doing.
  const isDeath =
    verdict.kind === 'dead' && verdict.evidence !== 'closed' && idle >= EARLIEST_DEATH_SHARE * lower;
  const survived = check.survived + Number(verdict.kind === 'alive' && idle > upper);
  const died = check.died + Number(isDeath);
  const left = check.left - 1;
  const learnt = { ...check, survived, died, left };
  return { ...learnt, outcome: outcomeOf(learnt) };
}

function outcomeOf({ survived, died, left, share, connections }: QuotaCheck): QuotaCheck['outcome'] {
  if (died >= TESTS_THAT_AGREE && (survived === 0 || SURVIVORS_PER_DEATH * died > survived + left))
    return 'timeout';
  if (left > 0 || died > 0 || survived < TESTS_THAT_AGREE) return 'checking';
  const isChance = (1 - share) ** survived > BY_CHANCE && survived < connections;
  return isChance ? 'checking' : 'quota';
}
