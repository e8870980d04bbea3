/** What a target's state file holds, and how much of it can be believed when it is read back. */
import type { Mode } from '../core/mode.js';
import { VERDICT_REASONS } from '../core/verdict.js';
import type { Seconds } from '../units.js';
import type { TestBelowLower } from './below-lower.js';
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

/** Takes back what was saved; parts that make no sense are left out. @returns undefined when nothing does */
export function parseSavedTarget(value: unknown): SavedTarget | undefined {
  if (!isRecord(value)) return undefined;
  const { path, savedAt, modes } = value;
  if (typeof path !== 'string' || !isNumber(savedAt) || !isRecord(modes)) return undefined;
  const sound = Object.entries(modes).flatMap(([mode, saved]) => {
    const parsed = parseSavedMode(saved);
    return parsed === undefined ? [] : [[mode, parsed] as const];
  });
  return { path, savedAt, modes: Object.fromEntries(sound) };
}

function parseSavedMode(value: unknown): SavedMode | undefined {
  if (!isRecord(value) || !isNumber(value['at'])) return undefined;
  const { search, at, confirmedTimestamp, tests, belowLower, conclusiveAt } = value;
  return {
    search,
    at,
    ...(isNumber(confirmedTimestamp) ? { confirmedTimestamp } : {}),
    tests: Array.isArray(tests) ? tests.filter(isTest) : [],
    belowLower: Array.isArray(belowLower) ? belowLower.filter(isBelowLower) : [],
    ...(isNumber(conclusiveAt) ? { conclusiveAt } : {}),
  };
}

function isTest(value: unknown): value is TestRecord {
  if (!isRecord(value) || !['at', 'id', 'idle'].every((key) => isNumber(value[key]))) return false;
  if (!['local', 'seen', 'remote'].every((key) => ['string', 'undefined'].includes(typeof value[key])))
    return false;
  const { verdict } = value;
  if (!isRecord(verdict)) return false;
  const reason = verdict['kind'] === 'alive' ? 'answered' : (verdict['evidence'] ?? verdict['reason']);
  return new Map<unknown, unknown>(Object.entries(VERDICT_REASONS)).get(reason) === verdict['kind'];
}

function isBelowLower(value: unknown): value is TestBelowLower {
  return (
    isRecord(value) && isNumber(value['at']) && isNumber(value['idle']) && typeof value['early'] === 'boolean'
  );
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
