/** What a mode remembers of its finished tests: the newest ones for readers, and those below its lower bound. */
import { afterStep, type ClockStep } from '../clock.js';
import type { Seconds } from '../units.js';
import { BelowLower } from './below-lower.js';
import { movedMoments, type SavedMode } from './saved-target.js';
import type { TestRecord } from './snapshot.js';

export class TestBook {
  readonly #kept: number;
  #tests: TestRecord[];
  readonly #belowLower: BelowLower;
  #conclusiveAt: Seconds | undefined;

  /**
   * @param kept newest tests that are kept
   * @param saved what `save` returned before a restart
   */
  constructor(kept: number, saved: Pick<SavedMode, 'tests' | 'belowLower' | 'conclusiveAt'> = {}) {
    this.#kept = kept;
    this.#tests = (saved.tests ?? []).slice(-kept);
    this.#belowLower = new BelowLower(saved.belowLower);
    this.#conclusiveAt = saved.conclusiveAt ?? this.#tests.findLast(isConclusive)?.at;
  }

  /** Newest last. */
  get tests(): readonly TestRecord[] {
    return this.#tests;
  }

  /** Unix time of the newest test with a verdict of its own, seconds: it outlives the test's place among the newest. */
  get conclusiveAt(): Seconds | undefined {
    return this.#conclusiveAt;
  }

  /** For the state file. */
  save(): Pick<SavedMode, 'tests' | 'belowLower' | 'conclusiveAt'> {
    return {
      tests: this.#tests,
      belowLower: this.#belowLower.tests,
      ...(this.#conclusiveAt === undefined ? {} : { conclusiveAt: this.#conclusiveAt }),
    };
  }

  /** @param lower the lower bound that is published now, seconds; 0 while there is none */
  add(test: TestRecord, lower: Seconds): void {
    this.#tests.push(test);
    if (isConclusive(test)) this.#conclusiveAt = test.at;
    if (this.#tests.length > this.#kept) this.#tests.splice(0, this.#tests.length - this.#kept);
    // Deaths are counted when the search calls them early.
    if (test.verdict.kind === 'alive' && test.idle <= lower)
      this.#belowLower.add({ at: test.at, idle: test.idle, early: false });
  }

  /** @param at Unix time, seconds */
  addEarlyDeath(at: Seconds, idle: Seconds): void {
    this.#belowLower.add({ at, idle, early: true });
  }

  /** The wall clock was set: what happened before keeps its age. */
  stepped(step: ClockStep): void {
    this.#tests = movedMoments(this.#tests, step);
    this.#belowLower.stepped(step);
    if (this.#conclusiveAt !== undefined) this.#conclusiveAt = afterStep(this.#conclusiveAt, step);
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

function isConclusive({ verdict }: TestRecord): boolean {
  return verdict.kind !== 'inconclusive';
}
