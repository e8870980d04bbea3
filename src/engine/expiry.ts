/** How long evidence is good for. */
import type { Clock } from '../clock.js';
import type { Seconds } from '../units.js';
import type { SavedMode } from './saved-target.js';

/** A finding that no evidence agreed with for this long is not shown any more, nor built upon after a restart, seconds. */
export const FINDING_EXPIRES_AFTER: Seconds = 7 * 86_400;

/** Bounds without newer evidence than a week may be another NAT's by now: better to start anew. */
export function isFresh(saved: SavedMode, ago: Seconds, clock: Clock): boolean {
  const confirmed = saved.confirmedTimestamp ?? clock.wall() - ago;
  return clock.wall() - confirmed <= FINDING_EXPIRES_AFTER;
}
