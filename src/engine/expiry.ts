/** How long evidence is good for. */
import type { Seconds } from '../units.js';

/** A finding that no evidence agreed with for this long is not shown any more, nor built upon after a restart, seconds. */
export const FINDING_EXPIRES_AFTER: Seconds = 7 * 86_400;
