/** The pace of a climb: how far the next rung may be from the last one, so that the budget lasts to the top. */
import type { Seconds } from '../../units.js';

/** Rungs closer together than this share of their height are not worth a connection. */
const LEAST_STEP = 0.004;
/** No pace is slower than this, whatever the budget. */
const SLOWEST = 6;
const ROUNDS_OF_BISECTION = 18;
/** Where a pace is tried out: overwritten each time, for a fleet asks hundreds of times a second. */
const QUEUE = new Float64Array(4096);

/** What a pace is planned for. */
export interface Climb {
  /** Start of each connection of the ladder, oldest first, in seconds since the climb began. */
  readonly starts: readonly Seconds[];
  /** Seconds since the climb began. */
  readonly now: Seconds;
  /** Longest idle time that survived so far, > 0. */
  readonly lower: Seconds;
  /** Longest idle time that is to be tested. */
  readonly top: Seconds;
  /** Seconds that every answer may take on top: at small idle times the deadline weighs more than the pace. */
  readonly grace: Seconds;
}

/**
 * The quickest pace p that can be kept up to the top: as soon as `lower` is proven, the next test runs when the
 * climb is `p · lower + grace` old, always with the oldest connection, which is then replaced by a new one. A
 * timeout just above `lower` is thus found at p times itself, whatever it is.
 * @returns undefined when no pace lasts to the top
 */
export function quickestPace(climb: Climb): number | undefined {
  let slow = SLOWEST;
  let quick = 1;
  for (let round = 0; round < ROUNDS_OF_BISECTION; round++) {
    const pace = (slow + quick) / 2;
    if (lasts(climb, pace)) slow = pace;
    else quick = pace;
  }
  return slow === SLOWEST ? undefined : slow;
}

/** Whether the connections suffice for this pace: each rung must be above the one before. */
function lasts(climb: Climb, pace: number): boolean {
  const { starts, top, grace } = climb;
  let length = Math.min(starts.length, QUEUE.length);
  for (let index = 0; index < length; index++) QUEUE[index] = starts[index] ?? 0;
  let { lower, now } = climb;
  for (let oldest = 0; lower < top; oldest++) {
    if (oldest >= length || length >= QUEUE.length) return false;
    now = Math.max(now, pace * lower + grace);
    const age = now - (QUEUE[oldest] ?? 0);
    if (age < lower * (1 + LEAST_STEP)) return false;
    lower = age;
    QUEUE[length] = now;
    length += 1;
  }
  return true;
}
