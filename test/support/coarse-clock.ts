/** A fake clock for thousands of actors: timers of the same moment run together, so that time costs little. */
import type { Clock, Timer } from '../../src/clock.js';
import type { Seconds } from '../../src/units.js';

/** Moments are this far apart, seconds. */
const TICK: Seconds = 0.04;

export class CoarseClock implements Clock {
  #tick = 50_000;
  readonly #due = new Map<number, Set<() => void>>();

  monotonic(): Seconds {
    return this.#tick * TICK;
  }

  boot(): Seconds {
    return this.monotonic();
  }

  wall(): Seconds {
    return this.monotonic() + 1_700_000_000;
  }

  after(delay: Seconds, run: () => void): Timer {
    const tick = Math.max(this.#tick + 1, Math.ceil(this.#tick + delay / TICK - 1e-6));
    const due = this.#due.get(tick) ?? new Set();
    this.#due.set(tick, due);
    const once = (): void => run();
    due.add(once);
    return { cancel: () => due.delete(once) };
  }

  /** Lets `duration` seconds pass, moment by moment, with all promises settled in between. */
  async advance(duration: Seconds): Promise<void> {
    const end = this.#tick + Math.round(duration / TICK);
    while (this.#tick < end) {
      this.#tick += 1;
      const due = this.#due.get(this.#tick);
      this.#due.delete(this.#tick);
      for (const run of due ?? []) run();
      if (due !== undefined) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
