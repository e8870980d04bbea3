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
  after: (delay, run) => new NodeTimer(delay, run),
};

/** Few objects: a fleet sets hundreds each second, and those that wait for long are the dearest garbage. */
class NodeTimer implements Timer {
  #handle: NodeJS.Timeout;

  constructor(delay: Seconds, run: () => void) {
    this.#handle = this.#arm(Math.max(delay, 0), run);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(rest: Seconds, run: () => void): NodeJS.Timeout {
    if (!(rest > LONGEST_TIMER)) return setTimeout(run, toMilliseconds(rest));
    return setTimeout(() => {
      this.#handle = this.#arm(rest - LONGEST_TIMER, run);
    }, toMilliseconds(LONGEST_TIMER));
  }
}
