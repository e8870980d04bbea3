/** Which targets one page shows, in which order, and which of them with a card: all of it stands in the address. */
import type { TargetSnapshot } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';
import { guarded } from '../guard.js';
import { type Standing, targetVerdict } from './sentences.js';

/** What a page was asked for. */
export interface Wish {
  /** What was searched for in names and label values, empty for everything. */
  readonly query: string;
  /** Only targets in this state. */
  readonly state: Standing | undefined;
  readonly sort: Sort;
  /** 1 …; brought into the range that there is. */
  readonly page: number;
  /** Only these targets, each with its card; none for all. */
  readonly names: readonly string[];
}

/** A column of the table, a label as `label:site`; with a minus the other way round. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

/** The part of the fleet that one page shows. */
export interface Selection {
  readonly wish: Wish;
  readonly shown: readonly TargetSnapshot[];
  /** Those of them that have a card on this page: a fleet's are shown one by one, on demand. */
  readonly cards: readonly TargetSnapshot[];
  /** 1 … `pages`. */
  readonly page: number;
  readonly pages: number;
}

/** Rows on one page; a larger fleet gets several pages. */
const PAGE_SIZE = 50;
/** With more targets than this the page is a table, with a form to find one. */
const FLEET_FROM = 8;

/** Worst first: the order of the page unless something else is asked for. */
export const STANDINGS: readonly Standing[] = ['violating', 'down', 'measuring', 'compliant'];

export function isFleet(targets: readonly TargetSnapshot[]): boolean {
  return targets.length > FLEET_FROM;
}

/** Reads `?q=&state=&sort=&page=&target=`; what cannot be read counts as not given. */
export function readWish(query: URLSearchParams): Wish {
  const sort = query.get('sort') ?? '';
  return {
    query: query.get('q') ?? '',
    state: STANDINGS.find((standing) => standing === query.get('state')),
    sort: { column: sort.replace(/^-/, '') || 'state', descending: sort.startsWith('-') },
    page: Number.parseInt(query.get('page') ?? '1', 10) || 1,
    names: query.getAll('target'),
  };
}

/** The address of the same page with something else; empty for the page as it is opened. */
export function addressOf({ query, state, sort, page }: Omit<Wish, 'names'>): string {
  const sorted = `${sort.descending ? '-' : ''}${sort.column}`;
  const parts = {
    ...(query !== '' && { q: query }),
    ...(state !== undefined && { state }),
    ...(sorted !== 'state' && { sort: sorted }),
    ...(page > 1 && { page: String(page) }),
  };
  const text = new URLSearchParams(parts).toString();
  return text === '' ? './' : `?${text}`;
}

/** The targets that a page was asked for, sorted; one page of them. */
export function selectTargets(targets: readonly TargetSnapshot[], wish: Wish): Selection {
  const { query, state, sort, names } = wish;
  if (names.length > 0) {
    const shown = targets.filter(({ config }) => names.includes(config.name));
    return { wish, shown, cards: shown, page: 1, pages: 1 };
  }
  const wanted = query.trim().toLowerCase();
  const found = targets.filter(
    (target) =>
      [target.config.name, ...Object.values(target.config.labels)].some((word) =>
        word.toLowerCase().includes(wanted),
      ) &&
      (state === undefined || standingOf(target) === state),
  );
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const page = Math.min(Math.max(1, wish.page), pages);
  const shown = sorted(found, sort).slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
  return { wish, shown, cards: isFleet(targets) ? [] : shown, page, pages };
}

/** How a target stands; one that cannot be judged is still being measured. Its card says what is wrong. */
export function standingOf(target: TargetSnapshot): Standing {
  return guarded<Standing>(
    target,
    () => undefined,
    () => targetVerdict(target).standing,
    () => 'measuring',
  );
}

function sorted(targets: readonly TargetSnapshot[], { column, descending }: Sort): readonly TargetSnapshot[] {
  const keys = new Map(targets.map((target) => [target, keyOf(target, column)]));
  const sign = descending ? -1 : 1;
  return [...targets].sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
}

/** What a target is sorted by; undefined, which comes last, where it is not known. */
function keyOf(target: TargetSnapshot, column: string): string | number | undefined {
  const { config } = target;
  if (column === 'name') return config.name;
  if (column.startsWith('label:')) return config.labels[column.slice('label:'.length)];
  return guarded<number | undefined>(
    target,
    () => undefined,
    () => {
      if (column === 'timeout') return shortestTimeout(target);
      if (column === 'confirmed') return lastConfirmed(target);
      return STANDINGS.indexOf(standingOf(target));
    },
    () => undefined,
  );
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

/** The shortest timeout that was found of the modes which speak about the path, seconds. */
export function shortestTimeout({ modes, verdict }: TargetSnapshot): Seconds | undefined {
  const timeouts = modes
    .filter(({ mode }) => !verdict.leftOut.includes(mode))
    .map(({ finding }) => finding.timeout)
    .filter((timeout) => timeout !== undefined);
  return timeouts.length === 0 ? undefined : Math.min(...timeouts);
}

/** Unix time of the newest confirmation of any mode, seconds. */
export function lastConfirmed({ modes }: TargetSnapshot): Seconds | undefined {
  const moments = modes.map((mode) => mode.confirmedTimestamp).filter((at) => at !== undefined);
  return moments.length === 0 ? undefined : Math.max(...moments);
}
