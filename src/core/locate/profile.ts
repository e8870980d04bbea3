/**
 * The idle timeout of every place on a path, each found by an ordinary search whose connections are all refreshed as
 * one cell says.
 *
 * A *window* on hop j (k = j - 1, m = h - j) keeps all fresh but hop j and what touches it. A *gap* behind hop j (k = j,
 * m = h - j) keeps every router fresh that tracks on arrival: it shows transparent boxes, and routers beside it that look
 * at the TTL first. The *slit* of hop j (k = j, m = h + 1 - j) shows that router only if it looks at the TTL first, or a
 * box that packets of one direction alone refresh. With one more from either end (k = j, m = h + 2 - j, and k = j + 1,
 * m = h + 1 - j) such a router is fresh, and the box still forgets in one of both.
 */
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import type { Cell } from './locate-contract.js';

/** What a search found in a cell: `upper` is absent where nothing died up to the longest idle time. */
export interface CellTimeout {
  readonly lower: Seconds;
  readonly upper?: Seconds;
}

/** The findings of cells by `k,m`. */
export type ProfileFindings = ReadonlyMap<string, CellTimeout>;

/** A row of the profile. */
export interface ProfileEntry {
  /** `1` a router, `1-2` between two. */
  readonly hop: string;
  readonly kind: 'router' | 'transparent' | 'ttl_first';
  readonly lower: Seconds;
  /** Absent where nothing died, or where a neighbour forgets sooner, so that only a lower bound is known. */
  readonly upper?: Seconds;
}

export function profileKey({ k, m }: Cell): string {
  return `${k},${m}`;
}

const windowOn = (hop: number, hops: number): Cell => ({ k: hop - 1, m: hops - hop });
const gapBehind = (hop: number, hops: number): Cell => ({ k: hop, m: hops - hop });
const slitOf = (hop: number, hops: number): Cell => ({ k: hop, m: hops + 1 - hop });
/** Those of j and j + 1 are beside the slit of hop j: what matters of them is whether they live through what it shows. */
const beyondSlits = (k: number, hops: number): Cell => ({ k, m: hops + 2 - k });

const upTo = (hops: number): number[] => Array.from({ length: hops }, (_, index) => index + 1);

/**
 * The cells that are to be searched next: windows and gaps at first; then the slit of each router in both gaps of which
 * something forgets, as both would see it if it looked at the TTL first; then what is beside the slits that show something.
 * Empty when all is known.
 *
 * @param hops routers on the path, on which both ends agree
 */
export function profileCells(hops: number, known: ProfileFindings): readonly Cell[] {
  const first = [
    ...upTo(hops).map((hop) => windowOn(hop, hops)),
    ...[0, ...upTo(hops)].map((hop) => gapBehind(hop, hops)),
  ].filter((cell) => !known.has(profileKey(cell)));
  if (first.length > 0) return first;
  const suspected = upTo(hops).filter((hop) => isPerhapsTtlFirst(hop, hops, known));
  const slits = suspected.map((hop) => slitOf(hop, hops)).filter((cell) => !known.has(profileKey(cell)));
  if (slits.length > 0) return slits;
  const dead = suspected.filter((hop) => known.get(profileKey(slitOf(hop, hops)))?.upper !== undefined);
  return upTo(hops + 1)
    .filter((k) => dead.includes(k) || dead.includes(k - 1))
    .map((k) => beyondSlits(k, hops))
    .filter((cell) => !known.has(profileKey(cell)));
}

function isPerhapsTtlFirst(hop: number, hops: number, known: ProfileFindings): boolean {
  const before = known.get(profileKey(gapBehind(hop - 1, hops)));
  const behind = known.get(profileKey(gapBehind(hop, hops)));
  return before?.upper !== undefined && behind?.upper !== undefined;
}

/** What the findings say of each place, from the client to the far end; places of which nothing is known are absent. */
export function profileOf(hops: number, known: ProfileFindings): readonly ProfileEntry[] {
  const found = (cell: Cell): CellTimeout | undefined => known.get(profileKey(cell));
  const slits = new Map(upTo(hops).map((hop) => [hop, found(slitOf(hop, hops))] as const));
  const entries: ProfileEntry[] = [];
  for (const hop of [0, ...upTo(hops)]) {
    const beside = [found(gapBehind(hop - 1, hops)), found(gapBehind(hop, hops))];
    if (hop > 0) {
      const { lower = 0, upper } = slits.get(hop) ?? {};
      const own = found(windowOn(hop, hops));
      const beyond = [hop, hop + 1].map((k) => found(beyondSlits(k, hops)));
      if (upper !== undefined && beyond.every((each) => livesThrough(each, upper)))
        entries.push({ hop: String(hop), kind: 'ttl_first', lower, upper });
      else if (own !== undefined) entries.push(unlessHidden(String(hop), 'router', own, beside));
    }
    const gap = found(gapBehind(hop, hops));
    const neighbours = [slits.get(hop), slits.get(hop + 1)];
    if (gap !== undefined) entries.push(unlessHidden(`${hop}-${hop + 1}`, 'transparent', gap, neighbours));
  }
  return entries;
}

/** What a cell shows belongs to its place, unless a box beside it that the cell shows as well accounts for it. */
function unlessHidden(
  hop: string,
  kind: ProfileEntry['kind'],
  own: CellTimeout,
  others: readonly (CellTimeout | undefined)[],
): ProfileEntry {
  return defined({ hop, kind, lower: own.lower, upper: isSharedWith(others, own) ? undefined : own.upper });
}

/**
 * How long is to be looked in a cell, seconds; undefined for as long as can be. What is beside a slit needs to live
 * through what that shows, no longer.
 */
export function enoughFor({ k, m }: Cell, hops: number, known: ProfileFindings): Seconds | undefined {
  if (k + m !== hops + 2) return undefined;
  const uppers = [k - 1, k].flatMap((hop) => known.get(profileKey(slitOf(hop, hops)))?.upper ?? []);
  return uppers.length === 0 ? undefined : Math.max(...uppers);
}

function livesThrough(cell: CellTimeout | undefined, upper: Seconds): boolean {
  return cell !== undefined && cell.lower >= upper;
}

function isSharedWith(others: readonly (CellTimeout | undefined)[], own: CellTimeout): boolean {
  return others.some((other) => other?.upper !== undefined && overlap(own, other));
}

function overlap(one: CellTimeout, other: CellTimeout): boolean {
  const { upper = Number.POSITIVE_INFINITY } = one;
  const { upper: otherUpper = Number.POSITIVE_INFINITY } = other;
  return one.lower < otherUpper && other.lower < upper;
}

/**
 * The cells whose searches say what is left when the box that forgets is mended: one keeps it and all before it fresh,
 * the other one it and all behind it. A box with larger timeout at the very same place stays hidden.
 */
export function cellsBehind({ kc, ks }: { readonly kc?: number; readonly ks?: number }): readonly Cell[] {
  return [...(kc === undefined ? [] : [{ k: kc, m: 0 }]), ...(ks === undefined ? [] : [{ k: 0, m: ks }])];
}

/**
 * What is left when the box is mended: the shorter of both. `upper` is absent where nothing died; undefined while one
 * of the cells is not known.
 */
export function leftWhenMended(cells: readonly Cell[], known: ProfileFindings): CellTimeout | undefined {
  const found = cells.map((cell) => known.get(profileKey(cell)));
  if (found.length === 0 || found.some((each) => each === undefined)) return undefined;
  const sure = found.filter((each) => each !== undefined);
  const uppers = sure.flatMap(({ upper }) => (upper === undefined ? [] : [upper]));
  return defined({
    lower: Math.min(...sure.map(({ lower }) => lower)),
    upper: uppers.length === 0 ? undefined : Math.min(...uppers),
  });
}
