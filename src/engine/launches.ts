/**
 * Who may open a connection when: a budget of idle connections for all targets together, opens spread over time by
 * a token bucket, and turns taken between targets. A launch that finds room and a token goes at once.
 */
import type { Clock, Timer } from '../clock.js';
import { DEFAULT_MAX_CONNECTIONS } from '../config/schema.js';
import type { Seconds } from '../units.js';

/** Opens a second once the bucket is empty: a new flow every 5 ms, for many CGNs a modest rate. */
const OPENS_PER_SECOND = 200;
/** Opens that may go at once: more than one target with the default search ever asks for. */
const BURST = 100;

/** A place in the budget, to be given back once. */
export interface Slot {
  release(): void;
}

export interface LaunchesOptions {
  readonly clock: Clock;
  readonly budget?: number;
  readonly opensPerSecond?: number;
  readonly burst?: number;
}

interface Waiting {
  /** Whether anybody still wants it. */
  readonly wanted: () => boolean;
  readonly takesSlot: boolean;
  readonly go: (slot: Slot | undefined) => void;
}

const NO_SLOT: Slot = { release: () => {} };

class BudgetSlot implements Slot {
  #launches: Launches | undefined;

  constructor(launches: Launches) {
    this.#launches = launches;
  }

  release(): void {
    this.#launches?.giveBack();
    this.#launches = undefined;
  }
}

export class Launches {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #burst: number;
  /** The targets that wait, the next one first; each with its launches, oldest first. */
  readonly #queues = new Map<string, Waiting[]>();
  #budget: number;
  #taken = 0;
  /** Waiting launches that need no place in the budget. */
  #turns = 0;
  #tokens: number;
  #filledAt: Seconds;
  #timer: Timer | undefined;

  constructor({
    clock,
    budget = DEFAULT_MAX_CONNECTIONS,
    opensPerSecond = OPENS_PER_SECOND,
    burst = BURST,
  }: LaunchesOptions) {
    this.#clock = clock;
    this.#budget = budget;
    this.#rate = opensPerSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = clock.monotonic();
  }

  /** Idle connections that may be open at once; a smaller one closes nothing and lets nothing new in for a while. */
  set budget(most: number) {
    this.#budget = most;
    this.#serve();
  }

  /** Places of the budget in use. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * A place for an idle connection of `target`, now or when its turn comes; undefined when `wanted` says no by then,
   * or `signal` is aborted.
   */
  acquire(target: string, wanted: () => boolean, signal: AbortSignal): Promise<Slot | undefined> {
    return this.#enter(target, wanted, true, signal);
  }

  /** Waits for `target`'s turn to open something that the budget does not count. */
  async turn(target: string, signal: AbortSignal): Promise<void> {
    await this.#enter(target, () => true, false, signal);
  }

  #enter(
    target: string,
    wanted: () => boolean,
    takesSlot: boolean,
    signal: AbortSignal,
  ): Promise<Slot | undefined> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(undefined);
      const aborted = (): void => {
        this.#remove(target, waiting);
        resolve(undefined);
      };
      const waiting: Waiting = {
        wanted,
        takesSlot,
        go: (slot) => {
          signal.removeEventListener('abort', aborted);
          resolve(slot);
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      if (!takesSlot) this.#turns += 1;
      const queue = this.#queues.get(target);
      if (queue === undefined) this.#queues.set(target, [waiting]);
      else queue.push(waiting);
      this.#serve();
    });
  }

  #remove(target: string, waiting: Waiting): void {
    const queue = this.#queues.get(target);
    const index = queue?.indexOf(waiting) ?? -1;
    if (index < 0) return;
    queue?.splice(index, 1);
    if (!waiting.takesSlot) this.#turns -= 1;
    if (queue?.length === 0) this.#queues.delete(target);
  }

  /** Lets go who may go, one of each target in turn. */
  #serve(): void {
    if (this.#taken >= this.#budget && this.#turns === 0) return;
    this.#refill();
    // Whoever was passed over in this round because the budget is used up.
    let passedOver = 0;
    while (this.#tokens >= 1 && this.#queues.size > passedOver) {
      const [next] = this.#queues;
      if (next === undefined) break;
      const [target, queue] = next;
      // To the end of the line, even when nothing is let go.
      this.#queues.delete(target);
      this.#queues.set(target, queue);
      const index = queue.findIndex((each) => this.#mayGo(each));
      if (index < 0) {
        passedOver += 1;
        continue;
      }
      const [waiting] = queue.splice(index, 1);
      if (queue.length === 0) this.#queues.delete(target);
      if (waiting !== undefined) this.#letGo(waiting);
    }
    if (this.#tokens < 1 && this.#queues.size > 0) this.#serveLater();
  }

  #mayGo(waiting: Waiting): boolean {
    return !waiting.takesSlot || this.#taken < this.#budget;
  }

  #letGo(waiting: Waiting): void {
    if (!waiting.takesSlot) this.#turns -= 1;
    if (!waiting.wanted()) return waiting.go(undefined);
    this.#tokens -= 1;
    waiting.go(waiting.takesSlot ? this.#slot() : NO_SLOT);
  }

  #slot(): Slot {
    this.#taken += 1;
    return new BudgetSlot(this);
  }

  /** Takes a place of the budget back. */
  giveBack(): void {
    this.#taken -= 1;
    if (this.#queues.size > 0) this.#serve();
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#rate);
    this.#filledAt = now;
  }

  #serveLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after((1 - this.#tokens) / this.#rate + 1e-6, () => {
      this.#timer = undefined;
      this.#serve();
    });
  }
}
