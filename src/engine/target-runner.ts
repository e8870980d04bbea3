/** One target: measures over the path to its far end, and lets what is known be told, checked, tried and located. */
import { setMaxListeners } from 'node:events';
import type { Logger } from '../log.js';
import type { Clock, ClockStep, Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { type EmbeddedBox, timingOf } from '../config/far-ends.js';
import { addressClass } from '../core/diagnosis/address-class.js';
import { CHANGE_WORDS } from '../core/words.js';
import type { AskRouter } from '../net/router.js';
import type { Capability } from '../net/socket-options/library.js';
import type { EmbeddedFarEnd, Path, PathOptions } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { AdviceProver } from './advice-prover.js';
import { AskAgain, type AskedAgain } from './ask-again.js';
import { Crowd } from './crowd.js';
import { DiagnosisTeller } from './diagnosis-teller.js';
import { Journal } from './journal.js';
import type { Launches } from './launches.js';
import { Localizer } from './localizer.js';
import { LocateTurns } from './locate-turns.js';
import { ModeRunner } from './mode-runner.js';
import { Experiments } from './experiments.js';
import { FactsKeeper } from './path-facts.js';
import { type FoundPath, PathFinder } from './path-finder.js';
import { PinnedPath } from './pinned-path.js';
import { QuotaChecker } from './quota-checker.js';
import { savedOf } from './saved-target.js';
import { Saver } from './saver.js';
import type { EngineObserver, TargetSnapshot } from './snapshot.js';
import { TargetSnapshots, unreadableTarget } from './snapshot-target.js';
import { Siblings } from './mode-siblings.js';
import type { StateStore } from './state-store.js';
import type { UplinkOptions } from './uplink.js';

/** The diagnosis is compared with the one told last this long after a change at the earliest, seconds. */
const DIAGNOSE_AFTER: Seconds = 1;

export interface TargetRunnerOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  /** Of this target. */
  readonly log: Logger;
  readonly observer: EngineObserver;
  readonly launches: Launches;
  /** Newest tests of each mode that are kept. */
  readonly testsKept: number;
  readonly store?: StateStore | undefined;
  /** Whether it tries its own advice; unless given it does. */
  readonly proves?: boolean;
  /** Whether it looks for the box that forgets where the target says so; unless given it does. */
  readonly locates?: boolean;
  /** Whether what is tried beside the searches may run side by side. */
  readonly sideBySide?: boolean;
  /** Whose box may be looked for when; shared by all targets. */
  readonly turns?: LocateTurns;
  /** What this end can do to locate; the process's own capability unless given. */
  readonly capability?: (() => Capability) | undefined;
  /** Starts the built-in responder behind the built-in NAT. */
  readonly openEmbedded: (box: EmbeddedBox) => Promise<EmbeddedFarEnd>;
  readonly openPath: (options: PathOptions) => Path;
  readonly askRouter: AskRouter;
  /** How the address of an interface is looked up; reads this host's own unless given. */
  readonly addressOf?: UplinkOptions['addressOf'];
}

export class TargetRunner {
  readonly target: TargetConfig;
  readonly #options: TargetRunnerOptions;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #journal: Journal;
  readonly #facts: FactsKeeper;
  readonly #snapshots: TargetSnapshots;
  readonly #again: AskAgain;
  readonly #siblings = new Siblings();
  /** What is tried beside the search. */
  readonly #experiments: Experiments;
  readonly #crowd: Crowd;
  readonly #quota: QuotaChecker;
  /** Absent where the advice is not tried. */
  readonly #prover: AdviceProver | undefined;
  /** Absent where no box is looked for. */
  readonly #localizer: Localizer | undefined;
  /** Absent where nothing is saved. */
  readonly #saver: Saver | undefined;
  readonly #finder: PathFinder;
  readonly #teller: DiagnosisTeller;
  #modes: readonly ModeRunner[] = [];
  /** What measures over the path in use. */
  #pinned: PinnedPath | undefined;
  #running: Promise<void> | undefined;
  #diagnosing: Timer | undefined;
  #unreadable = false;

  constructor(options: TargetRunnerOptions) {
    const { target, clock, log, store, askRouter } = options;
    this.target = target;
    this.#options = options;
    this.#log = log;
    this.#journal = new Journal(this.#log, clock);
    this.#teller = new DiagnosisTeller(this.#log, this.#journal);
    this.#again = new AskAgain(clock, this.#journal);
    this.#facts = new FactsKeeper({ target, clock, journal: this.#journal, askRouter });
    this.#snapshots = new TargetSnapshots(target);
    this.#experiments = new Experiments(options.sideBySide);
    this.#crowd = new Crowd(clock);
    this.#quota = new QuotaChecker({
      target,
      clock,
      journal: this.#journal,
      experiments: this.#experiments,
      changed: () => {
        this.#saver?.changed(true);
        this.#diagnoseSoon();
      },
      look: () => this.#diagnoseSoon(),
    });
    if (options.proves !== false)
      this.#prover = new AdviceProver({
        ...options,
        experiments: this.#experiments,
        journal: this.#journal,
        ends: () => this.#facts.ends,
        learnt: () => {
          this.#saver?.changed(true);
          this.#diagnoseSoon();
        },
      });
    if (options.locates !== false && target.locate !== undefined)
      this.#localizer = new Localizer({
        ...options,
        locate: target.locate,
        turns: options.turns ?? new LocateTurns(clock),
        experiments: this.#experiments,
        crowd: this.#crowd,
        journal: this.#journal,
        facts: () => this.#facts.facts,
        learnt: () => {
          this.#saver?.changed(true);
          this.#diagnoseSoon();
        },
        look: () => this.#diagnoseSoon(),
      });
    // The built-in far end is another one each time.
    if (store !== undefined && target.far_end.kind !== 'embedded')
      this.#saver = new Saver({ target, store, clock, log: this.#log });
    this.#finder = new PathFinder({
      ...options,
      facts: this.#facts,
      journal: this.#journal,
      speaks: (after) => this.#pinned?.speaks(after),
    });
    setMaxListeners(0, this.#stopped.signal);
  }

  /** Reads the saved state and starts. */
  async start(): Promise<void> {
    const saved = await this.#saver?.load();
    if (this.#stopped.signal.aborted) return;
    const { clock, log } = this.#options;
    // Negative where the clock has not been set yet: how long ago it was is not known then.
    const ago = saved === undefined ? 0 : Math.max(0, clock.wall() - saved.savedAt);
    if (saved?.quota !== undefined) this.#quota.restore(saved.quota, ago);
    this.#modes = this.target.modes.map((mode) => {
      const state = savedOf(saved, mode);
      return new ModeRunner({
        ...this.#options,
        mode,
        timing: timingOf(this.target.far_end.kind, mode),
        log: log.child({ mode }),
        changed: (news) => this.#saver?.changed(news),
        told: (change) => {
          this.#journal.tell(`${mode}: ${CHANGE_WORDS[change]}`, 'warn', { mode, change });
          this.#localizer?.changed(mode);
        },
        crowd: this.#crowd,
        learnt: () => this.#diagnoseSoon(),
        connections: this.#quota.connections,
        tested: (test) => this.#siblings.tested(mode, test),
        stepped: () => this.#siblings.stepped(mode),
        restored: state && { saved: state, ago },
      });
    });
    this.#siblings.follow(this.#modes);
    this.#quota.follow(this.#modes);
    this.#prover?.restore(saved?.proofs ?? []);
    this.#localizer?.restore(saved?.localization);
    this.#saver?.follow(this.#modes, this.#quota, this.#prover, this.#localizer);
    this.#running = this.#run();
  }

  /** Closes every connection and saves. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#diagnosing?.cancel();
    this.#saver?.stop();
    for (const mode of this.#modes) mode.end();
    await Promise.all([this.#running, this.#quota.stop(), this.#localizer?.stop()]);
    await this.#finder.close();
    await this.#saver?.save();
  }

  /** The schedule's tick. */
  round(): void {
    for (const mode of this.#modes) mode.round();
    void this.#askRouter();
  }

  /** Somebody wants to know now. */
  askAgain(): AskedAgain {
    return this.#again.ask(this.#modes);
  }

  /** The wall clock was set: what was noted before keeps its age. */
  stepped(step: ClockStep): void {
    this.#journal.stepped(step);
    this.#prover?.stepped(step);
    this.#localizer?.stepped(step);
    for (const mode of this.#modes) mode.stepped(step);
  }

  /** Gives up every connection in flight; `why` is for people. */
  interrupt(why: string): void {
    this.#journal.tell(why, 'warn');
    for (const mode of this.#modes) mode.lose('interrupted');
    this.#quota.lost();
    this.#prover?.lose();
    this.#localizer?.lose();
  }

  snapshot(): TargetSnapshot {
    const facts = { ...this.#facts.facts, quota: this.#quota.standing };
    const { events } = this.#journal;
    const now = this.#options.clock.wall();
    try {
      return this.#snapshots.take(facts, this.#modes, events, now, this.#prover, this.#localizer);
    } catch (error) {
      // One target that cannot be read must not hide the others.
      if (!this.#unreadable) this.#log.error({ error }, 'the target cannot be shown');
      this.#unreadable = true;
      return unreadableTarget(this.target, facts, events);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    // Thousands of targets do not start at once.
    await this.#options.launches.turn(this.target.name, signal);
    let next: string | undefined;
    while (!signal.aborted) {
      const pinned = await this.#finder.find(next, signal);
      next = pinned && (await this.#measure(pinned, signal));
    }
  }

  /**
   * Measures over a path until it leads elsewhere or the target is stopped.
   * @returns the address of the far end there
   */
  async #measure(found: FoundPath, signal: AbortSignal): Promise<string | undefined> {
    const { clock, observer } = this.#options;
    const moved = new AbortController();
    const here = AbortSignal.any([signal, moved.signal]);
    // Every connection of the target listens to it: many listeners are no leak.
    setMaxListeners(0, here);
    const pinned = new PinnedPath(
      {
        path: found.path,
        clock,
        search: this.target.search,
        modes: this.#modes,
        prover: this.#prover,
        localizer: this.#localizer,
        facts: this.#facts,
        journal: this.#journal,
        watched: () => {
          this.#diagnoseSoon();
          void this.#askRouter();
        },
        begun: (watched) => this.#quota.watch(watched),
        lost: () => this.#quota.lost(),
        unreachable: () => this.#finder.doubt(),
        mappingLoss: () => observer.mappingLoss?.(this.target),
      },
      here,
    );
    this.#pinned = pinned;
    const moving = this.#finder.untilMoved(found, () => pinned.doubt(), here).finally(() => moved.abort());
    await pinned.run();
    moved.abort();
    return moving;
  }

  async #askRouter(): Promise<void> {
    if (!(await this.#facts.askRouter(this.#stopped.signal))) return;
    const { routerAddress } = this.#facts.facts;
    if (routerAddress !== undefined)
      this.#log.debug({ class: addressClass(routerAddress) }, 'the router told its outer address');
    this.#diagnoseSoon();
  }

  /** Looks soon at what is known now: what is to be told, checked, tried or located. */
  #diagnoseSoon(): void {
    if (this.#stopped.signal.aborted) return;
    this.#diagnosing ??= this.#options.clock.after(DIAGNOSE_AFTER, () => {
      this.#diagnosing = undefined;
      this.#diagnose();
    });
  }

  #diagnose(): void {
    const snapshot = this.snapshot();
    const { verdict, proving, modes } = snapshot;
    this.#quota.consider(snapshot, this.#facts.facts);
    // An accusation is checked first.
    if (proving !== undefined && verdict.check === undefined) this.#prover?.look(proving.advice);
    const findings = Object.fromEntries(modes.map(({ mode, finding }) => [mode, finding]));
    this.#localizer?.look({ findings, verdict });
    this.#teller.tell(snapshot);
  }
}
