/** Measures over the path to one pinned address: what its lifeline notices is told to searches, breaker and facts. */
import type { Clock } from '../clock.js';
import type { SearchConfig } from '../config/schema.js';
import { type AgeWindow, longestIdleWithin } from '../core/lifetime.js';
import type { Introduction, Path } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { Breaker } from './breaker.js';
import { Controls } from './death-controls.js';
import type { Journal } from './journal.js';
import { Lifeline, type LifelineEvents } from './lifeline.js';
import type { ModeRunner } from './mode-runner.js';
import type { FactsKeeper } from './path-facts.js';

export interface PinnedPathOptions {
  readonly path: Path;
  readonly clock: Clock;
  readonly search: SearchConfig;
  readonly modes: readonly ModeRunner[];
  readonly facts: FactsKeeper;
  readonly journal: Journal;
  /** Called when all canaries live (again): deaths can be judged from now on. */
  readonly watched: () => void;
  /** Called for each try to reach the far end that failed. */
  readonly unreachable: () => void;
  /** Called when every mapping of the path vanished at once. */
  readonly mappingLoss: () => void;
}

export class PinnedPath implements LifelineEvents {
  readonly #options: PinnedPathOptions;
  readonly #breaker: Breaker;
  readonly #lifeline: Lifeline;
  readonly #signal: AbortSignal;
  #begun = false;

  /** @param signal aborted when the path is left */
  constructor(options: PinnedPathOptions, signal: AbortSignal) {
    const { path, clock, search, modes } = options;
    this.#options = options;
    this.#signal = signal;
    this.#breaker = new Breaker({ clock, changed: (stay) => this.#probesStay(stay) });
    this.#lifeline = new Lifeline({
      path,
      clock,
      deadline: search.deadline,
      resolution: search.resolution,
      survives: () => survivesInAll(modes),
      events: this,
    });
  }

  /** Measures until the path is left. Never throws. */
  async run(): Promise<void> {
    await this.#lifeline.run(this.#signal);
    for (const mode of this.#options.modes) mode.end();
  }

  reached(introduction: Introduction): void {
    this.#options.facts.reached(introduction);
  }

  watched(): void {
    this.#options.facts.noticeSeenAddress();
    this.#options.watched();
    this.#breaker.release();
    if (!this.#begun) this.#begin();
  }

  #begin(): void {
    this.#begun = true;
    const { path, clock, search, modes } = this.#options;
    const [breaker, lifeline, signal] = [this.#breaker, this.#lifeline, this.#signal];
    const controls = new Controls({ path, lifeline, clock, deadline: search.deadline, signal });
    for (const mode of modes) {
      // What was found of another path is not known of this one.
      mode.limit(search.max_idle);
      mode.begin({ path, controls, breaker, signal });
    }
  }

  unwatched(): void {
    this.#breaker.hold();
  }

  unreachable(reason: string): void {
    this.#options.facts.unreachable(reason);
    this.#options.unreachable();
    // Whoever could not be reached before the first launch may have been so for a whole fleet.
    if (!this.#begun) this.#breaker.slowDown();
  }

  mappingLoss(): void {
    const { facts, journal, modes, mappingLoss } = this.#options;
    mappingLoss();
    journal.tell('every mapping of the path vanished at once (reboot, new address)', 'warn');
    facts.forgetSeenAddresses();
    for (const mode of modes) mode.lose('mapping_loss');
  }

  farEndRestarted(): void {
    const several = this.#options.facts.facts.severalFarEnds === true;
    this.#lost(
      several
        ? 'one of several far ends does not answer any more: the connections that watch the path are gone'
        : 'the far end was restarted: its connections are gone',
    );
  }

  closedByFarEnd(): void {
    this.#lost('the far end closed the connections that watch the path');
  }

  outageOutlasted(): void {
    this.#lost('an outage outlasted every connection: whether the mappings lived is unknown');
  }

  lifetime(age: AgeWindow | undefined): void {
    const { facts, modes, search } = this.#options;
    facts.lifetime(age);
    const longest = age === undefined ? search.max_idle : longestIdleWithin(age, search.guard);
    for (const mode of modes) mode.limit(longest);
  }

  /** Every connection is gone, and nothing is learnt. */
  #lost(why: string): void {
    this.#breaker.slowDown();
    this.#options.journal.tell(why, 'warn');
    for (const mode of this.#options.modes) mode.lose('interrupted');
  }

  /** Tells once that probe connections do not stay although the canaries do, and once that they do again. */
  #probesStay(stay: boolean): void {
    const { journal } = this.#options;
    if (stay) journal.tell('probe connections stay open again', 'info');
    else journal.tell('probe connections end as soon as they are open: fewer and fewer are tried', 'warn');
  }
}

/** The longest idle time that is known to survive in every mode. */
function survivesInAll(modes: readonly ModeRunner[]): Seconds | undefined {
  const lowers = modes.map(({ finding }) => finding.lower).filter((lower) => lower !== undefined);
  return lowers.length < modes.length ? undefined : Math.min(...lowers);
}
