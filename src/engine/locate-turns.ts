/**
 * Whose box may be looked for when: few targets of a fleet at once, and no more starts in a row than spread over the time
 * after which each is asked again. Where a long timeout makes the whole fleet's turn longer than that, the queue does not
 * empty any more: who has waited in vain and those of whom nothing is known come first, the others in the order of asking.
 */
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';

/** Most targets at once, as a share of all; one may always. */
const SHARE = 0.01;
/** Starts that may come at once; a fleet that is no larger waits for nothing but one another. */
const BURST = 10;
/** So many times as often as each target asks by itself: runs are repeated, and must not queue up. */
const PACE = 2;

/** Moments that lie closer together are one, seconds: by a rounding a start may be due a little before it is. */
const SHORTEST_WAIT: Seconds = 0.001;

/** Ends a turn. @param wasUsed whether a box was looked for; else it counts for nothing */
export type Leave = (wasUsed?: boolean) => void;

interface Waiting {
  readonly go: (leave: Leave | undefined) => void;
}

export class LocateTurns {
  readonly #clock: Clock;
  /** Who comes first, and the others. */
  readonly #queues = { first: new Set<Waiting>(), again: new Set<Waiting>() };
  #most = 1;
  /** Starts a second, once the burst is used up. */
  #rate = 0;
  #tokens = BURST;
  #filledAt: Seconds;
  #running = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#filledAt = clock.monotonic();
  }

  /** The targets whose boxes are looked for: after how long each is asked again, seconds. */
  set fleet(every: readonly Seconds[]) {
    this.#refill();
    this.#most = Math.max(1, Math.floor(SHARE * every.length));
    this.#rate = PACE * every.reduce((sum, each) => sum + 1 / each, 0);
    this.#serve();
  }

  /**
   * Waits for a turn, in the order of asking.
   * @param isFirst whether it comes before all who are not
   * @returns called once when it is over; undefined when `signal` is aborted before
   */
  turn(signal: AbortSignal, isFirst = false): Promise<Leave | undefined> {
    const queue = isFirst ? this.#queues.first : this.#queues.again;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(undefined);
      const aborted = (): void => waiting.go(undefined);
      const waiting: Waiting = {
        go: (leave) => {
          queue.delete(waiting);
          signal.removeEventListener('abort', aborted);
          resolve(leave);
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      queue.add(waiting);
      this.#serve();
    });
  }

  #serve(): void {
    this.#refill();
    let next = this.#next();
    for (; next !== undefined && this.#running < this.#most && this.#tokens >= 1; next = this.#next()) {
      this.#tokens -= 1;
      this.#running += 1;
      next.go(this.#leaver());
    }
    if (next === undefined || this.#running >= this.#most || this.#rate === 0) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(Math.max(SHORTEST_WAIT, (1 - this.#tokens) / this.#rate), () =>
      this.#serve(),
    );
  }

  #next(): Waiting | undefined {
    const { first, again } = this.#queues;
    const [next] = first.size > 0 ? first : again;
    return next;
  }

  #leaver(): Leave {
    let isOver = false;
    return (wasUsed = true) => {
      if (isOver) return;
      isOver = true;
      this.#running -= 1;
      if (!wasUsed) this.#tokens = Math.min(BURST, this.#tokens + 1);
      this.#serve();
    };
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#filledAt) * this.#rate);
    this.#filledAt = now;
  }
}
