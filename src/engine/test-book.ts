/** What a mode remembers of its finished tests: the newest ones for readers, and those below its lower bound. */
import type { Seconds } from '../units.js';
import { BelowLower } from './below-lower.js';
import type { SavedMode } from './saved-target.js';
import type { TestRecord } from './snapshot.js';

export class TestBook {
  readonly #kept: number;
  readonly #tests: TestRecord[];
  readonly #belowLower: BelowLower;

  /**
   * @param kept newest tests that are kept
   * @param saved what `save` returned before a restart
   */
  constructor(kept: number, saved: Pick<SavedMode, 'tests' | 'belowLower'> = {}) {
    this.#kept = kept;
    this.#tests = [...(saved.tests ?? [])];
    this.#belowLower = new BelowLower(saved.belowLower);
  }

  /** Newest last. */
  get tests(): readonly TestRecord[] {
    return this.#tests;
  }

  /** For the state file. */
  save(): Pick<SavedMode, 'tests' | 'belowLower'> {
    return { tests: this.#tests, belowLower: this.#belowLower.tests };
  }

  /** @param lower the lower bound that is published now, seconds; 0 while there is none */
  add(test: TestRecord, lower: Seconds): void {
    this.#tests.push(test);
    if (this.#tests.length > this.#kept) this.#tests.splice(0, this.#tests.length - this.#kept);
    // Deaths are counted when the search calls them early.
    if (test.verdict.kind === 'alive' && test.idle <= lower)
      this.#belowLower.add({ at: test.at, idle: test.idle, early: false });
  }

  /** @param at Unix time, seconds */
  addEarlyDeath(at: Seconds, idle: Seconds): void {
    this.#belowLower.add({ at, idle, early: true });
  }

  /** The published lower bound fell. */
  lowerFell(lower: Seconds): void {
    this.#belowLower.fell(lower);
  }

  /** Tests and deaths of the last 24 h below the lower bound that was published at their time. */
  belowLower(now: Seconds): ReturnType<BelowLower['counts']> {
    return this.#belowLower.counts(now);
  }
}
