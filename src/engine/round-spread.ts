/** Spreads a round over the time until the next one: thousands of searches do not all step in one turn. */
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';

/** Longest pause between two targets of a round: few targets still start almost together, seconds. */
const LONGEST_GAP: Seconds = 0.25;
/** The part of the time until the next round that a round may take. */
const SHARE = 0.5;

/** What has rounds: a target. */
export interface HasRounds {
  round(): void;
}

export class RoundSpread {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #left: HasRounds[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Starts a round: the first target at once, the others one after the other. Whoever is left over from the round
   * before is not lost: it goes first.
   *
   * @param span seconds until the next round
   */
  run(targets: readonly HasRounds[], span: Seconds): void {
    this.cancel();
    const leftOver = new Set(this.#left);
    const first = targets.filter((target) => leftOver.has(target));
    this.#left = [...first, ...targets.filter((target) => !leftOver.has(target))];
    const gap = Math.min(LONGEST_GAP, Math.max(0, span * SHARE) / Math.max(1, targets.length));
    this.#next(gap);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(gap: Seconds): void {
    this.#left.shift()?.round();
    if (this.#left.length === 0) return;
    this.#timer = this.#clock.after(gap, () => this.#next(gap));
  }
}
