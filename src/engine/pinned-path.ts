/** Measures over the path to one pinned address: what its lifeline notices is told to searches, breaker and facts. */
import type { Clock, Timer } from '../clock.js';
import type { Remedy } from '../config/remedy.js';
import type { SearchConfig } from '../config/schema.js';
import { type AgeWindow, longestIdleWithin } from '../core/lifetime.js';
import type { Introduction, Path } from '../probe/path.js';
import type { Seconds } from '../units.js';
import type { AdviceProver } from './advice-prover.js';
import { Breaker } from './breaker.js';
import { Controls } from './death-controls.js';
import type { Journal } from './journal.js';
import { Lifeline, type LifelineEvents } from './lifeline.js';
import type { Localizer } from './localizer.js';
import type { ModeRunner } from './mode-runner.js';
import type { FactsKeeper } from './path-facts.js';
import type { WatchedPath } from './trial.js';

/** What breaks a silence does so up to this much earlier than it was seen to, seconds. */
const SPEAKS_EARLIER: Seconds = 1;
/** Canaries have to live on for so long before it is said that probe connections alone do not, seconds. */
const CANARIES_STAY: Seconds = 5;

export interface PinnedPathOptions {
  readonly path: Path;
  readonly clock: Clock;
  readonly search: SearchConfig;
  readonly modes: readonly ModeRunner[];
  /** Absent where the advice is not tried. */
  readonly prover: AdviceProver | undefined;
  /** Absent where no box is looked for. */
  readonly localizer: Localizer | undefined;
  readonly facts: FactsKeeper;
  readonly journal: Journal;
  /** Called when all canaries live (again): deaths can be judged from now on. */
  readonly watched: () => void;
  /** Called for each try to reach the far end that failed. */
  readonly unreachable: () => void;
  /** Called once, when the path can be measured over. */
  readonly begun: (watched: WatchedPath) => void;
  /** Called when every connection is gone at once, for whatever reason. */
  readonly lost: () => void;
  /** Called when every mapping of the path vanished at once. */
  readonly mappingLoss: () => void;
}

export class PinnedPath implements LifelineEvents {
  readonly #options: PinnedPathOptions;
  readonly #breaker: Breaker;
  readonly #lifeline: Lifeline;
  readonly #signal: AbortSignal;
  #begun = false;
  /** Since when the canaries live, monotonic seconds; undefined while they do not. */
  #watchedSince: Seconds | undefined;
  /** Runs while it is not sure yet that only probe connections end. */
  #doubt: Timer | undefined;
  #toldOfEnds = false;
  /** The longest idle times that can be asked about, for two reasons, seconds. */
  #withinLifetime: Seconds = Infinity;
  #withinSilence: Seconds = Infinity;

  /** @param signal aborted when the path is left */
  constructor(options: PinnedPathOptions, signal: AbortSignal) {
    const { path, clock, search } = options;
    this.#options = options;
    this.#signal = signal;
    this.#breaker = new Breaker({ clock, changed: (stay) => this.#probesStay(stay) });
    this.#lifeline = new Lifeline({
      path,
      clock,
      deadline: search.deadline,
      resolution: search.resolution,
      survives: () => survivesInAll(this.#askable),
      events: this,
    });
  }

  /** Measures until the path is left. Never throws. */
  async run(): Promise<void> {
    await this.#lifeline.run(this.#signal);
    this.#doubt?.cancel();
    for (const mode of this.#options.modes) mode.end();
    this.#options.prover?.end();
    this.#options.localizer?.end();
  }

  reached(introduction: Introduction): void {
    this.#options.facts.reached(introduction);
    if (introduction.speaksAfter !== undefined) this.speaks(introduction.speaksAfter);
  }

  watched(): void {
    this.#watchedSince ??= this.#options.clock.monotonic();
    this.#options.facts.noticeSeenAddress();
    this.#options.watched();
    this.#breaker.release();
    if (!this.#begun) this.#begin();
  }

  #begin(): void {
    this.#begun = true;
    const { path, clock, search, prover, localizer } = this.#options;
    const [breaker, signal] = [this.#breaker, this.#signal];
    const { heartbeats } = this.#lifeline;
    const controls = new Controls({ path, heartbeats, clock, deadline: search.deadline, signal });
    const { cannotBeAsked } = this.#options.facts.facts;
    const watched: WatchedPath = { path, controls, breaker, cannotBeAsked, signal };
    prover?.begin(watched);
    // What was found of another path is not known of this one.
    this.#limit();
    for (const mode of this.#options.modes) mode.begin(watched);
    this.#options.begun(watched);
    localizer?.begin(watched);
  }

  /** The configured modes that this far end can be asked. */
  get #askable(): readonly ModeRunner[] {
    const { modes, facts } = this.#options;
    const { cannotBeAsked = [] } = facts.facts;
    return modes.filter(({ mode }) => !cannotBeAsked.includes(mode));
  }

  #limit(): void {
    const { modes, search } = this.#options;
    const longest = Math.min(search.max_idle, this.#withinLifetime, this.#withinSilence);
    for (const mode of modes) mode.limit(longest);
  }

  /** The far end breaks a silence by itself after so many seconds: nothing longer can be asked about. */
  speaks(after: Seconds): void {
    const { facts, search } = this.#options;
    const within = after - Math.max(SPEAKS_EARLIER, search.guard);
    if (within >= this.#withinSilence) return;
    this.#withinSilence = within;
    facts.speaks(after, within < search.max_idle);
    if (this.#begun) this.#limit();
  }

  /** Something says that connections may not work any more: it is looked at now, not at the next heartbeat. */
  doubt(): void {
    this.#lifeline.heartbeats.doubt();
  }

  unwatched(): void {
    this.#watchedSince = undefined;
    this.#breaker.hold();
  }

  unreachable(reason: string, remedy?: Remedy): void {
    this.#options.facts.unreachable(reason, remedy);
    this.#options.unreachable();
    // Whoever could not be reached before the first launch may have been so for a whole fleet.
    if (!this.#begun) this.#breaker.slowDown();
  }

  mappingLoss(): void {
    const { facts, journal, modes, prover, localizer, mappingLoss, lost } = this.#options;
    mappingLoss();
    journal.tell('every mapping of the path vanished at once (reboot, new address)', 'warn');
    facts.forgetSeenAddresses();
    for (const mode of modes) mode.lose('mapping_loss');
    lost();
    prover?.lose();
    localizer?.lose();
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
    const { facts, search } = this.#options;
    facts.lifetime(age);
    this.#withinLifetime = age === undefined ? Infinity : longestIdleWithin(age, search.guard);
    this.#limit();
  }

  /** Every connection is gone, and nothing is learnt. */
  #lost(why: string): void {
    this.#breaker.slowDown();
    this.#options.journal.tell(why, 'warn');
    for (const mode of this.#options.modes) mode.lose('interrupted');
    this.#options.lost();
    this.#options.prover?.lose();
    this.#options.localizer?.lose();
  }

  /**
   * Tells once that probe connections do not stay although the canaries do, and once that they do again. Where the far
   * end has gone, or is about to be found gone, its probe connections end as well, and that is no news.
   */
  #probesStay(stay: boolean): void {
    const { clock, journal } = this.#options;
    this.#doubt?.cancel();
    this.#doubt = undefined;
    if (stay) {
      if (this.#toldOfEnds) journal.tell('probe connections stay open again', 'info');
      this.#toldOfEnds = false;
      return;
    }
    this.#doubt = clock.after(CANARIES_STAY, () => {
      if (this.#signal.aborted) return;
      const watched = clock.monotonic() - (this.#watchedSince ?? Infinity);
      // They have to stay all that time, be it from now on.
      if (!(watched >= CANARIES_STAY)) return this.#probesStay(false);
      this.#toldOfEnds = true;
      const { why } = this.#breaker;
      const fail =
        why === undefined
          ? 'probe connections end as soon as they are open'
          : `no new probe connection is let in, while old ones live (${why})`;
      journal.tell(`${fail}: fewer and fewer are tried`, 'warn');
    });
  }
}

/** The longest idle time that is known to survive in every mode. */
function survivesInAll(modes: readonly ModeRunner[]): Seconds | undefined {
  const lowers = modes.map(({ finding }) => finding.lower).filter((lower) => lower !== undefined);
  return lowers.length < modes.length ? undefined : Math.min(...lowers);
}
