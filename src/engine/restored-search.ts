/** A mode's search as it begins: anew, or where a saved one that is young enough left off. */
import type { Clock } from '../clock.js';
import { findingOf } from '../core/search/finding-of.js';
import { reviveSearch } from '../core/search/revive.js';
import type { SearchState } from '../core/search/state.js';
import { createSearch } from '../core/search/step.js';
import type { SearchOptions } from '../core/search/contract.js';
import type { Seconds } from '../units.js';
import type { SavedMode } from './saved-target.js';

/** A finding that no evidence agreed with for this long is not shown any more, nor built upon after a restart, seconds. */
export const FINDING_EXPIRES_AFTER: Seconds = 7 * 86_400;

/** What was saved, and how many seconds ago (by the wall clock). */
export interface Restored {
  readonly saved: SavedMode;
  readonly ago: Seconds;
}

/** When the newest evidence came that agreed with a finding. */
export interface Confirmed {
  /** Search time, seconds. */
  readonly at: Seconds | undefined;
  /** Unix time, seconds. */
  readonly timestamp: Seconds;
}

export interface BeginningSearch {
  readonly state: SearchState;
  /** Search time now, seconds. */
  readonly now: Seconds;
  /** What was saved, where the search goes on with it. */
  readonly saved?: SavedMode;
  readonly confirmed?: Confirmed;
}

/** Goes on with what was saved where that is sound, asked the same, and fresh; begins anew otherwise. */
export function beginSearch(
  options: SearchOptions,
  restored: Restored | undefined,
  clock: Clock,
): BeginningSearch {
  const state =
    restored !== undefined && isFresh(restored, clock)
      ? reviveSearch(restored.saved.search, options)
      : undefined;
  if (restored === undefined || state === undefined) return { state: createSearch(options), now: 0 };
  const { saved, ago } = restored;
  const { confirmedTimestamp: timestamp } = saved;
  return {
    state,
    now: saved.at + Math.max(0, ago),
    saved,
    ...(timestamp === undefined ? {} : { confirmed: { at: findingOf(state).confirmedAt, timestamp } }),
  };
}

/** Bounds without newer evidence than a week may be another NAT's by now: better to start anew. */
function isFresh({ saved, ago }: Restored, clock: Clock): boolean {
  const confirmed = saved.confirmedTimestamp ?? clock.wall() - ago;
  return clock.wall() - confirmed <= FINDING_EXPIRES_AFTER;
}
