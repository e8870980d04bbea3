/** Where the box that forgets stands, in terms of what is known of the hosts and hops on the path. */
import { addressClass } from '../diagnosis/address-class.js';
import { nearBracket } from '../diagnosis/outcome.js';
import type { Seconds } from '../../units.js';
import type { ForgettingBox, LocateEvidence } from './localization.js';

/** What else is known of a path. */
export interface PathSurroundings {
  /** The two hosts' own established timeouts, seconds; absent where a host tracks nothing or does not say. */
  readonly conntrack: { readonly local?: Seconds; readonly responder?: Seconds };
  /** Distance within which a host's own timeout counts as the one that was measured, seconds. */
  readonly guard: Seconds;
  /** The addresses of the routers that told theirs, by hop. */
  readonly addresses: ReadonlyMap<number, string>;
}

/**
 * Where a box stands; never who owns it.
 * - `own_host`, `far_end`: that host's own connection tracking has the timeout that was measured
 * - `before_hop_1`: between this host and the first router
 * - `private_hop` (RFC 1918, ULA), `cgn_hop` (RFC 6598), `public_hop`: a router that told such an address
 * - `unknown`: a router that told none, or no single place
 */
export type LocatedPlace =
  | 'own_host'
  | 'before_hop_1'
  | 'private_hop'
  | 'cgn_hop'
  | 'public_hop'
  | 'far_end'
  | 'unknown';

/** The places in words, for people who see labels: a table, an alert. What `hop` says already is left out. */
export const PLACE_WORDS: Readonly<Record<LocatedPlace, string>> = {
  own_host: 'the host that measures',
  before_hop_1: 'before the first router: a modem in bridge mode, or a firewall',
  private_hop: 'a router with a private address',
  cgn_hop: 'a router in 100.64.0.0/10',
  public_hop: 'a router with a public address',
  far_end: 'the host at the far end',
  unknown: 'no more is known',
};

/** What a host's own connection tracking has to do with the timeout: `unknown` where the host does not say. */
export type HostTracking = 'equal' | 'other' | 'unknown';

export function hostTracking(
  evidence: Pick<LocateEvidence, 'lower' | 'upper'>,
  timeout: Seconds | undefined,
  guard: Seconds,
): HostTracking {
  if (timeout === undefined) return 'unknown';
  return nearBracket(evidence, timeout, guard) ? 'equal' : 'other';
}

/** The place of a box. */
export function placeOf(
  box: ForgettingBox,
  evidence: LocateEvidence,
  { conntrack, guard, addresses }: PathSurroundings,
): LocatedPlace {
  switch (box.kind) {
    case 'transparent': {
      const isFirst = box.after === 0;
      const isLast = box.after === evidence.hops.client;
      const own = isFirst && hostTracking(evidence, conntrack.local, guard) === 'equal';
      const far = isLast && hostTracking(evidence, conntrack.responder, guard) === 'equal';
      // Without a router in between both hosts stand at the same place.
      if (own && far) return 'unknown';
      if (own) return 'own_host';
      if (far) return 'far_end';
      return isFirst ? 'before_hop_1' : 'unknown';
    }
    case 'router':
    case 'ttl_first':
      return placeOfHop(addresses.get(box.hop));
    case 'several':
    case 'one_sided':
      return 'unknown';
  }
}

function placeOfHop(address: string | undefined): LocatedPlace {
  switch (address === undefined ? 'other' : addressClass(address)) {
    case 'private':
      return 'private_hop';
    case 'cgn':
      return 'cgn_hop';
    case 'public':
      return 'public_hop';
    default:
      return 'unknown';
  }
}

/**
 * The hop of a box as labels have it: `3` a router, `1-2` between two, `1,3` the nearest and the farthest of several,
 * empty where one end alone cannot tell.
 */
export function hopLabel(box: ForgettingBox, hops: number): string {
  switch (box.kind) {
    case 'router':
    case 'ttl_first':
      return String(box.hop);
    case 'transparent':
      return between(box.after);
    case 'several':
      return `${nearestLabel(box.ks, hops)},${farthestLabel(box.kc, hops)}`;
    case 'one_sided':
      return '';
  }
}

/** The nearest of several boxes, read as a router where it can be one. */
function nearestLabel(ks: number, hops: number): string {
  return ks === hops + 1 ? between(0) : String(hops + 1 - ks);
}

/** The farthest of several boxes, read as a router where it can be one. */
function farthestLabel(kc: number, hops: number): string {
  return kc === hops + 1 ? between(hops) : String(kc);
}

function between(after: number): string {
  return `${after}-${after + 1}`;
}
