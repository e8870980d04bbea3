/** What a target's state file holds, and how much of it can be believed when it is read back. */
import { afterStep, type ClockStep, isSet, LATEST_MOMENT, mayHaveStood } from '../clock.js';
import { type Proof, PROOF_KINDS } from '../core/diagnosis/proof.js';
import { LONGEST_IDLE } from '../core/finding.js';
import { type LocateMemory, movedMemory } from '../core/locate/locate-memory.js';
import { type Mode, MODES } from '../core/modes.js';
import { type QuotaMemory, reviveQuota, TOLD_BEFORE } from '../core/quota/memory.js';
import { RFC5382_REQ5 } from '../core/requirements.js';
import { VERDICT_REASONS } from '../core/verdict.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import { parseSavedLocalization } from './saved-localization.js';
import type { TestBelowLower } from './test-book.js';
import type { TestRecord } from './snapshot.js';

/** What a target's state file holds. */
export interface SavedTarget {
  /** Says which path was measured: another host or protocol makes the rest worthless. */
  readonly path: string;
  /** Unix time of the saving, seconds. */
  readonly savedAt: Seconds;
  readonly searches: readonly SavedSearch[];
  /** What was shown of the advice; absent in files of before. */
  readonly proofs?: readonly Proof[];
  /** What is known of its quota; absent in files of versions that did not ask. */
  readonly quota?: SavedQuota;
  /** Which box forgets; absent in files of before, and where nobody looks for it. */
  readonly localization?: LocateMemory;
}

/** What is remembered about a quota. */
export interface SavedQuota {
  readonly memory: QuotaMemory;
  /** The time of whoever remembers when it was saved, seconds: moments of the memory are of the same. */
  readonly at: Seconds;
}

/** Which of a path's searches it is. */
export interface SearchName {
  readonly mode: Mode;
  /** The router whose memory is searched, counted from this host; absent for the path as a whole. */
  readonly hop?: number;
}

/** One search of the state file. */
export interface SavedSearch extends SavedMode {
  readonly name: SearchName;
}

/** What a mode's runner saves. */
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
/** No path has more routers: the largest time to live of a packet. */
const MOST_HOPS = 255;
/** Most searches of a file that are looked at: one for each mode and router of a path, by far. */
const MOST_SEARCHES = 10_000;
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
  const { path, savedAt, searches, quota } = value;
  if (typeof path !== 'string' || !isWithin(savedAt, LATEST_MOMENT) || !Array.isArray(searches))
    return undefined;
  const latest = Math.min(Math.max(now, savedAt) + TOLERATED, LATEST_MOMENT);
  const sound = searches
    .slice(0, MOST_SEARCHES)
    .map((saved) => parseSavedSearch(saved, latest))
    .filter((saved) => saved !== undefined);
  const proofs = newestOf(value['proofs'])
    .filter(isProof)
    .filter(({ at }) => at <= latest);
  const localization = parseSavedLocalization(value['localization'], latest);
  const sane = defined({ path, savedAt, searches: sound, proofs, quota: parseQuota(quota), localization });
  return onPresentClock(sane, now);
}

/** What was saved of a mode's search over the whole path. */
export function savedOf(saved: SavedTarget | undefined, mode: Mode): SavedSearch | undefined {
  return saved?.searches.find(({ name }) => name.mode === mode && name.hop === undefined);
}

/**
 * The state of a file of format 1 in that of today: it named searches by their mode alone, and did not say what was
 * required of them, which was RFC 5382 REQ-5 in every mode; nor did it check an accusation. What makes no sense is left to `parseSavedTarget`.
 */
export function fromFormat1(state: unknown): unknown {
  if (!isRecord(state) || !isRecord(state['modes'])) return undefined;
  const { modes, ...rest } = state;
  const searches = Object.entries(modes).map(([mode, saved]) =>
    isRecord(saved) ? { ...saved, name: { mode }, search: withRequirement(saved['search']) } : saved,
  );
  const told = searches.some((saved) => isRecord(saved) && hasAccused(saved['search']));
  return { ...rest, searches, ...(told ? { quota: { memory: TOLD_BEFORE, at: 0 } } : {}) };
}

function hasAccused(search: unknown): boolean {
  return isRecord(search) && search['compliant'] === false;
}

function withRequirement(search: unknown): unknown {
  if (!isRecord(search) || !isRecord(search['options'])) return search;
  return { ...search, options: { ...search['options'], required: RFC5382_REQ5.idle } };
}

/**
 * The same by the clock as it is now. A clock that was ahead at the saving by months, or was not set, has been stepped
 * since: its moments move along, as if no time had passed. Where it is the present clock that was not set, or that goes on
 * after a boot where it was left some days before, they are right as they are, and lie in the future until it is set.
 */
function onPresentClock(saved: SavedTarget, now: Seconds): SavedTarget {
  const wasSet = isSet(saved.savedAt);
  const behind = { from: now, by: saved.savedAt - now };
  const stepped = wasSet
    ? isSet(now) && behind.by > 0 && mayHaveStood(behind) === 0
    : isSet(now) || behind.by > 0;
  if (!stepped) return saved;
  const step = { from: saved.savedAt, by: -behind.by };
  const searches = saved.searches.map((each) => movedSearch(each, step));
  const localization = saved.localization && movedMemory(saved.localization, (at) => afterStep(at, step));
  return {
    ...saved,
    savedAt: now,
    searches,
    proofs: movedMoments(saved.proofs ?? [], step),
    ...defined({ localization }),
  };
}

function movedSearch(saved: SavedSearch, step: ClockStep): SavedSearch {
  const { confirmedTimestamp, conclusiveAt, tests = [], belowLower = [] } = saved;
  const moved = (at: Seconds | undefined): Seconds | undefined =>
    at === undefined ? undefined : afterStep(at, step);
  return {
    ...saved,
    tests: movedMoments(tests, step),
    belowLower: movedMoments(belowLower, step),
    ...defined({ confirmedTimestamp: moved(confirmedTimestamp), conclusiveAt: moved(conclusiveAt) }),
  };
}

/** Things that happened, with their moments as the wall clock tells them after a step. */
export function movedMoments<T extends { readonly at: Seconds }>(things: readonly T[], step: ClockStep): T[] {
  return things.map((thing) => ({ ...thing, at: afterStep(thing.at, step) }));
}

function parseQuota(value: unknown): SavedQuota | undefined {
  if (!isRecord(value) || !isNumber(value['at'])) return undefined;
  const memory = reviveQuota(value['memory']);
  return memory && { memory, at: value['at'] };
}

function parseSavedSearch(value: unknown, latest: Seconds): SavedSearch | undefined {
  if (!isRecord(value) || !isNumber(value['at']) || Math.abs(value['at']) > LATEST_MOMENT) return undefined;
  const { search, at, confirmedTimestamp, tests, belowLower, conclusiveAt } = value;
  const name = parseName(value['name']);
  if (name === undefined) return undefined;
  const isPast = (test: { readonly at: Seconds }): boolean => isWithin(test.at, latest);
  return {
    name,
    search,
    at,
    tests: newestOf(tests).filter(isTest).filter(isPast),
    belowLower: newestOf(belowLower).filter(isBelowLower).filter(isPast),
    ...defined({
      confirmedTimestamp: isWithin(confirmedTimestamp, latest) ? confirmedTimestamp : undefined,
      conclusiveAt: isWithin(conclusiveAt, latest) ? conclusiveAt : undefined,
    }),
  };
}

function parseName(value: unknown): SearchName | undefined {
  if (!isRecord(value)) return undefined;
  const { hop } = value;
  const mode = MODES.find((known) => known === value['mode']);
  if (mode === undefined || (hop !== undefined && !(isWithin(hop, MOST_HOPS) && Number.isInteger(hop))))
    return undefined;
  return defined({ mode, hop });
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

function isProof(value: unknown): value is Proof {
  if (!isRecord(value)) return false;
  const { kind, mode, held, at, address, seen } = value;
  return (
    PROOF_KINDS.some((known) => known === kind) &&
    MODES.some((known) => known === mode) &&
    typeof held === 'boolean' &&
    isWithin(at, LATEST_MOMENT) &&
    [address, seen].every((text) => ['string', 'undefined'].includes(typeof text)) &&
    ['interval', 'lower', 'upper'].every((key) => isWithin(value[key], LONGEST_IDLE))
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
