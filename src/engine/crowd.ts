/**
 * Whether a target has more connections open than its searches ask for. What dies early meanwhile may have had to make
 * room: it moves no bound and counts in no share.
 */
import type { Clock } from '../clock.js';
import type { Seconds } from '../units.js';

export class Crowd {
  readonly #clock: Clock;
  readonly #present = new Set<{ readonly evicts: () => void }>();
  /** When the last of them left, monotonic seconds. */
  #leftAt: Seconds = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * More connections are opened from now on.
   * @param evicts called when one of a search's own may have had to make room
   * @returns called when they are closed
   */
  enter(evicts: () => void): () => void {
    const present = { evicts };
    this.#present.add(present);
    return () => {
      if (this.#present.delete(present)) this.#leftAt = this.#clock.monotonic();
    };
  }

  /** Whether a search's connection that has died after so long an idle time may have had to make room. */
  excuses(idle: Seconds): boolean {
    return this.#present.size > 0 || this.#clock.monotonic() - idle < this.#leftAt;
  }

  /** One died that would have lived long. */
  evicted(): void {
    for (const { evicts } of [...this.#present]) evicts();
  }
}
