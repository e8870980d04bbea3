/**
 * What the searches of a target's modes tell one another about their questions. A hint says what to ask next; no bound
 * ever moves by one, and where it contradicts what the search has seen itself it is void.
 */
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import { phaseOf, resolutionOf, upperOf } from './bracket.js';
import type { Hint, LadderShare } from './contract.js';
import type { Draft, SearchState } from './state.js';

/** How far beyond what killed a sibling, and below what one survived, the same is asked, seconds. */
export const BEYOND_HINT: Seconds = 0.3;
const BELOW_HINT: Seconds = 0.1;

const WHOLE: LadderShare = { rungs: [0], of: 1 };

export const NO_HINT: Hint = { lower: 0, starts: [] };

/** What a search can tell its siblings, in its own time. */
export function hintOf(state: SearchState): Hint {
  if (!state.started || state.census.mixed !== null) return NO_HINT;
  const phase = phaseOf(state);
  const climbs = phase === 'climb' && state.options.timing === 'late';
  const suspicions = state.suspicions.map(({ idle }) => idle);
  return defined({
    lower: state.lower,
    upper: state.deaths[0]?.idle,
    starts: climbs ? startsOf(state) : [],
    suspected: phase === 'track' && suspicions.length > 0 ? Math.min(...suspicions) : undefined,
  });
}

/** Starts of a ladder's connections that idle or are still to come, oldest first. */
function startsOf({ connections, launches }: SearchState): readonly Seconds[] {
  const idle = connections.flatMap(({ role, state, since }) =>
    state === 'idle' && role !== 'anchor' && since !== undefined ? [since] : [],
  );
  return [...idle, ...launches.map(({ at }) => at)].sort((a, b) => a - b);
}

/** What several siblings tell together. */
export function unitedHint(hints: readonly Hint[]): Hint {
  const lower = Math.max(0, ...hints.map((hint) => hint.lower));
  const upper = Math.min(...hints.map((hint) => hint.upper ?? Number.POSITIVE_INFINITY));
  const suspected = Math.min(...hints.map((hint) => hint.suspected ?? Number.POSITIVE_INFINITY));
  return defined({
    lower,
    upper: upper > lower && Number.isFinite(upper) ? upper : undefined,
    starts: hints.flatMap(({ starts }) => starts).sort((a, b) => a - b),
    suspected: Number.isFinite(suspected) ? suspected : undefined,
  });
}

/** The hint by a clock that is ahead by so much, seconds. */
export function shiftedHint(hint: Hint, by: Seconds): Hint {
  return { ...hint, starts: hint.starts.map((start) => start + by) };
}

/** Whether what the siblings saw contradicts what was seen here: another rule holds for this mode. */
function isVoid({ hint, lower, deaths }: Pick<Draft, 'hint' | 'lower' | 'deaths'>): boolean {
  return (hint.upper ?? Number.POSITIVE_INFINITY) <= lower || hint.lower >= upperOf({ deaths });
}

/** What the siblings tell, unless it contradicts what was seen here. */
export function usableHint(state: Pick<Draft, 'hint' | 'lower' | 'deaths'>): Hint {
  return isVoid(state) ? NO_HINT : state.hint;
}

/** Which part of the siblings' ladder is the search's; all of it where they contradict it. */
export function shareOf(draft: Draft): LadderShare {
  const { share } = draft.options;
  return share === undefined || isVoid(draft) ? WHOLE : share;
}

/** The bracket that the siblings leave, where they tell one. */
export function hintedBracket(
  draft: Draft,
  upper: Seconds,
): { readonly lower: Seconds; readonly upper: Seconds } {
  const hint = usableHint(draft);
  return {
    lower: Math.max(draft.lower, hint.lower),
    upper: Math.min(upper, hint.upper ?? Number.POSITIVE_INFINITY),
  };
}

/**
 * Where the siblings' bracket is narrow and the search's own is not: the idle time just below or above it, whichever
 * would take more off; undefined once both are met.
 */
export function hintedQuestion(draft: Draft, upper: Seconds): Seconds | undefined {
  const inside = hintedBracket(draft, upper);
  const resolution = resolutionOf(draft);
  if (inside.upper - inside.lower > resolution || upper - draft.lower <= resolution) return undefined;
  const below = Math.min(inside.lower - BELOW_HINT, inside.upper - 0.6 * resolution);
  const above = inside.upper + BEYOND_HINT;
  const least = Math.max(draft.options.minIdle, draft.lower + draft.slack + BELOW_HINT);
  const [gapBelow, gapAbove] = [below > least ? below - draft.lower : 0, upper - above];
  if (Math.max(gapBelow, gapAbove) <= draft.options.resolution / 10) return undefined;
  return gapBelow >= gapAbove ? below : above;
}
