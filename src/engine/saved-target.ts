/** What a target's state file holds, and how much of it can be believed when it is read back. */
import { afterStep, type ClockStep, isSet, LATEST_MOMENT } from '../clock.js';
import { LONGEST_IDLE } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import { VERDICT_REASONS } from '../core/verdict.js';
import type { Seconds } from '../units.js';
import type { TestBelowLower } from './test-book.js';
import type { TestRecord } from './snapshot.js';

/** What a target's state file holds. */
export interface SavedTarget {
  /** Says which path was measured: another host or protocol makes the rest worthless. */
  readonly path: string;
  /** Unix time of the saving, seconds. */
  readonly savedAt: Seconds;
  readonly modes: Partial<Record<Mode, SavedMode>>;
}

/** What a mode's part of the state file holds. */
export interface SavedMode {
  /** Judged by the search itself. */
  readonly search: unknown;
  /** The search's time when it was saved, seconds. */
  readonly at: Seconds;
  readonly confirmedTimestamp?: Seconds;
  readonly tests?: readonly TestRecord[];
  readonly belowLower?: readonly TestBelowLower[];
  /** Unix time of the newest test that was not inconclusive, seconds. */
  readonly conclusiveAt?: Seconds;
}

type Json = Readonly<Record<string, unknown>>;

/** A moment may lie behind that of its saving, and that behind the present one, by so much, seconds. */
const TOLERATED: Seconds = 86_400;
/** Most tests of a list that are looked at: no version of this program kept more. */
const MOST_TESTS = 1_000;

/**
 * Takes back what was saved; parts that make no sense are left out.
 *
 * @param now Unix time, seconds
 * @returns undefined when nothing makes sense
 */
export function parseSavedTarget(value: unknown, now: Seconds): SavedTarget | undefined {
  if (!isRecord(value)) return undefined;
  const { path, savedAt, modes } = value;
  if (typeof path !== 'string' || !isWithin(savedAt, LATEST_MOMENT) || !isRecord(modes)) return undefined;
  const latest = Math.min(Math.max(now, savedAt) + TOLERATED, LATEST_MOMENT);
  const sound = Object.entries(modes).flatMap(([mode, saved]) => {
    const parsed = parseSavedMode(saved, latest);
    return parsed === undefined ? [] : [[mode, parsed] as const];
  });
  return onPresentClock({ path, savedAt, modes: Object.fromEntries(sound) }, now);
}

/**
 * The same by the clock as it is now. A clock that was ahead at the saving, or was not set, has been stepped since: its
 * moments move along, as if no time had passed. Where it is the present clock that was not set, they are right as they
 * are, and lie in the future until it is.
 */
function onPresentClock(saved: SavedTarget, now: Seconds): SavedTarget {
  const wasSet = isSet(saved.savedAt);
  const stepped = wasSet ? isSet(now) && saved.savedAt > now : isSet(now) || saved.savedAt > now;
  if (!stepped) return saved;
  const step = { from: saved.savedAt, by: now - saved.savedAt };
  const modes = Object.entries(saved.modes).map(([mode, each]) => [mode, movedMode(each, step)] as const);
  return { ...saved, savedAt: now, modes: Object.fromEntries(modes) };
}

function movedMode(saved: SavedMode, step: ClockStep): SavedMode {
  const { confirmedTimestamp, conclusiveAt, tests = [], belowLower = [] } = saved;
  return {
    ...saved,
    tests: movedMoments(tests, step),
    belowLower: movedMoments(belowLower, step),
    ...(confirmedTimestamp === undefined ? {} : { confirmedTimestamp: afterStep(confirmedTimestamp, step) }),
    ...(conclusiveAt === undefined ? {} : { conclusiveAt: afterStep(conclusiveAt, step) }),
  };
}

/** Things that happened, with their moments as the wall clock tells them after a step. */
export function movedMoments<T extends { readonly at: Seconds }>(things: readonly T[], step: ClockStep): T[] {
  return things.map((thing) => ({ ...thing, at: afterStep(thing.at, step) }));
}

function parseSavedMode(value: unknown, latest: Seconds): SavedMode | undefined {
  if (!isRecord(value) || !isNumber(value['at']) || Math.abs(value['at']) > LATEST_MOMENT) return undefined;
  const { search, at, confirmedTimestamp, tests, belowLower, conclusiveAt } = value;
  const isPast = (test: { readonly at: Seconds }): boolean => isWithin(test.at, latest);
  return {
    search,
    at,
    ...(isWithin(confirmedTimestamp, latest) ? { confirmedTimestamp } : {}),
    tests: newestOf(tests).filter(isTest).filter(isPast),
    belowLower: newestOf(belowLower).filter(isBelowLower).filter(isPast),
    ...(isWithin(conclusiveAt, latest) ? { conclusiveAt } : {}),
  };
}

function newestOf(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? (list as readonly unknown[]).slice(-MOST_TESTS) : [];
}

function isTest(value: unknown): value is TestRecord {
  if (!isRecord(value) || !isNumber(value['at']) || !isWithin(value['idle'], LONGEST_IDLE)) return false;
  if (!isWithin(value['id'], Number.MAX_SAFE_INTEGER)) return false;
  if (!['local', 'seen', 'remote'].every((key) => ['string', 'undefined'].includes(typeof value[key])))
    return false;
  const { verdict } = value;
  if (!isRecord(verdict) || typeof verdict['kind'] !== 'string') return false;
  const reason = verdict['kind'] === 'alive' ? 'answered' : (verdict['evidence'] ?? verdict['reason']);
  return new Map<unknown, unknown>(Object.entries(VERDICT_REASONS)).get(reason) === verdict['kind'];
}

function isBelowLower(value: unknown): value is TestBelowLower {
  return (
    isRecord(value) &&
    isNumber(value['at']) &&
    isWithin(value['idle'], LONGEST_IDLE) &&
    typeof value['early'] === 'boolean'
  );
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isWithin(value: unknown, most: number): value is number {
  return isNumber(value) && value >= 0 && value <= most;
}
