/** Which idle times are worth asking about. */
import type { Seconds } from '../../units.js';
import { askDistance, claimOf, claimQuestion, upperOf, wellBeyond } from './bracket.js';
import { KNOWN_VALUES } from './known-values.js';
import type { Draft, Role } from './state.js';
import type { SearchOptions } from './contract.js';

/** The geometry of a ladder of staggered connections. */
export interface Ladder {
  /** Step from one rung to the next, as a share of the rung. */
  readonly step: number;
  /** Age of the youngest useful connection at a test, as a share of the time since the ladder's start. */
  readonly launch: number;
}

/**
 * The ladder for a budget. With `launch` = u a test at time t uses a connection that was started at u·t, so n
 * connections give rungs a factor u^(-1/n) apart. u = 1/(n+1) brings the first upper bound earliest; a little
 * more leaves younger connections closer together, which the bisection needs.
 */
export function ladderOf(connections: number): Ladder {
  const launch = 1.2 / (connections + 1);
  return { launch, step: launch ** (-1 / connections) - 1 };
}

/** An idle time to ask about. */
export interface Question {
  readonly idle: Seconds;
  /** Whether an idle time nearby, whose connection is ready now, will not do. */
  readonly exact: boolean;
}

/** The next idle time of a climb above `lower`, seconds. */
export function nextRung(draft: Draft, lower: Seconds, ladder: Ladder): Seconds {
  if (lower === 0) return draft.options.minIdle;
  return roundRung(draft, lower, lower * (1 + ladder.step));
}

/** A planned idle time of a climb, moved to just above a known value that is near, seconds. */
export function roundRung(draft: Draft, lower: Seconds, planned: Seconds): Seconds {
  const { options, slack } = draft;
  const plain = Math.max(planned, lower + options.resolution / 4 + slack);
  let rung = plain;
  for (const known of KNOWN_VALUES) {
    const above = known + askDistance(options);
    if (above > lower + (plain - lower) / 3 && above <= lower + (plain - lower) * 1.5) rung = above;
  }
  const claim = claimQuestion(draft);
  if (lower < claimOf(options) && rung > claim) rung = claim;
  return Math.min(rung, options.maxIdle);
}

/**
 * The next idle time that halves a bracket, seconds: the middle, moved by what a survivor loses; just below or
 * above a known value when that is nearly as good.
 */
export function bisection(draft: Draft, lower: Seconds, upper: Seconds): Question {
  const { options } = draft;
  if (lower === 0) return { idle: Math.max(options.minIdle, upper - walkDown(draft, upper)), exact: false };
  const width = upper - lower;
  const claim = claimQuestion(draft);
  // A question that all but repeats the upper bound would be answered by one more death and teach nothing.
  const highest = upper - Math.max(2 * draft.slack, options.resolution / 10);
  if (lower < claimOf(options) && claim < highest) return { idle: claim, exact: true };
  for (const known of KNOWN_VALUES) {
    const distance = askDistance(options);
    if (known <= lower || known > upper) continue;
    if (known - distance > lower && Math.abs(known - distance - (lower + upper) / 2) < width * 0.35)
      return { idle: known - distance, exact: true };
    if (known + distance < highest && known - distance * 2 < lower)
      return { idle: known + distance, exact: true };
  }
  return { idle: (lower + upper + Math.min(draft.slack, width / 2)) / 2, exact: false };
}

/** After a drop nothing is known to survive: twice as far down at each step. */
function walkDown(draft: Draft, upper: Seconds): Seconds {
  const first = Math.max(4 * draft.options.resolution, 0.02 * upper);
  if (draft.droppedAt === 0) return upper / 2;
  return Math.min(upper / 2, first + 2 * Math.max(0, draft.droppedAt - upper));
}

/** The idle time just above the upper bound at which another death confirms it, seconds. */
export function confirmation(draft: Draft, upper: Seconds = upperOf(draft)): Seconds {
  return upper + 2 * draft.slack + 0.05 * draft.options.resolution;
}

/** The idle time that a connection of this role asks about in the steady state, seconds. */
export function watchQuestion(draft: Draft, role: Role): Seconds {
  const { options } = draft;
  const upper = upperOf(draft);
  const margin = Math.min(Math.max(options.resolution / 5, draft.lower * 5e-4), draft.lower * 0.05);
  const above = upper === Number.POSITIVE_INFINITY ? options.maxIdle : confirmation(draft) + margin;
  // While a rise is being confirmed, everybody asks beyond the upper bound, some well beyond it.
  if (draft.risen > 0) return role === 'upper' ? Math.min(options.maxIdle, wellBeyond(draft, upper)) : above;
  if (role === 'upper') return above;
  let below = upper === Number.POSITIVE_INFINITY ? options.maxIdle : draft.lower - margin;
  if (draft.lower >= claimOf(options))
    below = Math.max(below, Math.min(claimQuestion(draft), options.maxIdle));
  below = Math.max(below, options.minIdle);
  if (role === 'half') return Math.max(options.minIdle, nearKnown(options, below * 0.5));
  if (role === 'between') return Math.max(options.minIdle, below * 0.74);
  return below;
}

/** Just above a known value slightly below this idle time, else the idle time itself. */
function nearKnown(options: SearchOptions, idle: Seconds): Seconds {
  for (const known of KNOWN_VALUES) {
    const above = known + askDistance(options);
    if (above <= idle && above >= idle * 0.9) return above;
  }
  return idle;
}
