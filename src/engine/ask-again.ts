/** "Measure again now": asks a target's bounds anew when somebody wishes it, once a minute at most. */
import type { Clock } from '../clock.js';
import { exactDuration } from '../core/human-duration.js';
import type { Seconds } from '../units.js';
import type { Journal } from './journal.js';

/** Least time between two wishes that are heeded, seconds: the NAT's table must not pay for impatience. */
const LEAST_PAUSE: Seconds = 60;

/** What became of the wish to measure a target again. */
export type AskedAgain =
  /** The bounds are asked anew; a drop shows at once, a rise within so many seconds. */
  | { readonly kind: 'asked'; readonly within: Seconds }
  /** No finding yet: every connection asks as early as it can already. */
  | { readonly kind: 'searching' }
  /** The far end does not answer; it is tried again and again already. */
  | { readonly kind: 'no_answer' }
  /** It was asked a moment ago; the next wish is heeded after so many seconds. */
  | { readonly kind: 'too_soon'; readonly wait: Seconds };

/** What a mode answers. */
interface Askable {
  /** See `ModeRunner.askAnew`. */
  askAnew(): Seconds | 'searching' | undefined;
}

export class AskAgain {
  readonly #clock: Clock;
  readonly #journal: Journal;
  /** Monotonic time of the last wish that was heeded. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, journal: Journal) {
    this.#clock = clock;
    this.#journal = journal;
  }

  ask(modes: readonly Askable[]): AskedAgain {
    const now = this.#clock.monotonic();
    const wait = this.#askedAt + LEAST_PAUSE - now;
    if (wait > 0) return { kind: 'too_soon', wait: Math.ceil(wait) };
    const answers = modes.map((mode) => mode.askAnew()).filter((answer) => answer !== undefined);
    if (answers.length === 0) return { kind: 'no_answer' };
    const times = answers.filter((answer) => answer !== 'searching');
    if (times.length === 0) return { kind: 'searching' };
    this.#askedAt = now;
    const within = Math.ceil(Math.max(...times));
    this.#journal.tell(`measured again on request: answers within ${exactDuration(within)}`, 'info');
    return { kind: 'asked', within };
  }
}
