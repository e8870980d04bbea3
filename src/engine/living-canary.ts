/** One heartbeat canary: when it was heard, when it was asked, and since when it may be gone. */
import type { Clock } from '../clock.js';
import type { BusyDeath, Life } from '../core/lifetime.js';
import type { Canary } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { STAYED_AFTER } from './breaker.js';

/** What is said of a far end whose canaries do not stay. */
export const ENDS_AT_ONCE = 'it welcomes connections and ends them at once';
export const STAYS_SILENT = 'it welcomes connections and does not answer on them';

/** A canary with what is known of its life; all moments are monotonic seconds. */
export class LivingCanary {
  readonly canary: Canary;
  readonly bornAt: Seconds;
  readonly #clock: Clock;
  #heardAt: Seconds | undefined;
  /** When it was asked for the first time since it was heard, or ended. */
  #goneAt: Seconds | undefined;
  /** The longest time between two signs of life, seconds. */
  #survivedSilence: Seconds = 0;
  /** A beat that is under way, shared by everybody who asks at that moment. */
  beating: { readonly answered: Promise<boolean>; readonly until: Seconds } | undefined;

  constructor(canary: Canary, clock: Clock) {
    this.canary = canary;
    this.#clock = clock;
    this.bornAt = clock.monotonic();
  }

  /**
   * When it answered last. One that never did after its welcome tells nothing by its silence or its end: a control
   * that failed.
   */
  get heardAt(): Seconds | undefined {
    return this.#heardAt;
  }

  /** Since when it may be gone; undefined while it answers. */
  get goneAt(): Seconds | undefined {
    return this.#goneAt;
  }

  /** Whether it was heard long enough after its welcome. */
  get hasStayed(): boolean {
    return this.#heardAt !== undefined && this.#heardAt - this.bornAt >= STAYED_AFTER;
  }

  get life(): Life {
    return { from: this.bornAt, to: this.#heardAt ?? this.bornAt };
  }

  /** Its end, once it gives no sign of life any more; undefined where it never gave one. */
  get death(): BusyDeath | undefined {
    if (this.#heardAt === undefined || this.#goneAt === undefined) return undefined;
    return {
      from: this.bornAt,
      heard: this.#heardAt,
      gone: this.#goneAt,
      survivedSilence: this.#survivedSilence,
    };
  }

  /** Asks for a sign of life. @returns whether it came within `deadline` seconds */
  async ask(deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    this.#goneAt ??= this.#clock.monotonic();
    const answered = await this.canary.beat(deadline, signal);
    if (answered) this.#heard();
    return answered;
  }

  #heard(): void {
    const now = this.#clock.monotonic();
    // An answer that was long in coming shows no longer silence than there was until it was asked for.
    const silence = (this.#goneAt ?? now) - (this.#heardAt ?? this.bornAt);
    this.#survivedSilence = Math.max(this.#survivedSilence, silence);
    this.#heardAt = now;
    this.#goneAt = undefined;
  }

  /** It was ended by somebody, now. */
  ended(): void {
    this.#goneAt ??= this.#clock.monotonic();
  }
}
