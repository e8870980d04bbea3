/** One target: pins its address, measures over the path there, and tells what is known about it. */
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { Backoff } from '../backoff.js';
import type { Logger } from '../log.js';
import type { Clock, ClockStep, Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { type EmbeddedBox, timingOf } from '../config/far-ends.js';
import { addressClass } from '../core/diagnosis/address-class.js';
import type { PathVerdict } from '../core/diagnosis/path-verdict.js';
import { CHANGE_WORDS } from '../core/words.js';
import { defined } from '../defined.js';
import type { AskRouter } from '../net/router.js';
import { pause, pauseForever } from '../pause.js';
import type { EmbeddedFarEnd, Path, PathOptions } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { FarEndAddresses } from './far-end-address.js';
import { Journal } from './journal.js';
import type { Launches } from './launches.js';
import { ModeRunner } from './mode-runner.js';
import { FactsKeeper } from './path-facts.js';
import { PinnedPath } from './pinned-path.js';
import { savedOf } from './saved-target.js';
import { Saver } from './saver.js';
import type { EngineObserver, TargetSnapshot } from './snapshot.js';
import { TargetSnapshots, unreadableTarget } from './snapshot-target.js';
import type { StateStore } from './state-store.js';

/** Longest pause between two tries to resolve a name, or to read what a path needs, seconds. */
const LONGEST_RETRY: Seconds = 30;
/** The diagnosis is compared with the one told last this long after a change at the earliest, seconds. */
const DIAGNOSE_AFTER: Seconds = 1;

export interface TargetRunnerOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: EngineObserver;
  readonly launches: Launches;
  /** Newest tests of each mode that are kept. */
  readonly testsKept: number;
  readonly store?: StateStore | undefined;
  /** Starts the built-in responder behind the built-in NAT. */
  readonly openEmbedded: (box: EmbeddedBox) => Promise<EmbeddedFarEnd>;
  readonly openPath: (options: PathOptions) => Path;
  readonly askRouter: AskRouter;
}

export class TargetRunner {
  readonly target: TargetConfig;
  readonly #options: TargetRunnerOptions;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #journal: Journal;
  readonly #facts: FactsKeeper;
  readonly #snapshots: TargetSnapshots;
  /** Absent where nothing is saved. */
  readonly #saver: Saver | undefined;
  /** Pauses while there is no path. */
  readonly #unpinned = new Backoff({ longest: LONGEST_RETRY });
  /** Absent for the built-in far end. */
  readonly #addresses: FarEndAddresses | undefined;
  #modes: readonly ModeRunner[] = [];
  #embedded: EmbeddedFarEnd | undefined;
  #running: Promise<void> | undefined;
  #diagnosing: Timer | undefined;
  /** The verdict and the explanations that were told last. */
  #verdict: PathVerdict['result'] = 'unknown';
  #diagnosis = '';
  #unreadable = false;

  constructor(options: TargetRunnerOptions) {
    const { target, clock, log, store, askRouter } = options;
    this.target = target;
    this.#options = options;
    this.#log = log.child({ target: target.name });
    this.#journal = new Journal(this.#log, clock);
    this.#facts = new FactsKeeper({ target, clock, journal: this.#journal, askRouter });
    this.#snapshots = new TargetSnapshots(target);
    // The built-in far end is another one each time.
    if (store !== undefined && target.far_end.kind !== 'embedded')
      this.#saver = new Saver({ target, store, clock, log: this.#log });
    if (target.far_end.kind !== 'embedded') {
      const problemAt = (address: string, signal: AbortSignal): Promise<string | undefined> =>
        this.#problemAt(address, signal);
      this.#addresses = new FarEndAddresses({ host: target.far_end.host, target, clock, problemAt });
    }
    setMaxListeners(0, this.#stopped.signal);
  }

  /** Reads the saved state and starts. */
  async start(): Promise<void> {
    const saved = await this.#saver?.load();
    if (this.#stopped.signal.aborted) return;
    const { clock, log } = this.#options;
    // Negative where the clock has not been set yet: how long ago it was is not known then.
    const ago = saved === undefined ? 0 : Math.max(0, clock.wall() - saved.savedAt);
    this.#modes = this.target.modes.map((mode) => {
      const state = savedOf(saved, mode);
      return new ModeRunner({
        ...this.#options,
        mode,
        timing: timingOf(this.target.far_end.kind, mode),
        log: log.child({ target: this.target.name, mode }),
        changed: (news) => this.#saver?.changed(news),
        told: (change) => this.#journal.tell(`${mode}: ${CHANGE_WORDS[change]}`, 'warn', { mode, change }),
        learnt: () => this.#diagnoseSoon(),
        restored: state && { saved: state, ago },
      });
    });
    this.#saver?.follow(this.#modes);
    this.#running = this.#run();
  }

  /** Closes every connection and saves. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#diagnosing?.cancel();
    this.#saver?.stop();
    for (const mode of this.#modes) mode.end();
    await this.#running;
    await this.#embedded?.close();
    await this.#saver?.save();
  }

  /** The schedule's tick. */
  round(): void {
    for (const mode of this.#modes) mode.round();
    void this.#askRouter();
  }

  /** The wall clock was set: what was noted before keeps its age. */
  stepped(step: ClockStep): void {
    this.#journal.stepped(step);
    for (const mode of this.#modes) mode.stepped(step);
  }

  /** Gives up every connection in flight; `why` is for people. */
  interrupt(why: string): void {
    this.#journal.tell(why, 'warn');
    for (const mode of this.#modes) mode.lose('interrupted');
  }

  snapshot(): TargetSnapshot {
    const { facts } = this.#facts;
    const { events } = this.#journal;
    const now = this.#options.clock.wall();
    try {
      return this.#snapshots.take(facts, this.#modes, events, now);
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
      const pinned = await this.#pin(next, signal);
      next = pinned && (await this.#measure(pinned, signal));
    }
  }

  /**
   * Tries until there is an address and a path to it.
   * @param known an address that answers, where there is one already
   * @returns undefined when `signal` is aborted
   */
  async #pin(
    known: string | undefined,
    signal: AbortSignal,
  ): Promise<{ address: string; path: Path } | undefined> {
    while (!signal.aborted) {
      try {
        const address = known ?? (await this.#findAddress(signal));
        if (address === undefined) return undefined;
        const path = this.#openPath(address);
        this.#unpinned.reset();
        this.#facts.pinned(address);
        return { address, path };
      } catch (error) {
        this.#facts.unreachable(error instanceof Error ? error.message : String(error));
        await pause(this.#options.clock, this.#unpinned.next(), signal);
      }
    }
    return undefined;
  }

  /** The address that answers, or is the only choice; starts the built-in far end. */
  async #findAddress(signal: AbortSignal): Promise<string | undefined> {
    const { far_end: farEnd } = this.target;
    if (farEnd.kind !== 'embedded') return this.#addresses?.choose(signal);
    this.#embedded ??= await this.#options.openEmbedded(farEnd);
    return this.#embedded.address;
  }

  /** Why a fresh connection to an address does not work; undefined where it does. */
  async #problemAt(address: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.#openPath(address).check(signal);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #openPath(address: string): Path {
    const { openPath, clock } = this.#options;
    return openPath({
      target: this.target,
      address,
      clock,
      announced: (outcome) => this.#facts.announced(outcome),
      welcomed: (welcomed) => this.#facts.welcomed(address, welcomed),
      trouble: (text) => this.#journal.tell(text, 'warn'),
      ...defined({ embedded: this.#embedded }),
    });
  }

  /**
   * Measures over a path until another address takes its place or the target is stopped.
   * @returns the other address
   */
  async #measure(
    { address, path }: { address: string; path: Path },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { clock, observer } = this.#options;
    const moved = new AbortController();
    const here = AbortSignal.any([signal, moved.signal]);
    // Every connection of the target listens to it: many listeners are no leak.
    setMaxListeners(0, here);
    const pinned = new PinnedPath(
      {
        path,
        clock,
        search: this.target.search,
        modes: this.#modes,
        facts: this.#facts,
        journal: this.#journal,
        watched: () => {
          this.#diagnoseSoon();
          void this.#askRouter();
        },
        unreachable: () => this.#addresses?.doubt(),
        mappingLoss: () => observer.mappingLoss?.(this.target),
      },
      here,
    );
    const moving = this.#untilMoved(address, here).finally(() => moved.abort());
    await pinned.run();
    moved.abort();
    return moving;
  }

  /** @returns another address of the name that answers, once `address` does not any more */
  async #untilMoved(address: string, signal: AbortSignal): Promise<string | undefined> {
    const { far_end: farEnd } = this.target;
    if (farEnd.kind === 'embedded' || this.#addresses === undefined || isIP(farEnd.host) !== 0) {
      await pauseForever(signal);
      return undefined;
    }
    const next = await this.#addresses.next(address, () => this.#facts.facts.up === false, signal);
    if (next !== undefined)
      this.#journal.tell(
        `${farEnd.host} has a new address: ${next} instead of ${address}, which does not answer any more`,
        'warn',
      );
    return next;
  }

  async #askRouter(): Promise<void> {
    if (!(await this.#facts.askRouter(this.#stopped.signal))) return;
    const { routerAddress } = this.#facts.facts;
    if (routerAddress !== undefined)
      this.#log.debug({ class: addressClass(routerAddress) }, 'the router told its outer address');
    this.#diagnoseSoon();
  }

  /** Tells verdict and diagnosis when they have changed, whether or not anybody reads them meanwhile. */
  #diagnoseSoon(): void {
    if (this.#stopped.signal.aborted) return;
    this.#diagnosing ??= this.#options.clock.after(DIAGNOSE_AFTER, () => {
      this.#diagnosing = undefined;
      this.#diagnose();
    });
  }

  #diagnose(): void {
    const { verdict, explanations } = this.snapshot();
    if (verdict.result !== this.#verdict)
      this.#log.info({ verdict: verdict.result, left_out: verdict.leftOut.join() }, verdict.sentence);
    this.#verdict = verdict.result;
    const texts = explanations.map(({ certainty, text }) => `${text} (${certainty})`).join(' ');
    if (texts === this.#diagnosis) return;
    this.#diagnosis = texts;
    this.#journal.tell(texts === '' ? 'diagnosis: open again' : `diagnosis: ${texts}`, 'info', {
      explanations: explanations.map(({ id }) => id).join(','),
    });
  }
}
