/** Takes a persisted state back, if it is one of ours and was made for the same questions. */
import { STATE_FORMAT } from './state.js';
import type { SearchState } from './state.js';
import type { SearchOptions } from './types.js';

const NUMBERS = [
  'now',
  'nextId',
  'climbSince',
  'lower',
  'risen',
  'risenAt',
  'droppedAt',
  'dropFrom',
  'compliantRun',
  'failures',
  'slack',
  'answerTime',
  'credit',
  'creditAt',
  'watched',
  'launchedAt',
] as const satisfies readonly (keyof SearchState)[];

type Json = Record<string, unknown>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isOptionalNumber(value: unknown): boolean {
  return value === undefined || isNumber(value);
}

function areAll(value: unknown, check: (item: Json) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isRecord(item) && check(item));
}

const isEvidence = (item: Json): boolean => ['idle', 'since', 'at'].every((key) => isNumber(item[key]));

const isConnection = (item: Json): boolean =>
  isNumber(item['id']) &&
  typeof item['role'] === 'string' &&
  ['opening', 'idle', 'testing'].includes(String(item['state'])) &&
  ['since', 'testAt', 'testedAt'].every((key) => isOptionalNumber(item[key]));

const isLaunch = (item: Json): boolean =>
  isNumber(item['at']) && typeof item['role'] === 'string' && isOptionalNumber(item['testAt']);

const isSuspicion = (item: Json): boolean =>
  ['idle', 'since', 'raisedAt', 'score', 'survived'].every((key) => isNumber(item[key])) &&
  areAll(item['deaths'], isEvidence);

const isBracket = (value: unknown): boolean =>
  value === null ||
  (isRecord(value) &&
    isNumber(value['deaths']) &&
    ['lower', 'upper', 'timeout'].every((key) => isOptionalNumber(value[key])));

/**
 * A search from its persisted state, with the connections that it had: they are gone, so the first event to send
 * is `interrupted` (or `start`, if it never began).
 * @returns undefined when the value is not such a state, or when it was made with other options: another budget,
 * deadline or schedule may change under a finding, the questions (idle times, resolution, guard, timing) may not
 */
export function reviveSearch(json: unknown, options: SearchOptions): SearchState | undefined {
  if (!isRecord(json) || json['format'] !== STATE_FORMAT) return undefined;
  const made = json['options'];
  if (!isRecord(made)) return undefined;
  for (const key of ['minIdle', 'maxIdle', 'resolution', 'guard', 'timing'] as const)
    if (made[key] !== options[key]) return undefined;
  const sound =
    NUMBERS.every((key) => isNumber(json[key])) &&
    typeof json['started'] === 'boolean' &&
    (json['compliant'] === null || typeof json['compliant'] === 'boolean') &&
    (json['confirmedAt'] === null || isNumber(json['confirmedAt'])) &&
    areAll(json['connections'], isConnection) &&
    areAll(json['launches'], isLaunch) &&
    areAll(json['deaths'], isEvidence) &&
    areAll(json['survivals'], isEvidence) &&
    areAll(json['suspicions'], isSuspicion) &&
    Array.isArray(json['drops']) &&
    json['drops'].every(isNumber) &&
    isBracket(json['published']);
  if (!sound) return undefined;
  return { ...(json as unknown as SearchState), options };
}
