/**
 * What is remembered of a path about its quota: an accusation that was checked once is told at once later on, and so is
 * a drop where the same path was compliant with as many connections. A plain value that survives JSON.
 */
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import { heldConnections, type QuotaCheck } from './check.js';

/** A finding about a quota is asked again after this long, as any finding that nothing has confirmed, seconds. */
const QUOTA_EXPIRES_AFTER: Seconds = 7 * 86_400;
/** No target has more connections, by far. */
const MOST_CONNECTIONS = 1e6;
const LONGEST_ADDRESS = 100;

/** Where a path leads and begins: behind other addresses there may be another box. */
export interface Place {
  /** The far end's address. */
  readonly address: string;
  /** Our own address as the far end sees it, where it says so. */
  readonly seen?: string;
}

/** What came of a check. */
export interface QuotaOutcome {
  readonly kind: Exclude<QuotaCheck['outcome'], 'checking'>;
  /** Connections that were open when they died, and so many as were held in the check. */
  readonly connections: number;
  readonly held: number;
  /** The idle time that was not survived among many, seconds. */
  readonly upper: Seconds;
  /** When it was learnt, seconds; by the clock of whoever remembers. */
  readonly at: Seconds;
}

export interface QuotaMemory {
  readonly place?: Place;
  /** Most connections with which the path was compliant, 0 where it never was. */
  readonly compliantWith: number;
  readonly outcome?: QuotaOutcome;
}

export const NOTHING_REMEMBERED: QuotaMemory = { compliantWith: 0 };

/** An accusation that was told by a version which checked none is not taken back: it counts as checked. */
export const TOLD_BEFORE: QuotaMemory = {
  compliantWith: 0,
  outcome: { kind: 'timeout', connections: 0, held: 0, upper: 1, at: 0 },
};

/**
 * How the question stands whether deaths depend on how many connections are open. `unchecked`: an accusation has to
 * wait for a check, `left` seconds where it runs. `quota`: it depends on that.
 */
export type QuotaStanding =
  | { readonly kind: 'unchecked'; readonly left?: Seconds }
  | ({ readonly kind: 'quota' } & Pick<QuotaOutcome, 'connections' | 'held' | 'upper'>);

/** The path is measured here now; nothing is known of another place. */
export function arrived(memory: QuotaMemory, { address, seen }: Place): QuotaMemory {
  const { place } = memory;
  const moved =
    place !== undefined &&
    (place.address !== address || (seen !== undefined && place.seen !== undefined && place.seen !== seen));
  const now: Place = defined({ address, seen: seen ?? (moved ? undefined : place?.seen) });
  if (moved) return { ...NOTHING_REMEMBERED, place: now };
  return place?.address === now.address && place.seen === now.seen ? memory : { ...memory, place: now };
}

/** The whole path was proven to be compliant with so many connections: what was known of earlier deaths is history. */
export function provenCompliant(memory: QuotaMemory, connections: number): QuotaMemory {
  if (memory.outcome === undefined && memory.compliantWith >= connections) return memory;
  const { outcome: _, ...kept } = memory;
  return { ...kept, compliantWith: Math.max(memory.compliantWith, connections) };
}

/** A check has come to its answer. */
export function concluded(memory: QuotaMemory, check: QuotaCheck, at: Seconds): QuotaMemory {
  const { outcome: kind, connections, upper } = check;
  if (kind === 'checking') return memory;
  return { ...memory, outcome: { kind, connections, held: heldConnections(check), upper, at } };
}

/** Without a finding that is too old: it has to be made again. */
export function unexpired(memory: QuotaMemory, now: Seconds): QuotaMemory {
  const { outcome, ...kept } = memory;
  const isOld = outcome?.kind === 'quota' && now - outcome.at > QUOTA_EXPIRES_AFTER;
  return isOld ? kept : memory;
}

/**
 * What follows for accusations.
 * @param connections those of the target now, of all modes together
 * @param left how long a check that runs now still takes, seconds
 * @returns undefined where accusations may be told
 */
export function standingOf(
  { outcome, compliantWith }: QuotaMemory,
  connections: number,
  left: Seconds | undefined,
): QuotaStanding | undefined {
  if (outcome?.kind === 'quota')
    return {
      kind: 'quota',
      connections: outcome.connections,
      held: outcome.held,
      upper: outcome.upper,
    };
  if (outcome?.kind === 'timeout' || compliantWith >= connections) return undefined;
  return defined({ kind: 'unchecked' as const, left });
}

/** Takes back what was saved; undefined where it makes no sense. */
export function reviveQuota(value: unknown): QuotaMemory | undefined {
  if (!isRecord(value) || !isCount(value['compliantWith'])) return undefined;
  const [place, outcome] = [value['place'], value['outcome']];
  if (place !== undefined && !isPlace(place)) return undefined;
  if (outcome !== undefined && !isOutcome(outcome)) return undefined;
  return defined({ compliantWith: value['compliantWith'], place, outcome });
}

function isPlace(value: unknown): value is Place {
  return (
    isRecord(value) &&
    isAddress(value['address']) &&
    (value['seen'] === undefined || isAddress(value['seen']))
  );
}

function isOutcome(value: unknown): value is QuotaOutcome {
  if (!isRecord(value) || !['timeout', 'quota'].includes(String(value['kind']))) return false;
  const { connections, held, upper, at } = value;
  return isCount(connections) && isCount(held) && isNumber(upper) && upper > 0 && isNumber(at);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MOST_CONNECTIONS;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_ADDRESS;
}
