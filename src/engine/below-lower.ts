/** Counts a mode's tests below the lower bound of their time: what others survived, and what died early. */
import type { ClockStep } from '../clock.js';
import type { Seconds } from '../units.js';
import { movedMoments } from './saved-target.js';

/** Tests count for this long, seconds. */
const COUNTED_FOR: Seconds = 86_400;
/** Newest tests that are kept. */
const KEPT = 500;

/** One test below the lower bound that was published when it ended. */
export interface TestBelowLower {
  /** Unix time, seconds. */
  readonly at: Seconds;
  readonly idle: Seconds;
  readonly early: boolean;
}

/** What was early stays early when the bound rises, and what was not does not become so. */
export class BelowLower {
  #tests: readonly TestBelowLower[];

  /** @param saved what `tests` returned before a restart */
  constructor(saved: readonly TestBelowLower[] = []) {
    this.#tests = saved.slice(-KEPT);
  }

  /** For the state file. */
  get tests(): readonly TestBelowLower[] {
    return this.#tests;
  }

  add(test: TestBelowLower): void {
    this.#tests = [...this.#recent(test.at), test].slice(-KEPT);
  }

  /** The wall clock was set: what happened before keeps its age. */
  stepped(step: ClockStep): void {
    this.#tests = movedMoments(this.#tests, step);
  }

  /** The lower bound fell: what lies above it now was no contradiction but the evidence of the fall. */
  fell(lower: Seconds): void {
    this.#tests = this.#tests.filter(({ idle }) => idle <= lower);
  }

  /**
   * The counts of the last 24 h.
   * @param now Unix time, seconds
   */
  counts(now: Seconds): { readonly earlyDeaths: number; readonly testsBelowLower: number } {
    const recent = this.#recent(now);
    return { earlyDeaths: recent.filter(({ early }) => early).length, testsBelowLower: recent.length };
  }

  #recent(now: Seconds): TestBelowLower[] {
    return this.#tests.filter(({ at }) => now - at <= COUNTED_FOR);
  }
}
