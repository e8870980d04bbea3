/** What a localisation comes to: which box forgets, or why that is not known, and the evidence of it. */
import type { Seconds } from '../../units.js';
import type { Mode } from '../modes.js';
import type { Cell, Side } from './locate-contract.js';

/**
 * The box that forgets. Hops are routers that lower the TTL, counted from the client; `kc` and `ks` are the smallest
 * TTLs at which the client's and the responder's refreshes keep it fresh.
 */
export type ForgettingBox =
  /** The router at a hop, 1 … h. */
  | { readonly kind: 'router'; readonly hop: number; readonly kc: number; readonly ks: number }
  /**
   * Something without an address behind hop `after`, 0 … h (0: the client's host or what follows it; h: the far end's
   * host or what precedes it).
   */
  | { readonly kind: 'transparent'; readonly after: number; readonly kc: number; readonly ks: number }
  /** The router at a hop, which looks at the TTL before it remembers: it forgets what it does not forward. */
  | { readonly kind: 'ttl_first'; readonly hop: number; readonly kc: number; readonly ks: number }
  /** At least two boxes: `kc` is that of the farthest one from the client, `ks` that of the nearest one. */
  | { readonly kind: 'several'; readonly kc: number; readonly ks: number }
  /**
   * One end's row, or both where they cannot be put together: the farthest box that forgets, as seen from that end, is
   * that hop, or a transparent box before it, or the hop before if that looks at the TTL first.
   */
  | {
      readonly kind: 'one_sided';
      readonly kc?: number;
      readonly ks?: number;
      /** Only packets of this end refresh the box, as was seen; absent where nothing is known about it. */
      readonly refreshedBy?: Side;
    };

/** Why no box is named, each with what it says of the path. */
export const NOT_LOCATED = {
  interrupted: 'the path or one of its ends was interrupted again and again',
  open_failed: 'connections could not be opened or refreshed',
  no_distance: 'the number of routers could not be found: no refresh was acknowledged with any TTL',
  too_far: 'there are more routers on the path than are looked at',
  nothing_died: 'an idle connection that nobody refreshed survived: the idle timeout is not what it was',
  not_refreshed:
    'keepalives that go all the way keep no connection alive on this path: a box counts data alone, or drops them',
  harmful: 'connections that were refreshed died sooner than those that were left alone',
  distance_changed: 'refreshes came farther or less far than the number of routers allows: the route changes',
  mixed:
    'connections that were treated alike fared differently: the path is shared among several, or not steady',
  unclear: 'too many tests said nothing, as their controls failed',
  contradiction: 'what was seen fits no box: connections refreshed farther died where others lived',
  distances_differ:
    'the two ends count different numbers of routers, and what forgets lies where they cannot be compared',
  beyond:
    'only refreshes that reach the far end keep a connection alive, and that end cannot refresh by itself',
} as const;

export type NotLocated = keyof typeof NOT_LOCATED;

/** What became of the connections of one cell. */
export interface CellCount extends Cell {
  readonly alive: number;
  readonly dead: number;
}

/** What a statement rests on. */
export interface LocateEvidence {
  readonly mode: Mode;
  /** What the search had found, and how long connections idled, seconds. */
  readonly lower: Seconds;
  readonly upper: Seconds;
  readonly idle: Seconds;
  /** Time between two refreshes, seconds. */
  readonly interval: Seconds;
  /** Routers on the path as each end counts them. */
  readonly hops: Readonly<Partial<Record<Side, number>>>;
  /** Every cell that was asked, by `k` and then `m`. */
  readonly cells: readonly CellCount[];
  /** Harm controls, tested below the idle timeout. */
  readonly harm: readonly CellCount[];
  /** Why one end's refreshes say nothing, where they were tried and failed. */
  readonly lost: Readonly<Partial<Record<Side, NotLocated>>>;
}

/** The result of a localisation. */
export type Localization =
  | { readonly kind: 'located'; readonly box: ForgettingBox; readonly evidence: LocateEvidence }
  | { readonly kind: 'not_located'; readonly reason: NotLocated; readonly evidence: LocateEvidence };
