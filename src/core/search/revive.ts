/** Takes a persisted state back, if it is one of ours and was made for the same questions. */
import { NOTHING_COUNTED } from './census.js';
import { NO_HINT } from './hints.js';
import { STATE_FORMAT } from './state.js';
import type { SearchState } from './state.js';
import { LONGEST_IDLE } from '../finding.js';
import type { SearchOptions } from './contract.js';

/** No list of a search is longer, by far. */
const MOST_ITEMS = 10_000;

type Json = Record<string, unknown>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_IDLE;
}

function isShare(value: unknown, most: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= most;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= MOST_ITEMS;
}

const isListOf =
  (check: (item: Json) => boolean) =>
  (value: unknown): boolean =>
    isList(value) && value.every((item) => isRecord(item) && check(item));

const isEvidence = (item: Json): boolean =>
  isDuration(item['idle']) && isNumber(item['since']) && isNumber(item['at']);

const isDeath = (item: Json): boolean =>
  isEvidence(item) && [undefined, true].includes(item['closed'] as never);

const isConnection = (item: Json): boolean =>
  isCount(item['id']) &&
  typeof item['role'] === 'string' &&
  ['opening', 'idle', 'testing'].includes(String(item['state'])) &&
  isOptional(item['testAt'], isDuration) &&
  ['since', 'testedAt'].every((key) => isOptional(item[key], isNumber));

const isLaunch = (item: Json): boolean =>
  isNumber(item['at']) && typeof item['role'] === 'string' && isOptional(item['testAt'], isDuration);

const isSuspicion = (item: Json): boolean =>
  ['since', 'raisedAt', 'score'].every((key) => isNumber(item[key])) &&
  ['idle', 'survived'].every((key) => isDuration(item[key])) &&
  isListOf(isDeath)(item['deaths']);

const isMixture = (value: unknown): boolean =>
  isRecord(value) &&
  ['share', 'shareLower', 'shareUpper'].every((key) => isShare(value[key], 1)) &&
  isDuration(value['survived']);

const isBracket = (value: unknown): boolean =>
  isRecord(value) &&
  isCount(value['deaths']) &&
  ['lower', 'upper', 'timeout'].every((key) => isOptional(value[key], isDuration)) &&
  isOptional(value['mixture'], isMixture);

const isTally = (item: Json): boolean =>
  isDuration(item['idle']) && isShare(item['alive'], 1e9) && isShare(item['dead'], 1e9);

const isEvidenceForMinority = (value: unknown): boolean =>
  isList(value) &&
  value.length === NOTHING_COUNTED.scores.length &&
  value.every((score) => isShare(score, 1e9));

const isBegun = (item: Json): boolean => isDuration(item['idle']) && isNumber(item['since']);

// A census of before the modes counted together has none.
const isPooled = (value: unknown): boolean =>
  isRecord(value) &&
  isEvidenceForMinority(value['scores']) &&
  isCount(value['between']) &&
  isListOf(isBegun)(value['survivals']) &&
  isListOf(isBegun)(value['unanswered']) &&
  isListOf(isTally)(value['others']);

const isCensus = (value: unknown): boolean =>
  isRecord(value) &&
  isEvidenceForMinority(value['scores']) &&
  isOptional(value['pooled'], isPooled) &&
  isListOf(isTally)(value['tally']) &&
  isList(value['beyond']) &&
  value['beyond'].every(isBoolean) &&
  isCount(value['witnesses']) &&
  orNull((first) => isRecord(first) && isBegun(first))(value['first']) &&
  orNull(
    (mixed) =>
      isRecord(mixed) && isDuration(mixed['top']) && isShare(mixed['quiet'], 1e9) && isCount(mixed['streak']),
  )(value['mixed']);

const orNull =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || check(value);

const isHint = (value: unknown): boolean =>
  isRecord(value) &&
  isDuration(value['lower']) &&
  ['upper', 'suspected'].every((key) => isOptional(value[key], isDuration)) &&
  isList(value['starts']) &&
  value['starts'].every(isNumber);

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

/** What each field of a state may hold. Moments of the search's own time may be below 0, idle times may not. */
const FIELDS: Readonly<
  Record<Exclude<keyof SearchState, 'format' | 'options'>, (value: unknown) => boolean>
> = {
  now: isNumber,
  started: isBoolean,
  nextId: isCount,
  connections: isListOf(isConnection),
  launches: isListOf(isLaunch),
  climbSince: isNumber,
  lower: isDuration,
  deaths: isListOf(isDeath),
  risen: isCount,
  risenAt: isNumber,
  suspicions: isListOf(isSuspicion),
  survivals: isListOf(isEvidence),
  droppedAt: isDuration,
  dropFrom: isDuration,
  drops: (value) => isList(value) && value.every(isNumber),
  compliant: orNull(isBoolean),
  compliantRun: isCount,
  published: orNull(isBracket),
  confirmedAt: orNull(isNumber),
  failures: isCount,
  slack: isDuration,
  answerTime: isDuration,
  credit: isNumber,
  creditAt: isNumber,
  watched: isCount,
  launchedAt: isNumber,
  // A state of 0.1.0 has neither.
  census: (value) => isOptional(value, isCensus),
  hint: (value) => isOptional(value, isHint),
};

/**
 * A search from its persisted state, with the connections that it had: they are gone, so the first event to send
 * is `interrupted` (or `start`, if it never began).
 * @returns undefined when the value is not such a state, or when it was made with other options: another budget,
 * deadline or schedule may change under a finding, the questions (idle times, resolution, guard, what is required,
 * timing) may not
 */
export function reviveSearch(json: unknown, options: SearchOptions): SearchState | undefined {
  if (!isRecord(json) || json['format'] !== STATE_FORMAT) return undefined;
  const made = json['options'];
  if (!isRecord(made)) return undefined;
  for (const key of ['minIdle', 'maxIdle', 'resolution', 'guard', 'required', 'timing'] as const)
    if (made[key] !== options[key]) return undefined;
  if (!Object.entries(FIELDS).every(([name, isSound]) => isSound(json[name]))) return undefined;
  type Later = 'census' | 'hint';
  const state = json as unknown as Omit<SearchState, Later> & Partial<Pick<SearchState, Later>>;
  return { ...state, census: { ...NOTHING_COUNTED, ...state.census }, hint: state.hint ?? NO_HINT, options };
}
