/**
 * The circuit breaker of one target's probe connections: lets a few launches be under way at once, holds them back while
 * no canary lives, lets them try one at a time while connections are welcomed and do not stay, and lets them through
 * slowly after the far end had gone.
 */
import { Backoff } from '../backoff.js';
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';

/** A connection that lives so long has stayed: whoever welcomes it and does not keep it ends it sooner, seconds. */
export const STAYED_AFTER: Seconds = 2;
/** Launches are let through slowly for this long after the far end had gone, seconds. */
const SLOW_FOR: Seconds = 60;
/** Mean time between two of them: thousands of exporters may have lost the same far end, seconds. */
const SLOW_GAP: Seconds = 0.5;
/** Launches under way at once: so many has a far end turned away before we know of the first. */
const AT_ONCE = 8;

export interface BreakerOptions {
  readonly clock: Clock;
  /** From 0 to below 1; `Math.random` unless given. */
  readonly random?: () => number;
  /** Called when connections begin not to stay (`false`), and when one has stayed again (`true`). */
  readonly changed?: (stay: boolean) => void;
}

interface Waiting {
  /** Whether anybody still wants it. */
  readonly wanted: () => boolean;
  readonly go: (passed: boolean) => void;
}

export class Breaker {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #changed: (stay: boolean) => void;
  readonly #backoff: Backoff;
  readonly #waiting = new Set<Waiting>();
  /** Launches that passed and have not settled. */
  #underWay = 0;
  /** Whether nothing may pass at all. */
  #held = false;
  /** Why the last connection failed, for people. */
  #why: string | undefined;
  /** When the newest failure was noted, and what it asks for between two launches from then on. */
  #trippedAt: Seconds = -Infinity;
  #gap: Seconds = 0;
  #slowUntil: Seconds = -Infinity;
  /** Nothing passes before. */
  #next: Seconds = -Infinity;
  #timer: Timer | undefined;

  constructor({ clock, random = Math.random, changed = () => undefined }: BreakerOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#changed = changed;
    this.#backoff = new Backoff({ random });
  }

  /** Whether connections did not stay and none has stayed since. */
  get #tripped(): boolean {
    return this.#gap > 0;
  }

  /** Why the last connection was turned away; undefined where it was welcomed and then ended. */
  get why(): string | undefined {
    return this.#why;
  }

  /**
   * Resolves when a launch may go, in the order of asking. Who passed says `settled` once, whatever became of it.
   * @returns false when `wanted` says no by then, or `signal` is aborted
   */
  pass(wanted: () => boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const aborted = (): void => waiting.go(false);
      const waiting: Waiting = {
        wanted,
        go: (passed) => {
          this.#waiting.delete(waiting);
          signal.removeEventListener('abort', aborted);
          resolve(passed);
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.add(waiting);
      this.#serve();
    });
  }

  /** A launch that passed is over: its connection is open, or there is none. */
  settled(): void {
    this.#underWay -= 1;
    this.#serve();
  }

  /** Nothing passes until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#serve();
  }

  /** The far end had gone and is back, perhaps for many others too. */
  slowDown(): void {
    this.#slowUntil = this.#clock.monotonic() + SLOW_FOR;
    this.#next = Math.max(this.#next, this.#clock.monotonic() + SLOW_GAP * this.#random());
  }

  /**
   * A connection was turned away, or ended as soon as it was open.
   * @param launchedAt monotonic seconds; those that were launched before the last failure was known tell nothing new
   * @param why for people; absent where it was welcomed
   */
  failed(launchedAt: Seconds, why?: string): void {
    if (launchedAt <= this.#trippedAt) return;
    this.#why = why;
    const before = this.#tripped;
    this.#trippedAt = this.#clock.monotonic();
    this.#gap = this.#backoff.next();
    this.#next = this.#trippedAt + this.#gap;
    if (!before) this.#changed(false);
  }

  /**
   * A connection is open.
   * @param launchedAt monotonic seconds
   * @param lives whether it still is, asked a little later
   */
  opened(launchedAt: Seconds, lives: () => boolean): void {
    if (!this.#tripped) return;
    this.#clock.after(STAYED_AFTER, () => {
      if (lives()) this.#stayed(launchedAt);
    });
  }

  #stayed(launchedAt: Seconds): void {
    if (!this.#tripped || launchedAt <= this.#trippedAt) return;
    this.#backoff.reset();
    this.#gap = 0;
    this.#next = -Infinity;
    this.slowDown();
    this.#changed(true);
    this.#serve();
  }

  #serve(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const waiting of this.#waiting) {
      if (!waiting.wanted()) waiting.go(false);
      else if (this.#held || this.#underWay >= AT_ONCE) return;
      else {
        const now = this.#clock.monotonic();
        if (now < this.#next) {
          this.#timer = this.#clock.after(this.#next - now, () => this.#serve());
          return;
        }
        this.#underWay += 1;
        waiting.go(true);
        const gap = now < this.#slowUntil ? SLOW_GAP * (0.5 + this.#random()) : 0;
        this.#next = now + Math.max(this.#gap, gap);
      }
    }
  }
}
