/** The bracket around the timeout and how far it has come. */
import { DEATHS_OF_A_CLAIM, isAtMinIdle, type SearchPhase } from '../finding.js';
import type { Seconds } from '../../units.js';
import { type Census, isDoubtful } from './census.js';
import type { SearchOptions } from './contract.js';
import type { SearchState } from './state.js';

/** A minority's deaths in a row are taken for a bracket's this rarely. */
const BY_CHANCE = 1e-3;

/** Upper bound, seconds; +Infinity while nothing died. */
export function upperOf(state: Pick<SearchState, 'deaths'>): Seconds {
  return state.deaths[0]?.idle ?? Number.POSITIVE_INFINITY;
}

/** The guard that fits the wanted resolution: a bracket from one side of a known value to the other must close. */
function guardOf(options: SearchOptions): Seconds {
  return Math.min(options.guard, options.resolution / 2);
}

/** How far from a known value it is asked about: a little less than the guard, so that the verdicts' own
 * inexactness (an idle time is known to a fraction of a second) does not spoil the bracket. */
export function askDistance(options: SearchOptions): Seconds {
  const guard = guardOf(options);
  return (guard > 0 ? guard : options.resolution / 2) * 0.9;
}

/** The idle time whose survival proves the requirement: it, less the guard. */
export function claimOf(options: SearchOptions): Seconds {
  return options.required - guardOf(options);
}

/** What a verdict depends on besides the bounds. */
type Exactness = Pick<SearchState, 'options' | 'slack'>;

/** The idle time at which the question about the requirement is asked: so that a survivor, less its slack, proves the claim. */
export function claimQuestion({ options, slack }: Exactness): Seconds {
  return claimOf(options) + Math.max(guardOf(options) * 0.1, slack * 1.25);
}

/** The finest bracket that the verdicts allow, never below the wanted resolution. */
export function resolutionOf(state: Exactness): Seconds {
  return Math.max(state.options.resolution, state.slack * 1.25);
}

/** Whether the longest idle time that may be tested survived (less the inexactness of a verdict). */
function reachedEnd(state: Pick<SearchState, 'options' | 'slack' | 'lower'>): boolean {
  return state.lower >= state.options.maxIdle - Math.max(state.slack * 2, 1e-3);
}

/** Deaths that agree with the upper bound: close enough above it to speak of the same timeout. */
export function agreeingDeaths(state: Pick<SearchState, 'options' | 'slack' | 'deaths'>): number {
  const limit = upperOf(state) + 2 * resolutionOf(state);
  let count = 0;
  for (const death of state.deaths) if (death.idle <= limit) count++;
  return count;
}

/**
 * Idle time beyond which a survival contradicts a bracket whatever its exactness, seconds. Near the longest that may be
 * asked half of the way there has to do.
 */
export function wellBeyond({ options }: Pick<SearchState, 'options'>, upper: Seconds): Seconds {
  const askable = Math.max(0, options.maxIdle - upper) / 2;
  return upper + Math.max(Math.min(2.2 * options.resolution, askable), 0.02 * upper);
}

/**
 * Deaths that agree which a bracket needs: where connections of the same age live on, as many in a row as their share
 * of the deaths would hardly ever make.
 */
export function deathsForBracket({ census }: Pick<SearchState, 'census'>): number {
  return Math.max(DEATHS_OF_A_CLAIM, deathsInDoubt(census, BY_CHANCE));
}

/**
 * Deaths in a row that connections which die at the minority's share would make with this probability; 0 where no minority
 * is reckoned with.
 */
export function deathsInDoubt(census: Census, chance: number): number {
  if (!isDoubtful(census)) return 0;
  const { dead, alive } = census.tally.reduce(
    (sum, entry) => ({ dead: sum.dead + entry.dead, alive: sum.alive + entry.alive }),
    { dead: 0, alive: 0 },
  );
  const share = Math.min(0.5, dead / Math.max(1, dead + alive));
  return Math.ceil(Math.log(chance) / Math.log(share));
}

/** Whether it is an orderly close that ends connections here: most deaths were one, and too few others are on record. */
export function isClosedBySomebody({
  deaths,
  compliant,
}: Pick<SearchState, 'deaths' | 'compliant'>): boolean {
  const closed = deaths.filter((death) => death.closed === true).length;
  return compliant !== false && closed > deaths.length / 2;
}

/** Whether the bracket cannot or need not become narrower. */
export function isClosed(state: SearchState): boolean {
  const upper = upperOf(state);
  if (upper === Number.POSITIVE_INFINITY) return reachedEnd(state);
  if (state.lower === 0) return isAtMinIdle(upper, state.options.minIdle);
  return upper - state.lower <= resolutionOf(state);
}

/** `climb` until something dies, `refine` until the bracket is closed and confirmed, then `track`. */
export function phaseOf(state: SearchState): SearchPhase {
  if (state.census.mixed !== null) return 'track';
  if (state.deaths.length === 0) return reachedEnd(state) ? 'track' : 'climb';
  return isClosed(state) && agreeingDeaths(state) >= deathsForBracket(state) ? 'track' : 'refine';
}
