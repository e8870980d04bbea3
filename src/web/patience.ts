/** How long the sites wait for those who read from them. */
import type { Seconds } from '../units.js';

/** A reader that takes nothing of its answer for so long is gone: what waits for it is let go of, whatever it asked for. */
export const LONGEST_PAUSE: Seconds = 60;
