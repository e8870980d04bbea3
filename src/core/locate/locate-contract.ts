/** The contract between a localisation and whoever drives it: the exporter, `measure`, tests and simulations alike. */
import type { Seconds } from '../../units.js';
import type { Mode } from '../modes.js';
import type { Verdict } from '../verdict.js';
import type { Localization } from './localization.js';

/** Which end refreshes, and from which end hops are counted. */
export type Side = 'client' | 'responder';

export const SIDES: readonly Side[] = ['client', 'responder'];

/**
 * What a refresh is: the kernel's own keepalive, or a byte of data for paths that eat segments without payload. Both
 * leave with a small TTL, so that they pass a few routers and no more.
 */
export type Means = 'keepalive' | 'data';

/** A TTL that reaches every far end: a protocol's largest that a responder accepts. */
export const FULL_TTL = 64;

/**
 * One cell of the plane that is explored: while a connection idles, the client refreshes with TTL `k` and the responder
 * with TTL `m`; 0 = that end keeps silent. A box forgets in it when neither reaches it: `k < kc` and `m < ks`.
 */
export interface Cell {
  readonly k: number;
  readonly m: number;
}

/**
 * A cell to be asked. The question is whether the connection lives through an idle time beyond the idle timeout; in a
 * harm control, whether it lives through one below it, which it must unless the refreshes themselves do harm.
 */
export interface Question extends Cell {
  readonly harm: boolean;
}

/** What a localisation is asked to do. All durations in seconds. */
export interface LocateOptions {
  /** The mode in which connections are tested: one that forgets (see `modesToLocate`). */
  readonly mode: Mode;
  /** What the search found in this mode: an idle time that survives, > 0, and one that does not, > lower. */
  readonly lower: Seconds;
  readonly upper: Seconds;
  /** Distance kept from the upper bound, ≥ 0; small, lest boxes with a little longer timeout forget as well. */
  readonly guard: Seconds;
  /** Time between two refreshes, > 0 (see `refreshInterval`). */
  readonly interval: Seconds;
  /** Most connections at once, ≥ 1; with fewer than 2 × hops + 5 the rows are bisected. */
  readonly places: number;
  /** Routers beyond which a path is not looked at, 1 … 62. */
  readonly maxHops: number;
  /** The ways to refresh that each end has, in the order in which they are tried; none: an old responder. */
  readonly means: Readonly<Record<Side, readonly Means[]>>;
}

/** Names one connection within one localisation; never used twice. */
export type ProbeId = number;

/**
 * Whether the refreshes of each end arrived at the other one, as the client's kernel knows: its newest was acknowledged
 * (else `tcpi_probes` rises); a segment of the far end came in while the connection idled (`tcpi_segs_in` has risen
 * since the hello was acknowledged). Absent where that end did not refresh or nobody can tell.
 */
export type Arrivals = Readonly<Partial<Record<Side, boolean>>>;

/** What happened. Every event comes with a time that never runs backwards, seconds from an origin of the driver's. */
export type LocateEvent =
  | { readonly kind: 'start' }
  /** The answer to `reach`: the TTLs with which a segment was acknowledged. */
  | { readonly kind: 'reached'; readonly side: Side; readonly acked: readonly number[] }
  /** The connection is established and its idle clock started. */
  | { readonly kind: 'opened'; readonly id: ProbeId }
  /** The connection could not be established or refreshed; the driver has closed it. */
  | { readonly kind: 'open_failed'; readonly id: ProbeId }
  /**
   * The connection's one verdict, its controls (a fresh connection, a canary) included; the driver has closed it. It
   * answers `test` or comes by itself. `idle`: see `SearchEvent`.
   */
  | {
      readonly kind: 'verdict';
      readonly id: ProbeId;
      readonly verdict: Verdict;
      readonly idle: Seconds;
      readonly arrivals: Arrivals;
    }
  /** All connections are gone, or must be given up: reboot, address change, outage, restart of either end, suspend. */
  | { readonly kind: 'interrupted' }
  /** The moment of the last `wake` has come. Harmless when early. */
  | { readonly kind: 'tick' };

/** What the localisation wants done. The driver carries the actions out in order. */
export type LocateAction =
  /**
   * Send a segment with each of these TTLs from that end, several times within two seconds, and say which were
   * acknowledged. At most one is under way for each end.
   */
  | { readonly kind: 'reach'; readonly side: Side; readonly ttls: readonly number[]; readonly means: Means }
  /**
   * Open a connection, let all be acknowledged, and then refresh it from each end as told, whenever that end has sent
   * and heard nothing for `interval` seconds. Undefined: that end keeps silent, with its usual TTL.
   */
  | {
      readonly kind: 'open';
      readonly id: ProbeId;
      readonly interval: Seconds;
      readonly client: Refresh | undefined;
      readonly responder: Refresh | undefined;
    }
  /** End all refreshes, restore the TTL of both ends, and then break the silence as the mode does. */
  | { readonly kind: 'test'; readonly id: ProbeId }
  /** Close this connection, with the TTL of both ends restored; no verdict is wanted. */
  | { readonly kind: 'discard'; readonly id: ProbeId }
  /** Send `tick` at this time; replaces every earlier wake. */
  | { readonly kind: 'wake'; readonly at: Seconds }
  /** It is over. No action follows. */
  | { readonly kind: 'conclude'; readonly result: Localization };

/** How one end refreshes one connection. */
export interface Refresh {
  readonly ttl: number;
  readonly means: Means;
}
