/** Time as a port: what the program knows about clocks, so that tests can bend each of them alone. */
import { uptime } from 'node:os';
import { toMilliseconds, type Seconds } from './units.js';

/** A timer that has been set and can be called off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Seconds that never run backwards; on Linux they stand still while a laptop sleeps (CLOCK_MONOTONIC). */
  monotonic(): Seconds;
  /** Seconds since boot, running on through a suspend. */
  boot(): Seconds;
  /** Unix time in seconds; may be stepped by anybody, so only for `*_timestamp_seconds` and for people. */
  wall(): Seconds;
  /** Calls `run` once after `delay` seconds of monotonic time (at once when it is not positive). */
  after(delay: Seconds, run: () => void): Timer;
}

/** The longest delay that one Node timer can hold; longer ones fire at once. */
const LONGEST_TIMER: Seconds = 2_147_483;

/** The machine's own clocks. */
export const systemClock: Clock = {
  monotonic: () => performance.now() / 1000,
  boot: () => uptime(),
  wall: () => Date.now() / 1000,
  after(delay, run) {
    let handle: NodeJS.Timeout;
    const arm = (rest: Seconds): void => {
      const now = Math.min(Math.max(rest, 0), LONGEST_TIMER);
      handle = setTimeout(() => (rest > now ? arm(rest - now) : run()), toMilliseconds(now));
    };
    arm(delay);
    return { cancel: () => clearTimeout(handle) };
  },
};
