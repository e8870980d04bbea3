/** When a target's state is written: soon after something new, now and then otherwise. */
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';

/** News is written this long after it came, so that a burst is written once, seconds. */
const NEWS_AFTER: Seconds = 1;
/** Mere routine waits this long: a disk need not be worn by a finding that stays the same, seconds. */
const ROUTINE_AFTER: Seconds = 60;

export class Saver {
  readonly #clock: Clock;
  readonly #save: () => Promise<void>;
  #pending: { readonly due: Seconds; readonly timer: Timer } | undefined;

  constructor(clock: Clock, save: () => Promise<void>) {
    this.#clock = clock;
    this.#save = save;
  }

  /** Notes a change; `news` is anything that a restart must not forget. */
  changed(news: boolean): void {
    const due = this.#clock.monotonic() + (news ? NEWS_AFTER : ROUTINE_AFTER);
    if (this.#pending !== undefined && this.#pending.due <= due) return;
    this.#pending?.timer.cancel();
    const timer = this.#clock.after(due - this.#clock.monotonic(), () => {
      this.#pending = undefined;
      void this.#save();
    });
    this.#pending = { due, timer };
  }

  /** Writes no more by itself. */
  stop(): void {
    this.#pending?.timer.cancel();
    this.#pending = undefined;
  }
}
