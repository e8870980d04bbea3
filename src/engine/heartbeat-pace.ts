/** How far apart the heartbeats of a path's canaries are. */
import type { Clock } from '../clock.js';
import type { Seconds } from '../units.js';
import { STAYED_AFTER } from './breaker.js';

/** Bounds of the time between two heartbeats, seconds. */
const SHORTEST: Seconds = 1;
const LONGEST: Seconds = 60;
/** Heartbeats while nothing is known about the path, or whether a canary stays. */
export const UNKNOWN_BEAT: Seconds = STAYED_AFTER;
/** Without a loss for this long the heartbeats may become slower again, seconds. */
const TRUST_AFTER: Seconds = 3600;

export class HeartbeatPace {
  readonly #clock: Clock;
  readonly #survives: () => Seconds | undefined;
  /** The longest pause that experience allows: halved by each loss of all mappings. */
  #slowest: Seconds = LONGEST;
  #lastLoss: Seconds = -Infinity;

  /** @param survives the longest idle time that is known to survive in every mode; undefined while unknown */
  constructor(clock: Clock, survives: () => Seconds | undefined) {
    this.#clock = clock;
    this.#survives = survives;
  }

  /** Seconds between two heartbeats of one canary: a quarter of what survives, within bounds. */
  interval(): Seconds {
    const now = this.#clock.monotonic();
    if (now - this.#lastLoss > TRUST_AFTER && this.#slowest < LONGEST) {
      this.#slowest = Math.min(this.#slowest * 2, LONGEST);
      this.#lastLoss = now;
    }
    const known = this.#survives();
    const wanted = known === undefined ? UNKNOWN_BEAT : known / 4;
    return Math.max(SHORTEST, Math.min(wanted, this.#slowest));
  }

  /** All mappings were lost while heartbeats were `interval` seconds apart. */
  lost(interval: Seconds): void {
    this.#slowest = Math.max(SHORTEST, Math.min(this.#slowest, interval) / 2);
    this.#lastLoss = this.#clock.monotonic();
  }
}
