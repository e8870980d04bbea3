/** The contract between a search and whoever drives it: the exporter, `measure`, tests and benchmarks alike. */
import type { Seconds } from '../../units.js';
import type { Verdict } from '../verdict.js';

/** What the search is asked to do. All durations in seconds. */
export interface SearchOptions {
  /** Shortest idle time that is tested, > 0. */
  readonly minIdle: Seconds;
  /** Longest idle time that is tested, > minIdle. */
  readonly maxIdle: Seconds;
  /** Wanted width of the bracket, > 0. */
  readonly resolution: Seconds;
  /** Most idle connections at once, 2 … 130 and more. */
  readonly connections: number;
  /** How long a test may stay unanswered before it is a death, > 0. */
  readonly deadline: Seconds;
  /** The idle time that has to survive: the finding says whether it does, > 0. */
  readonly required: Seconds;
  /** Distance kept from a value that is asked about exactly (`required`, known round values), ≥ 0. */
  readonly guard: Seconds;
  /**
   * When the moment of a test is chosen: `late` = at any time while the connection idles (native protocol, and
   * send/keepalive of the legacy one); `at_launch` = fixed when the connection is opened (legacy recv).
   */
  readonly timing: 'late' | 'at_launch';
  /** The searches of a target share one ladder: of so many rungs each, these are this one's, counted from 0. */
  readonly share?: LadderShare;
}

/** A part of a ladder that several searches climb together. */
export interface LadderShare {
  readonly rungs: readonly number[];
  readonly of: number;
}

/** Names one connection within one search; never used twice. */
export type ConnectionId = number;

/**
 * What happened. Every event comes with the search's own time `at`: seconds that never run backwards, from an
 * origin that the driver chooses once (it goes on across restarts).
 */
export type SearchEvent =
  /** The first event of a new search. */
  | { readonly kind: 'start' }
  /** The moment that the last `wake` action asked for has come. Harmless when early. */
  | { readonly kind: 'tick' }
  /** The schedule's tick: in steady state it allows one rolling round. */
  | { readonly kind: 'round' }
  /** Somebody wants to know now whether the finding still stands; while it is being searched for this changes nothing. */
  | { readonly kind: 'ask_anew' }
  /** The connection is established and its idle clock started at `at`. */
  | { readonly kind: 'opened'; readonly id: ConnectionId }
  /** The connection could not be established; the driver has forgotten it. */
  | { readonly kind: 'open_failed'; readonly id: ConnectionId }
  /**
   * The connection's one and only verdict; the driver has closed it. It answers a `test` action, or comes by
   * itself: a death while idle, or the result of a test whose moment was fixed at launch.
   * `idle` is the idle time that the verdict speaks of: for `alive` the smallest that it can have been, for `dead`
   * the largest. It is meaningless for `inconclusive`.
   */
  | { readonly kind: 'verdict'; readonly id: ConnectionId; readonly verdict: Verdict; readonly idle: Seconds }
  /** Every mapping of the path vanished at once (reboot, new address): all connections are gone, nothing is learnt. */
  | { readonly kind: 'mapping_loss' }
  /** All connections are gone for reasons of our own (restart, suspend, reload): nothing is learnt. */
  | { readonly kind: 'interrupted' }
  /** What a test of a sibling, the search of another mode of the same target, has shown just now. */
  | { readonly kind: 'sibling_tested'; readonly test: SiblingTest }
  /** What the siblings are about has changed: it orders the next questions and answers none. */
  | { readonly kind: 'hint'; readonly hint: Hint }
  /**
   * Idle times beyond `maxIdle` cannot be asked about (any more) on this path, whatever it forgets: what is known of
   * them is given up. Also takes such a limit back.
   */
  | { readonly kind: 'limit'; readonly maxIdle: Seconds };

/** A conclusive test, for the searches of the other modes: they have a time of their own each. */
export interface SiblingTest {
  readonly alive: boolean;
  /** The idle time that its verdict speaks of, seconds. */
  readonly idle: Seconds;
  /** How long ago its connection's idle clock started, seconds. */
  readonly age: Seconds;
}

/** What the siblings of a search know and have under way. Where none of them can help, it is empty. */
export interface Hint {
  /** Longest idle time that one of them survived, 0 if none did. */
  readonly lower: Seconds;
  /** Shortest that killed one, absent where none did or they contradict one another. */
  readonly upper?: Seconds;
  /** Starts of the connections with which they climb, planned ones among them, oldest first, search time. */
  readonly starts: readonly Seconds[];
  /** Idle time of a death below a bracket that waits for confirmation. */
  readonly suspected?: Seconds;
}

/** The events after which the diagnosis may be another one. */
export const TEACHING: Readonly<Record<SearchEvent['kind'], boolean>> = {
  start: true,
  verdict: true,
  mapping_loss: true,
  interrupted: true,
  limit: true,
  sibling_tested: true,
  hint: false,
  opened: false,
  open_failed: false,
  tick: false,
  round: false,
  ask_anew: false,
};

/** What the search wants done. The driver carries the actions out in order. */
export type SearchAction =
  /** Open a connection. With timing `at_launch`, `testAt` is the idle time at which the far end shall write. */
  | { readonly kind: 'open'; readonly id: ConnectionId; readonly testAt?: Seconds }
  /** Break the silence on this connection now. */
  | { readonly kind: 'test'; readonly id: ConnectionId }
  /** Close this connection; no verdict will be asked for. */
  | { readonly kind: 'discard'; readonly id: ConnectionId }
  /** Send `tick` at this search time; replaces every earlier wake. */
  | { readonly kind: 'wake'; readonly at: Seconds }
  /** The published timeout dropped or rose, after confirmation. */
  | { readonly kind: 'announce'; readonly change: 'drop' | 'rise' }
  /** A connection died below the published lower bound. */
  | { readonly kind: 'early_death'; readonly idle: Seconds };

/** One of a search's connections, as a reader of the state sees it. */
export interface SearchConnection {
  readonly id: ConnectionId;
  readonly state: 'opening' | 'idle' | 'testing';
  /** Search time at which the idle clock started; absent while opening. */
  readonly since?: Seconds;
  /** Idle time at which it will be tested, when that is already decided. */
  readonly testAt?: Seconds;
}
