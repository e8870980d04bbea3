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

/** IANA name of the time zone that this host is set to. */
export function systemTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

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

/** 2020-01-01, Unix seconds: a wall clock before it has not been set since the host, which has no battery, was started. */
const EARLIEST: Seconds = 1_577_836_800;
/** The last second of the year 9999, Unix seconds: no moment of ours is later. */
export const LATEST_MOMENT: Seconds = 253_402_300_799;
/** A clock that is set forward by more than this was wrong, seconds. */
const LONGEST_STOP: Seconds = 30 * 86_400;
/** Wall time may run away from boot time by less than this without a step, seconds. */
const SHORTEST_STEP: Seconds = 2;

/** Whether a moment can be told by a clock that was set: hosts without a battery begin in 1970. */
export function isSet(wall: Seconds): boolean {
  return wall >= EARLIEST;
}

/** Somebody set the wall clock. */
export interface ClockStep {
  /** What it would have said now, Unix seconds. */
  readonly from: Seconds;
  /** Seconds by which it was set forward; negative when it was set back. */
  readonly by: Seconds;
}

/**
 * How long everything may have stood still before a step, a virtual machine that was stopped: none of its clocks ran on,
 * and somebody told it the time afterwards. 0 where the clock was set back, or was wrong.
 */
export function mayHaveStood({ from, by }: ClockStep): Seconds {
  return isSet(from) && by > 0 && by <= LONGEST_STOP ? by : 0;
}

/**
 * A moment as the clock tells it after a step, so that it keeps its age. Only what the clock told before moves with it:
 * a moment that was saved by a clock that was set stays where it is when one that was not is set. And a clock that is
 * set forward by weeks may have stood still together with everything else (a virtual machine that was stopped): that
 * time has passed, and moments stay.
 */
export function afterStep(at: Seconds, step: ClockStep): Seconds {
  const { from, by } = step;
  if (mayHaveStood(step) > 0) return at;
  return isSet(at) === isSet(from) ? at + by : at;
}

/**
 * A clock that notices steps of its wall time. Whoever noted moments is told before it tells the next one, so that the
 * age of what was noted is what has really passed since.
 */
export class StepNoticingClock implements Clock {
  readonly #clock: Clock;
  readonly #stepped: (step: ClockStep) => void;
  /** Wall time and boot time, each less monotonic time, when it was last looked. */
  #wallAhead: Seconds;
  #asleep: Seconds;

  constructor(clock: Clock, stepped: (step: ClockStep) => void) {
    this.#clock = clock;
    this.#stepped = stepped;
    this.#wallAhead = clock.wall() - clock.monotonic();
    this.#asleep = clock.boot() - clock.monotonic();
  }

  monotonic(): Seconds {
    return this.#clock.monotonic();
  }

  boot(): Seconds {
    return this.#clock.boot();
  }

  wall(): Seconds {
    const wall = this.#clock.wall();
    const moved = wall - this.#clock.monotonic() - this.#wallAhead;
    if (Math.abs(moved) <= SHORTEST_STEP) return wall;
    // A suspend moves it too; what is left is a step. Boot time is asked only here: it is a file of the kernel.
    const asleep = this.#clock.boot() - this.#clock.monotonic();
    const by = moved - (asleep - this.#asleep);
    this.#wallAhead += moved;
    this.#asleep = asleep;
    if (Math.abs(by) > SHORTEST_STEP) this.#stepped({ from: wall - by, by });
    return wall;
  }

  after(delay: Seconds, run: () => void): Timer {
    return this.#clock.after(delay, run);
  }
}
