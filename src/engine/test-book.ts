/** What a mode remembers of its finished tests: the newest ones for readers, and those below its lower bound. */
import { afterStep, type ClockStep } from '../clock.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import { movedMoments, type SavedMode } from './saved-target.js';
import type { TestRecord } from './snapshot.js';

/** Tests below the lower bound count for this long, seconds. */
const COUNTED_FOR: Seconds = 86_400;
/** The newest of them that are kept. */
const COUNTED_AT_MOST = 500;

/** One test below the lower bound that was published when it ended: what was early stays so when the bound rises. */
export interface TestBelowLower {
  /** Unix time, seconds. */
  readonly at: Seconds;
  readonly idle: Seconds;
  readonly early: boolean;
}

/** The part of the state file that it writes, and goes on with after a restart. */
type SavedBook = Pick<SavedMode, 'tests' | 'belowLower' | 'conclusiveAt'>;

export class TestBook {
  readonly #kept: number;
  #tests: TestRecord[];
  #belowLower: readonly TestBelowLower[];
  #conclusiveAt: Seconds | undefined;

  /** @param kept newest tests that are kept */
  constructor(kept: number, { tests = [], belowLower = [], conclusiveAt }: SavedBook = {}) {
    this.#kept = kept;
    this.#tests = tests.slice(-kept);
    this.#belowLower = belowLower.slice(-COUNTED_AT_MOST);
    this.#conclusiveAt = conclusiveAt ?? this.#tests.findLast(isConclusive)?.at;
  }

  /** Newest last. */
  get tests(): readonly TestRecord[] {
    return this.#tests;
  }

  /** Unix time of the newest test with a verdict of its own, seconds: it outlives the test's place among the newest. */
  get conclusiveAt(): Seconds | undefined {
    return this.#conclusiveAt;
  }

  save(): SavedBook {
    return defined({
      tests: this.#tests,
      belowLower: this.#belowLower,
      conclusiveAt: this.#conclusiveAt,
    });
  }

  /** @param lower the lower bound that is published now, seconds; 0 while there is none */
  add(test: TestRecord, lower: Seconds): void {
    this.#tests.push(test);
    if (isConclusive(test)) this.#conclusiveAt = test.at;
    if (this.#tests.length > this.#kept) this.#tests.splice(0, this.#tests.length - this.#kept);
    // Deaths are counted when the search calls them early.
    if (test.verdict.kind === 'alive' && test.idle <= lower) this.#count(test.at, test.idle, false);
  }

  /** @param at Unix time, seconds */
  addEarlyDeath(at: Seconds, idle: Seconds): void {
    this.#count(at, idle, true);
  }

  /** The wall clock was set: what happened before keeps its age. */
  stepped(step: ClockStep): void {
    this.#tests = movedMoments(this.#tests, step);
    this.#belowLower = movedMoments(this.#belowLower, step);
    if (this.#conclusiveAt !== undefined) this.#conclusiveAt = afterStep(this.#conclusiveAt, step);
  }

  /** The published lower bound fell: what lies above it now was no contradiction but the evidence of the fall. */
  lowerFell(lower: Seconds): void {
    this.#belowLower = this.#belowLower.filter(({ idle }) => idle <= lower);
  }

  /**
   * Tests and deaths of the last 24 h below the lower bound that was published at their time.
   * @param now Unix time, seconds
   */
  belowLower(now: Seconds): { readonly earlyDeaths: number; readonly testsBelowLower: number } {
    const recent = this.#recent(now);
    return { earlyDeaths: recent.filter(({ early }) => early).length, testsBelowLower: recent.length };
  }

  #count(at: Seconds, idle: Seconds, early: boolean): void {
    this.#belowLower = [...this.#recent(at), { at, idle, early }].slice(-COUNTED_AT_MOST);
  }

  #recent(now: Seconds): TestBelowLower[] {
    return this.#belowLower.filter(({ at }) => now - at <= COUNTED_FOR);
  }
}

function isConclusive({ verdict }: TestRecord): boolean {
  return verdict.kind !== 'inconclusive';
}
