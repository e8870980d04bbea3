/** The schedule of rounds: waits for its next moment only, however far the wall clock is moved meanwhile. */
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';
import { CronMoments } from './cron-moments.js';

/** A moment may come early by this much, because timers and the wall clock do not run alike, seconds. */
const EARLY: Seconds = 0.5;

export class Schedule {
  readonly #clock: Clock;
  readonly #round: (untilNext: Seconds) => void;
  #moments: CronMoments | undefined;
  #timer: Timer | undefined;

  /** @param round called at each moment, with the seconds until the next one */
  constructor(clock: Clock, round: (untilNext: Seconds) => void) {
    this.#clock = clock;
    this.#round = round;
  }

  /** Follows an expression from now on. */
  follow(expression: string): void {
    this.#moments = new CronMoments(expression);
    this.restart();
  }

  /** Waits for the next moment from now: call it when the wall clock was set, or the host slept. */
  restart(): void {
    const now = this.#clock.wall();
    this.#wait(this.#moments?.after(now), now);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#moments = undefined;
  }

  #wait(due: Seconds | undefined, now: Seconds): void {
    this.#timer?.cancel();
    if (due === undefined) return;
    this.#timer = this.#clock.after(due - now, () => this.#come(due));
  }

  #come(due: Seconds): void {
    const now = this.#clock.wall();
    // The clock was set back meanwhile, and nobody has said so yet.
    if (due - now > EARLY) return this.restart();
    // What was missed stays missed: one round is as good as many.
    const next = this.#moments?.after(Math.max(now, due));
    this.#wait(next, now);
    this.#round(next === undefined ? 0 : next - now);
  }
}
