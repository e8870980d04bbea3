/** How many connections a round of the steady state may launch. */
import type { Seconds } from '../../units.js';
import { roomOf } from './draft-connections.js';
import type { Draft } from './state.js';

/** Budgets from here on launch in groups. */
export const GROUP_BUDGET = 16;
/** Launches of one round, also those that were missed: where idle times of seconds are tested, rounds are rare. */
const CATCH_UP = 4;
/** Least time between two launches of the steady state, seconds; shorter only for timeouts of seconds. */
const LEAST_PERIOD: Seconds = 60;
/** Part of the longest age that divides among the budget: most connections of a group are tested well before it. */
const PERIOD_SHARE = 0.96;

/**
 * The launches that are due when the budget is to be kept busy, and takes them off what is owed.
 * @param oldest longest age that the connections reach, seconds
 * @param size launches come in groups of so many
 */
export function earnedLaunches(draft: Draft, oldest: Seconds, size: number): number {
  const { connections, deadline } = draft.options;
  const longest = oldest + deadline;
  const period = Math.max((PERIOD_SHARE * longest) / connections, Math.min(LEAST_PERIOD, longest / 8));
  draft.credit = Math.min(draft.credit + (draft.now - draft.creditAt) / period, CATCH_UP);
  draft.creditAt = draft.now;
  const affordable = Math.min(Math.floor(draft.credit), roomOf(draft));
  const count = affordable - (affordable % size);
  draft.credit -= count;
  return count;
}
