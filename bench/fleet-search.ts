/** The search of one of a fleet's targets in virtual time: the product's machine behind a box whose timeout changes. */
import type { Timer } from '../src/clock.js';
import type { SearchAction, SearchEvent, SearchOptions } from '../src/core/search/contract.js';
import { findingOf } from '../src/core/search/finding-of.js';
import { createSearch, step } from '../src/core/search/step.js';
import type { Slot } from '../src/engine/launches.js';
import type { VirtualClock } from './virtual-clock.js';

/** The schedule's rounds, seconds. */
const ROUNDS = 300;
/** How long an answer takes, seconds. */
const ANSWER_TIME = 0.06;

export interface FleetSearchOptions {
  readonly search: SearchOptions;
  readonly clock: VirtualClock;
  /** What the box remembers an idle connection for now, seconds. */
  readonly timeout: () => number;
  /** Waits for a place in the budget and for the rate of opens. */
  readonly launch: () => Promise<Slot | undefined>;
  /** Called after every step. */
  readonly stepped: (search: FleetSearch) => void;
}

/** An idle connection. */
interface Held {
  readonly slot: Slot | undefined;
  readonly since: number;
}

export class FleetSearch {
  readonly #options: FleetSearchOptions;
  readonly #held = new Map<number, Held>();
  #state: ReturnType<typeof createSearch>;
  #wake: Timer | undefined;
  #round: Timer | undefined;
  #isOver = false;

  constructor(options: FleetSearchOptions) {
    this.#options = options;
    this.#state = createSearch(options.search);
    this.#feed({ kind: 'start' });
    this.#nextRound();
  }

  /** Whether a timeout is known that holds this value. */
  knows(timeout: number): boolean {
    const { lower = 0, upper = Infinity, timeout: known, suspect } = findingOf(this.#state);
    return known !== undefined && !suspect && lower < timeout && timeout <= upper;
  }

  /** Closes every connection. */
  end(): void {
    this.#isOver = true;
    this.#wake?.cancel();
    this.#round?.cancel();
    for (const { slot } of this.#held.values()) slot?.release();
    this.#held.clear();
  }

  #nextRound(): void {
    this.#round = this.#options.clock.after(ROUNDS, () => {
      this.#feed({ kind: 'round' });
      this.#nextRound();
    });
  }

  #feed(event: SearchEvent): void {
    if (this.#isOver) return;
    const stepped = step(this.#state, this.#options.clock.monotonic(), event);
    this.#state = stepped.state;
    for (const action of stepped.actions) this.#carryOut(action);
    this.#options.stepped(this);
  }

  #carryOut(action: SearchAction): void {
    const { clock } = this.#options;
    switch (action.kind) {
      case 'open':
        void this.#open(action.id);
        return;
      case 'test':
        this.#test(action.id);
        return;
      case 'discard':
        this.#close(action.id);
        return;
      case 'wake':
        this.#wake?.cancel();
        this.#wake = clock.after(Math.max(0.001, action.at - clock.monotonic()), () =>
          this.#feed({ kind: 'tick' }),
        );
        return;
      case 'announce':
      case 'early_death':
        return;
    }
  }

  async #open(id: number): Promise<void> {
    const slot = await this.#options.launch();
    this.#held.set(id, { slot, since: this.#options.clock.monotonic() });
    this.#feed({ kind: 'opened', id });
  }

  #test(id: number): void {
    const { clock, timeout, search } = this.#options;
    const held = this.#held.get(id);
    if (held === undefined) return;
    const idle = clock.monotonic() - held.since;
    const isAlive = idle < timeout();
    clock.after(isAlive ? ANSWER_TIME : search.deadline, () => {
      this.#close(id);
      this.#feed({
        kind: 'verdict',
        id,
        verdict: isAlive ? { kind: 'alive' } : { kind: 'dead', evidence: 'silence' },
        idle,
      });
    });
  }

  #close(id: number): void {
    this.#held.get(id)?.slot?.release();
    this.#held.delete(id);
  }
}
