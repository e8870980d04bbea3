/** How long to wait before something that failed is tried again: ever longer, and never in step with anybody else. */
import type { Seconds } from './units.js';

/** The first pause and the longest one unless somebody knows better, seconds. */
const FIRST: Seconds = 1;
const LONGEST: Seconds = 60;
/** A pause is shortened by up to this part of it, so that those who failed together do not try again together. */
const JITTER = 0.5;

export interface BackoffOptions {
  /** Whole length of the first pause, seconds; 1 unless given. */
  readonly first?: Seconds;
  /** Whole length that no pause exceeds, seconds; 60 unless given. */
  readonly longest?: Seconds;
  /** From 0 to below 1; `Math.random` unless given. */
  readonly random?: () => number;
}

/** Pauses between tries: doubled from one failure to the next, each shortened at random by up to a half. */
export class Backoff {
  readonly #first: Seconds;
  readonly #longest: Seconds;
  readonly #random: () => number;
  #failures = 0;

  constructor({ first = FIRST, longest = LONGEST, random = Math.random }: BackoffOptions = {}) {
    this.#first = first;
    this.#longest = longest;
    this.#random = random;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Notes a failure. @returns how long to wait before the next try, seconds */
  next(): Seconds {
    const whole = Math.min(this.#first * 2 ** this.#failures, this.#longest);
    this.#failures += 1;
    return whole * (1 - JITTER * this.#random());
  }

  /** Notes a success: the next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
