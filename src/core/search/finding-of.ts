/** What is shown to the world: the last confirmed bracket, until a new one is confirmed or it is refuted. */
import { defined } from '../../defined.js';
import type { Finding } from '../finding.js';
import type { Seconds } from '../../units.js';
import {
  agreeingDeaths,
  claimOf,
  deathsForBracket,
  isClosedBySomebody,
  phaseOf,
  resolutionOf,
  upperOf,
} from './bracket.js';
import { minorityBracket } from './mixture.js';
import type { Draft, PublishedBracket, SearchState } from './state.js';

/** The present bracket, with a timeout when it deserves one. */
function presentBracket(state: SearchState): PublishedBracket {
  const upper = upperOf(state);
  const timeout = presentTimeout(state, upper);
  return defined({
    lower: state.lower > 0 ? state.lower : undefined,
    upper: upper === Number.POSITIVE_INFINITY ? undefined : upper,
    timeout: contradicts(timeout, state) ? undefined : timeout,
    deaths: agreeingDeaths(state),
  });
}

function presentTimeout(state: SearchState, upper: Seconds): Seconds | undefined {
  if (state.lower === 0) return undefined;
  if (upper === Number.POSITIVE_INFINITY) {
    if (state.lower < claimOf(state.options)) return undefined;
    return Math.max(state.lower, state.options.required);
  }
  if (upper - state.lower > resolutionOf(state) || agreeingDeaths(state) < deathsForBracket(state))
    return undefined;
  const middle = (state.lower + upper) / 2;
  return state.compliant === true ? Math.max(middle, state.options.required) : middle;
}

/** Whether a timeout and the verdict on the requirement cannot both be shown. */
function contradicts(
  timeout: Seconds | undefined,
  { compliant, options }: Pick<SearchState, 'compliant' | 'options'>,
): boolean {
  if (timeout === undefined || compliant === null) return false;
  return compliant !== timeout >= options.required;
}

/** Takes over the present bracket when it is confirmed, or when the shown one is refuted. */
export function publish(draft: Draft): void {
  const minority = minorityBracket(draft);
  if (minority !== undefined) {
    draft.published = minority;
    return;
  }
  const present = presentBracket(draft);
  const settled = phaseOf(draft) === 'track' || present.timeout !== undefined;
  if (settled) {
    if (sameBracket(draft.published, present)) return;
    // The evidence that changes what is shown agrees with it.
    draft.published = present;
    if (present.timeout !== undefined) draft.confirmedAt = draft.now;
  } else if (draft.published !== null && isRefuted(draft.published, draft)) draft.published = null;
}

/** Whether what is shown cannot stand: the verdict on the requirement turned, or is unknown since connections are closed. */
function isRefuted({ timeout }: PublishedBracket, draft: Draft): boolean {
  const { compliant, options } = draft;
  const closed = compliant === null && timeout !== undefined && timeout >= options.required;
  return contradicts(timeout, draft) || (closed && isClosedBySomebody(draft));
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
  return defined({
    ...shown,
    phase: phaseOf(state),
    compliant: state.compliant ?? undefined,
    closed: isClosedBySomebody(state) ? true : undefined,
    suspect: state.suspicions.length > 0 || state.risen > 0,
    confirmedAt: state.confirmedAt ?? undefined,
  });
}
