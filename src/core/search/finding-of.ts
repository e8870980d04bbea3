/** What is shown to the world: the last confirmed bracket, until a new one is confirmed or it is refuted. */
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../rfc5382.js';
import type { Seconds } from '../../units.js';
import { agreeingDeaths, claimOf, phaseOf, resolutionOf, upperOf } from './bracket.js';
import type { Draft, PublishedBracket, SearchState } from './state.js';

/** The present bracket, with a timeout when it deserves one. */
function presentBracket(state: SearchState): PublishedBracket {
  const upper = upperOf(state);
  const timeout = presentTimeout(state, upper);
  return {
    deaths: agreeingDeaths(state),
    ...(state.lower > 0 ? { lower: state.lower } : {}),
    ...(upper === Number.POSITIVE_INFINITY ? {} : { upper }),
    ...(timeout === undefined || contradicts(timeout, state.compliant) ? {} : { timeout }),
  };
}

function presentTimeout(state: SearchState, upper: Seconds): Seconds | undefined {
  if (state.lower === 0) return undefined;
  if (upper === Number.POSITIVE_INFINITY) {
    if (state.lower < claimOf(state.options)) return undefined;
    return Math.max(state.lower, REQ5_ESTABLISHED_IDLE_TIMEOUT);
  }
  if (upper - state.lower > resolutionOf(state) || agreeingDeaths(state) < DEATHS_OF_A_CLAIM)
    return undefined;
  const middle = (state.lower + upper) / 2;
  return state.compliant === true ? Math.max(middle, REQ5_ESTABLISHED_IDLE_TIMEOUT) : middle;
}

/** Whether a timeout and the verdict on REQ-5 cannot both be shown. */
function contradicts(timeout: Seconds | undefined, compliant: boolean | null): boolean {
  if (timeout === undefined || compliant === null) return false;
  return compliant !== timeout >= REQ5_ESTABLISHED_IDLE_TIMEOUT;
}

/** Takes over the present bracket when it is confirmed, or when the shown one is refuted. */
export function publish(draft: Draft): void {
  const present = presentBracket(draft);
  const settled = phaseOf(draft) === 'track' || present.timeout !== undefined;
  if (settled) {
    if (sameBracket(draft.published, present)) return;
    // The evidence that changes what is shown agrees with it.
    draft.published = present;
    if (present.timeout !== undefined) draft.confirmedAt = draft.now;
  } else if (draft.published !== null && contradicts(draft.published.timeout, draft.compliant))
    draft.published = null;
}

function sameBracket(a: PublishedBracket | null, b: PublishedBracket): boolean {
  return (
    a !== null &&
    a.lower === b.lower &&
    a.upper === b.upper &&
    a.timeout === b.timeout &&
    a.deaths === b.deaths
  );
}

/** Notes that a verdict agreed with what is shown. */
export function noteAgreement(draft: Draft, kind: 'alive' | 'dead', idle: Seconds): void {
  const shown = draft.published;
  if (shown === null) return;
  const tolerance = resolutionOf(draft);
  const agrees =
    kind === 'alive'
      ? shown.lower !== undefined && idle >= shown.lower - tolerance && idle < (shown.upper ?? Infinity)
      : shown.upper !== undefined && idle > (shown.lower ?? 0) && idle <= shown.upper + 2 * tolerance;
  if (agrees) draft.confirmedAt = draft.now;
}

/** What the search has found. */
export function findingOf(state: SearchState): Finding {
  const shown = state.published ?? presentBracket(state);
  return {
    phase: phaseOf(state),
    ...(shown.lower === undefined ? {} : { lower: shown.lower }),
    ...(shown.upper === undefined ? {} : { upper: shown.upper }),
    ...(shown.timeout === undefined ? {} : { timeout: shown.timeout }),
    ...(state.compliant === null ? {} : { compliant: state.compliant }),
    suspect: state.suspicions.length > 0,
    deaths: shown.deaths,
    ...(state.confirmedAt === null ? {} : { confirmedAt: state.confirmedAt }),
  };
}
