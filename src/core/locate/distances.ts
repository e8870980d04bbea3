/** How many routers stand between the two ends, as one of them counts: the smallest TTL that arrives, less one. */
import { FULL_TTL, type LocateOptions, type Means, type Side } from './locate-contract.js';
import type { NotLocated } from './localization.js';

/** A segment that is lost must not pass for one that died: the largest TTL that does not arrive is asked so often. */
const SWEEPS = 3;

/** What one end has learnt about its distance. */
export interface DistanceSearch {
  readonly means: Means;
  /** Smallest TTL that was acknowledged so far. */
  readonly smallest: number | undefined;
  /** Sweeps that agreed on it. */
  readonly agreed: number;
}

export function startDistance(means: Means): DistanceSearch {
  return { means, smallest: undefined, agreed: 0 };
}

/** The TTLs that are to be tried next: all of them at first, then the largest one that did not arrive. */
export function ttlsToTry({ smallest }: DistanceSearch, { maxHops }: LocateOptions): readonly number[] {
  if (smallest !== undefined) return [smallest - 1];
  return [...Array.from({ length: maxHops + 1 }, (_, index) => index + 1), FULL_TTL];
}

/** Takes in which of the TTLs were acknowledged. */
export function learnReached(search: DistanceSearch, acked: readonly number[]): DistanceSearch {
  const smallest = Math.min(search.smallest ?? Number.POSITIVE_INFINITY, ...acked);
  if (!Number.isFinite(smallest)) return { ...search, agreed: search.agreed + 1 };
  return { ...search, smallest, agreed: smallest === search.smallest ? search.agreed + 1 : 1 };
}

/** The number of routers, why it cannot be known, or undefined while it is not settled. */
export function distanceOf(
  { smallest, agreed }: DistanceSearch,
  { maxHops }: LocateOptions,
): number | NotLocated | undefined {
  if (smallest === undefined) return agreed > 0 ? 'no_distance' : undefined;
  if (smallest > maxHops + 1) return 'too_far';
  return smallest === 1 || agreed >= SWEEPS ? smallest - 1 : undefined;
}

/** The way to refresh after this one; undefined after the last. */
export function nextMeans(options: LocateOptions, side: Side, means: Means): Means | undefined {
  const list = options.means[side];
  return list[list.indexOf(means) + 1];
}
