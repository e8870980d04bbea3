/** A clock that moves only when a test says so. */
import type { Clock, Timer } from '../../src/clock.js';
import type { Seconds } from '../../src/units.js';

interface Pending {
  readonly due: Seconds;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #now: Seconds = 1000;
  #asleep: Seconds = 0;
  #wallOffset: Seconds = 1_700_000_000;
  readonly #pending = new Set<Pending>();
  readonly #settle: () => Promise<void>;

  /** @param settleAll lets run what is ready between two timers; everything unless a test knows that promises are all */
  constructor(settleAll = turns) {
    this.#settle = settleAll;
  }

  monotonic(): Seconds {
    return this.#now;
  }

  boot(): Seconds {
    return this.#now + this.#asleep;
  }

  wall(): Seconds {
    return this.#now + this.#asleep + this.#wallOffset;
  }

  after(delay: Seconds, run: () => void): Timer {
    const pending = { due: this.#now + Math.max(0, delay), run };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Lets `duration` seconds pass, timer by timer, with all promises settled in between. */
  async advance(duration: Seconds): Promise<void> {
    const end = this.#now + duration;
    await this.#settle();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.due > end) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.run();
      await this.#settle();
    }
    this.#now = end;
    await this.#settle();
  }

  /** Lets time pass, timer by timer, until `promise` is settled. @throws when it is not within `longest` seconds */
  async settle<T>(promise: Promise<T>, longest: Seconds): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    const end = this.#now + longest;
    await this.#settle();
    while (!settled) {
      const due = this.#next()?.due ?? Infinity;
      if (due > end) throw new Error(`still pending after ${longest} s`);
      await this.advance(Math.max(0, due - this.#now));
    }
    return promise;
  }

  /** Our own process stands still: time passes and no timer fires before the next `advance`. */
  stall(duration: Seconds): void {
    this.#now += duration;
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#pending.size;
  }

  /** The earliest timer; of several the one that was set first. */
  #next(): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) if (next === undefined || pending.due < next.due) next = pending;
    return next;
  }

  /** The machine sleeps: boot time and wall time run on, monotonic time stands still. */
  sleep(duration: Seconds): void {
    this.#asleep += duration;
  }

  /** Somebody sets the wall clock. */
  stepWall(by: Seconds): void {
    this.#wallOffset += by;
  }
}

/** Lets everything that is ready run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
