/** A clock of virtual time for a fleet: as a test's fake one, but quick with ten thousands of timers. */
import type { Clock, Timer } from '../src/clock.js';
import type { Seconds } from '../src/units.js';

interface Pending {
  readonly due: Seconds;
  readonly order: number;
  run: (() => void) | undefined;
}

const isBefore = (one: Pending, other: Pending): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);

export class VirtualClock implements Clock {
  #now: Seconds = 0;
  #order = 0;
  /** A binary heap, the earliest timer first. */
  readonly #heap: Pending[] = [];

  monotonic(): Seconds {
    return this.#now;
  }

  boot(): Seconds {
    return this.#now;
  }

  wall(): Seconds {
    return this.#now;
  }

  after(delay: Seconds, run: () => void): Timer {
    const pending: Pending = { due: this.#now + Math.max(0, delay), order: this.#order++, run };
    this.#push(pending);
    return { cancel: () => (pending.run = undefined) };
  }

  /** Lets time pass, timer by timer, with all promises settled in between, until somebody has seen enough. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const next = this.#pop();
      if (next === undefined) return;
      if (next.run === undefined) continue;
      this.#now = next.due;
      next.run();
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(pending);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(pending, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = pending;
  }

  #pop(): Pending | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const least = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (least === undefined || !isBefore(least, last)) break;
      heap[at] = least;
      at = least === right ? 2 * at + 2 : 2 * at + 1;
    }
    heap[at] = last;
    return first;
  }
}
