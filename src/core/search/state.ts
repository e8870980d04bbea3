/** What a search remembers: a plain value that survives a round trip through JSON at any moment. */
import type { Seconds } from '../../units.js';
import type { Mixture } from '../finding.js';
import type { Census } from './census.js';
import type { ConnectionId, Hint, SearchAction, SearchOptions } from './contract.js';

/** Changes with the meaning of the state, so that a foreign one is recognised. */
export const STATE_FORMAT = 1;

/** Deaths that are kept; more would not change any decision. */
export const DEATHS_KEPT = 12;

/**
 * What a connection is for.
 * - `ladder`: asks the next question of a climb or a bisection, whichever that is when its age fits.
 * - `anchor`: waits for the question about the requirement from the very start.
 * - `lower`, `upper`: steady state; asks just below and just above the bracket.
 * - `half`, `between`: steady state; asks at half the lower bound, and between that and the lower bound.
 */
export type Role = 'ladder' | 'anchor' | 'lower' | 'upper' | 'half' | 'between';

/** One connection of ours, from the wish to open it to its one verdict. */
export interface Connection {
  readonly id: ConnectionId;
  readonly role: Role;
  readonly state: 'opening' | 'idle' | 'testing';
  /** When its idle clock started. */
  readonly since?: Seconds;
  /** Idle time at which it is to be tested, or was. */
  readonly testAt?: Seconds;
  /** When the test was asked for. */
  readonly testedAt?: Seconds;
}

/** A connection that shall be opened at a later moment. */
export interface PlannedLaunch {
  readonly at: Seconds;
  readonly role: Role;
  readonly testAt?: Seconds;
}

/** A death on record: an idle time that was not survived, and the start of the connection that died. */
export interface Death {
  readonly idle: Seconds;
  readonly since: Seconds;
  /** When it was learnt. */
  readonly at: Seconds;
  /** Somebody closed the connection in an orderly way, which no NAT's forgetting does; absent else. */
  readonly closed?: true;
}

/** A survival on record. */
export interface Survival {
  readonly idle: Seconds;
  readonly since: Seconds;
  readonly at: Seconds;
}

/** Deaths below the bracket that wait for confirmation, taken together because their idle times are alike. */
export interface Suspicion {
  /** Shortest idle time among its deaths, seconds. */
  readonly idle: Seconds;
  /** Start of the oldest connection whose survival could contradict it. */
  readonly since: Seconds;
  /** When the first of its deaths was learnt. */
  readonly raisedAt: Seconds;
  /** Raised by each death, lowered by each survival that contradicts it. */
  readonly score: number;
  readonly deaths: readonly Death[];
  /** Longest idle time below `idle` that survived since it was raised, 0 if none. */
  readonly survived: Seconds;
}

/** A bracket as it is shown to the world. */
export interface PublishedBracket {
  readonly lower?: Seconds;
  readonly upper?: Seconds;
  readonly timeout?: Seconds;
  readonly deaths: number;
  readonly mixture?: Mixture;
}

/** Everything that a search remembers. */
export interface SearchState {
  readonly format: typeof STATE_FORMAT;
  readonly options: SearchOptions;
  /** Time of the newest event. */
  readonly now: Seconds;
  readonly started: boolean;
  readonly nextId: ConnectionId;
  readonly connections: readonly Connection[];
  readonly launches: readonly PlannedLaunch[];
  /** When the newest ladder was started: a climb measures its pace from here. */
  readonly climbSince: Seconds;
  /** Longest idle time known to survive, 0 while nothing did. */
  readonly lower: Seconds;
  /** Deaths above `lower`, shortest idle time first; the first one is the upper bound. */
  readonly deaths: readonly Death[];
  /** Survivals in a row beyond the upper bound. */
  readonly risen: number;
  /** When the first of them was learnt. */
  readonly risenAt: Seconds;
  readonly suspicions: readonly Suspicion[];
  /** Newest survivals, oldest first. */
  readonly survivals: readonly Survival[];
  /** Idle time at which the newest drop was declared, 0 when its lower bound is known: the search walks down from it. */
  readonly droppedAt: Seconds;
  /** Lower bound before a declared drop that is not announced yet, 0 when there is none. */
  readonly dropFrom: Seconds;
  /** When drops were declared, within the last day: they make a rise harder to believe. */
  readonly drops: readonly Seconds[];
  readonly compliant: boolean | null;
  /** Survivals in a row of the idle time that is required. */
  readonly compliantRun: number;
  /** What is shown while a new bracket is being searched. */
  readonly published: PublishedBracket | null;
  readonly confirmedAt: Seconds | null;
  /** Launches in a row that failed. */
  readonly failures: number;
  /** Largest difference seen between the idle time that a survivor was tested at and the one that it proves. */
  readonly slack: Seconds;
  /** Longest time that an answer took. */
  readonly answerTime: Seconds;
  /** Steady state: launches that the schedule still owes, and when that was last counted. */
  readonly credit: number;
  readonly creditAt: Seconds;
  /** Steady state: connections launched so far; decides the role of the next one. */
  readonly watched: number;
  /** When a connection was last launched. */
  readonly launchedAt: Seconds;
  /** What became of all connections, to tell a minority that forgets early. */
  readonly census: Census;
  /** What the siblings told last. */
  readonly hint: Hint;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A state under change: its fields may be replaced, the values that they hold may not be changed. */
export interface Draft extends Mutable<SearchState> {
  actions: SearchAction[];
  wakeAt: Seconds;
}

/** Starts a change: the given state stays as it is. */
export function draftOf(state: SearchState): Draft {
  return { ...state, actions: [], wakeAt: Number.POSITIVE_INFINITY };
}

/** Ends a change. */
export function finish(draft: Draft): { state: SearchState; actions: readonly SearchAction[] } {
  const { actions, wakeAt, ...state } = draft;
  if (Number.isFinite(wakeAt)) actions.push({ kind: 'wake', at: wakeAt });
  return { state, actions };
}
