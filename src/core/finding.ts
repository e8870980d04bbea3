/** What is known about one mode of one path at one moment. Unknown is absent, never 0. */
import type { Seconds } from '../units.js';

/** `climb`: nothing died yet. `refine`: the bracket is being closed. `track`: the finding is kept fresh. */
export const SEARCH_PHASES = ['climb', 'refine', 'track'] as const;

/** The phase that a search is in; it passes through them in this order. */
export type SearchPhase = (typeof SEARCH_PHASES)[number];

/** Independent deaths that a closed bracket and a claim about the requirement need: 1 or 2 are often wrong. */
export const DEATHS_OF_A_CLAIM = 3;

/** No idle time and no duration of a search is longer, seconds: some thirty years. */
export const LONGEST_IDLE: Seconds = 1e9;

/** Whether a test broke its silence so soon after the shortest idle time that is asked about that nothing is shorter. */
export function isAtMinIdle(idle: Seconds, minIdle: Seconds): boolean {
  return idle <= 1.05 * minIdle + 1;
}

/** A minority of the connections that is forgotten early: the nodes of a pool disagree. */
export interface Mixture {
  /** Its share of all connections, 0 … 1, and the 95 % bounds of that. */
  readonly share: number;
  readonly shareLower: number;
  readonly shareUpper: number;
  /** Longest idle time that others survived, seconds. */
  readonly survived: Seconds;
}

/** The published state of one search. */
export interface Finding {
  readonly phase: SearchPhase;
  /** Longest idle time that survived, seconds; absent while nothing survived. */
  readonly lower?: Seconds;
  /** Shortest idle time that did not survive, seconds; absent while none died. */
  readonly upper?: Seconds;
  /**
   * Best estimate of the idle timeout, seconds. Present when the bracket is closed (width ≤ resolution, with the
   * confirmation that the search asks for), then the bracket's midpoint; or when the required idle time less the guard
   * survived and nothing died, then the lower bound. Never below the required one while `compliant` is true, always
   * below while false.
   */
  readonly timeout?: Seconds;
  /**
   * Whether the idle time that is required of the mode (less the guard) is proven to survive: false when it is proven
   * not to (3 independent deaths below it, none of them an orderly close), absent while unknown.
   */
  readonly compliant?: boolean;
  /**
   * Connections do not survive `upper` because somebody closes them in an orderly way (a FIN), which is no NAT's
   * forgetting: most deaths on record were that, and too few others for a claim. Absent else.
   */
  readonly closed?: true;
  /** True while deaths below or survivals beyond the published bounds await confirmation. */
  readonly suspect: boolean;
  /** Independent deaths on record that agree with `upper`. */
  readonly deaths: number;
  /** Search time (see `SearchEvent`) of the newest evidence that agreed with the published value. */
  readonly confirmedAt?: Seconds;
  /** Present while only some of the connections are forgotten at the bracket, which is theirs. */
  readonly mixture?: Mixture;
}
