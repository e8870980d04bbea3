/** The bounds asked anew because somebody wants to know now: not at the next rounds, but with all that is at hand. */
import { idleConnections, isAged, open, roomOf, test } from './draft-connections.js';
import { watchQuestion } from './questions.js';
import type { Draft, Role } from './state.js';

/** What the fresh connections ask in turn: both bounds, and half of the lower one, where a drop shows sooner. */
const FRESH_ROLES: readonly Role[] = ['upper', 'half', 'lower', 'upper'];
/** Most of them: as many beyond the upper bound as announce a rise. */
const MOST_FRESH = 8;
/** Those that watch for drops below the bracket. */
const WATCHMEN: readonly Role[] = ['half', 'between'];
/** Younger ones than this share of the lower bound go on, however often somebody asks: a drop must stay visible. */
const YOUNG = 0.25;

/**
 * Asks whether the bracket still stands. A drop shows in seconds: the oldest watchman is tested at once. A rise shows
 * after one timeout at most: as many fresh connections as there is room for begin to wait, and those that wait already
 * go on. What is published stays until it is refuted.
 */
export function askAnew(draft: Draft): void {
  if (draft.options.timing === 'late') callWatchman(draft);
  const count = Math.min(MOST_FRESH, roomOf(draft));
  for (let member = 0; member < count; member++) {
    const role = FRESH_ROLES[member % FRESH_ROLES.length] ?? 'upper';
    open(draft, role, watchQuestion(draft, role));
  }
}

function callWatchman(draft: Draft): void {
  const least = Math.max(draft.options.minIdle, YOUNG * draft.lower);
  const oldest = idleConnections(draft).find(({ role }) => WATCHMEN.includes(role));
  if (oldest !== undefined && isAged(draft, oldest, least)) test(draft, oldest);
}
