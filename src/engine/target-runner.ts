/** One target: pins its address, keeps its path under watch, and drives one search per mode. */
import { setMaxListeners } from 'node:events';
import { Backoff } from '../backoff.js';
import type { Logger } from '../log.js';
import type { Clock, ClockStep, Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { addressClass } from '../core/diagnosis/address.js';
import { hostConntrackTimeout } from '../net/conntrack.js';
import type { AskRouter } from '../net/router.js';
import type { AnnouncementOutcome } from '../probe/announcer.js';
import type { Introduction, Path } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { addressesWhenMoved, chooseAddress } from './address.js';
import { Breaker } from './breaker.js';
import { Controls } from './controls.js';
import type { Launches } from './launches.js';
import { Lifeline } from './lifeline.js';
import { ModeRunner } from './mode-runner.js';
import type { EmbeddedFarEnd, OpenPathOptions } from './open-path.js';
import { pause, pauseForever } from './pause.js';
import { movedMoments, parseSavedTarget, type SavedTarget } from './saved-target.js';
import { Saver } from './saver.js';
import type { EngineObserver, TargetEvent, TargetSnapshot } from './snapshot.js';
import { type PathFacts, TargetSnapshots, unreadableTarget } from './snapshot-target.js';
import type { StateStore } from './state-store.js';

/** Longest pause between two tries to resolve a name, or to read what a path needs, seconds. */
const LONGEST_RETRY: Seconds = 30;
/** The diagnosis is compared with the one told last this long after a change at the earliest, seconds. */
const DIAGNOSE_AFTER: Seconds = 1;
/** Addresses that are kept to tell a pool of them from one. */
const SEEN_ADDRESSES_KEPT = 8;
/** Reasons for one outage that are told: the far end may have many. */
const REASONS_TOLD = 5;
/** Newest events that are kept for the page. */
const EVENTS_KEPT = 100;

export interface TargetRunnerOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: EngineObserver;
  readonly launches: Launches;
  /** Newest tests of each mode that are kept. */
  readonly testsKept: number;
  readonly store?: StateStore;
  /** Starts the built-in responder behind the built-in NAT. */
  readonly openEmbedded: (idleTimeout: Seconds) => Promise<EmbeddedFarEnd>;
  readonly openPath: (options: OpenPathOptions) => Path;
  readonly askRouter: AskRouter;
}

export class TargetRunner {
  readonly target: TargetConfig;
  readonly #options: TargetRunnerOptions;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  #events: TargetEvent[] = [];
  #modes: ModeRunner[] = [];
  #embedded: EmbeddedFarEnd | undefined;
  #facts: PathFacts = { seenAddresses: [] };
  #running: Promise<void> | undefined;
  /** Pauses while there is no address to stand on. */
  readonly #unpinned = new Backoff({ longest: LONGEST_RETRY });
  /** Why the far end does not answer, as far as it was told since it answered last. */
  readonly #toldDown = new Set<string>();
  readonly #saver: Saver;
  readonly #snapshots: TargetSnapshots;
  /** When our address as the far end sees it changed last, monotonic seconds. */
  #movedAt: Seconds = -Infinity;
  #diagnosing: Timer | undefined;
  /** The explanations that were told last. */
  #diagnosis = '';
  #unreadable = false;
  /** What was told last of announcing this exporter. */
  #announcement: AnnouncementOutcome['kind'] | undefined;

  constructor(options: TargetRunnerOptions) {
    this.target = options.target;
    this.#options = options;
    this.#log = options.log.child({ target: options.target.name });
    this.#snapshots = new TargetSnapshots(options.target);
    this.#saver = new Saver(options.clock, () => this.#save());
    setMaxListeners(0, this.#stopped.signal);
  }

  /** Reads the saved state and starts. */
  async start(): Promise<void> {
    const saved = await this.#load();
    if (this.#stopped.signal.aborted) return;
    // Negative where the clock has not been set yet: how long ago it was is not known then.
    const ago = saved === undefined ? 0 : Math.max(0, this.#options.clock.wall() - saved.savedAt);
    this.#modes = this.target.modes.map((mode) => {
      const state = saved?.modes[mode];
      return new ModeRunner({
        ...this.#options,
        mode,
        timing: this.target.far_end.kind === 'nat-tcp-test' && mode === 'recv' ? 'at_launch' : 'late',
        log: this.#options.log.child({ target: this.target.name, mode }),
        changed: (news) => {
          if (this.#options.store !== undefined) this.#saver.changed(news);
        },
        learnt: () => this.#diagnoseSoon(),
        ...(state === undefined ? {} : { restored: { saved: state, ago } }),
      });
    });
    this.#running = this.#run();
  }

  /** Closes every connection and saves. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#diagnosing?.cancel();
    this.#saver.stop();
    for (const mode of this.#modes) mode.end();
    await this.#running;
    await this.#embedded?.close();
    await this.#save();
  }

  /** The schedule's tick. */
  round(): void {
    for (const mode of this.#modes) mode.round();
    void this.#askRouter();
  }

  /** The wall clock was set: what was noted before keeps its age. */
  stepped(step: ClockStep): void {
    this.#events = movedMoments(this.#events, step);
    for (const mode of this.#modes) mode.stepped(step);
  }

  /** Gives up every connection in flight; `why` is for people. */
  interrupt(why: string): void {
    this.#tell(why, 'warn');
    for (const mode of this.#modes) mode.lose('interrupted');
  }

  snapshot(): TargetSnapshot {
    const now = this.#options.clock.wall();
    try {
      return this.#snapshots.take(this.#facts, this.#modes, this.#events, now);
    } catch (error) {
      // One target that cannot be read must not hide the others.
      if (!this.#unreadable) this.#log.error({ error }, 'the target cannot be shown');
      this.#unreadable = true;
      return unreadableTarget(this.target, this.#facts, this.#events);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    // Thousands of targets do not start at once.
    await this.#options.launches.turn(this.target.name, signal);
    while (!signal.aborted) {
      const address = await this.#pin(signal);
      if (address === undefined) return;
      await this.#stand(address, signal);
    }
  }

  /** Resolves the far end's name until an address answers or is the only choice. */
  async #pin(signal: AbortSignal): Promise<string | undefined> {
    const { far_end: farEnd } = this.target;
    while (!signal.aborted) {
      try {
        if (farEnd.kind === 'embedded') {
          this.#embedded ??= await this.#options.openEmbedded(farEnd.idle_timeout);
          return this.#embedded.address;
        }
        const answers = (address: string): Promise<boolean> =>
          this.#openPath(address)
            .check(signal)
            .then(
              () => true,
              () => false,
            );
        return await chooseAddress(farEnd.host, this.target, answers, signal);
      } catch (error) {
        this.#unreachable(error instanceof Error ? error.message : String(error));
        await pause(this.#options.clock, this.#unpinned.next(), signal);
      }
    }
    return undefined;
  }

  /** Measures over one pinned address until it changes or the target is stopped. */
  async #stand(address: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const moved = new AbortController();
    const here = AbortSignal.any([signal, moved.signal]);
    // Every connection of the target listens to it: many listeners are no leak.
    setMaxListeners(0, here);
    let path: Path;
    try {
      path = this.#openPath(address);
    } catch (error) {
      this.#unreachable(error instanceof Error ? error.message : String(error));
      await pause(clock, this.#unpinned.next(), signal);
      return;
    }
    this.#unpinned.reset();
    const { announced: _, ...facts } = this.#facts;
    this.#facts = { ...facts, address, seenAddresses: [] };
    const { deadline } = this.target.search;
    let begun = false;
    const breaker = new Breaker({ clock, changed: (stay) => this.#probesStay(stay) });
    const fallen = (why: string): void => {
      breaker.slowDown();
      this.interrupt(why);
    };
    const lifeline = new Lifeline({
      path,
      clock,
      deadline,
      survives: () => this.#survives(),
      events: {
        reached: (introduction) => {
          this.#reached(introduction);
        },
        watched: () => {
          this.#noticeSeenAddress();
          this.#diagnoseSoon();
          void this.#askRouter();
          breaker.release();
          if (begun) return;
          begun = true;
          for (const mode of this.#modes) mode.begin({ path, controls, breaker, signal: here });
        },
        unwatched: () => breaker.hold(),
        unreachable: (reason) => {
          this.#unreachable(reason);
          // Whoever could not be reached before the first launch may have been so for a whole fleet.
          if (!begun) breaker.slowDown();
        },
        mappingLoss: () => {
          this.#options.observer.mappingLoss?.(this.target);
          this.#tell('every mapping of the path vanished at once (reboot, new address)', 'warn');
          this.#forgetSeenAddresses();
          for (const mode of this.#modes) mode.lose('mapping_loss');
        },
        farEndRestarted: () => fallen('the far end was restarted: its connections are gone'),
        closedByFarEnd: () => fallen('the far end closed the connections that watch the path'),
        outageOutlasted: () =>
          fallen('an outage outlasted every connection: whether the mappings lived is unknown'),
      },
    });
    const controls = new Controls({ path, lifeline, clock, deadline, signal: here });
    const lookout = this.#untilMoved(address, here).then(() => moved.abort());
    await lifeline.run(here);
    for (const mode of this.#modes) mode.end();
    moved.abort();
    await lookout;
  }

  /** Returns when the name does not lead to `address` any more. */
  async #untilMoved(address: string, signal: AbortSignal): Promise<void> {
    const { far_end: farEnd } = this.target;
    if (farEnd.kind === 'embedded') return pauseForever(signal);
    const answers = await addressesWhenMoved(farEnd.host, this.target, address, this.#options.clock, signal);
    if (answers === undefined) return;
    this.#tell(`${farEnd.host} has a new address: ${answers.join(', ')} instead of ${address}`, 'warn');
  }

  #openPath(address: string): Path {
    const { openPath, clock } = this.#options;
    const embedded = this.#embedded === undefined ? {} : { embedded: this.#embedded };
    const announced = (outcome: AnnouncementOutcome) => this.#announced(outcome);
    const trouble = (text: string) => this.#tell(text, 'warn');
    return openPath({ target: this.target, address, clock, announced, trouble, ...embedded });
  }

  /** The longest idle time that is known to survive in every mode. */
  #survives(): Seconds | undefined {
    const lowers = this.#modes.map((mode) => mode.finding.lower);
    return lowers.some((lower) => lower === undefined) ? undefined : Math.min(...(lowers as Seconds[]));
  }

  #reached(introduction: Introduction): void {
    if (this.#facts.up !== true) this.#tell(`${this.target.name} answers`, 'info');
    this.#toldDown.clear();
    const { downReason: _, localConntrack: _old, ...facts } = this.#facts;
    // The built-in path stays inside this process: what the host forgets has no part in it.
    const embedded = this.target.far_end.kind === 'embedded';
    const localConntrack = embedded ? undefined : hostConntrackTimeout();
    this.#facts = {
      ...facts,
      ...(localConntrack === undefined ? {} : { localConntrack }),
      up: true,
      introduction,
    };
  }

  /** Called when it is clear whether the mappings still live: two addresses at once, or one after the other? */
  #noticeSeenAddress(): void {
    const { introduction, seenAddresses: known } = this.#facts;
    const seen = introduction?.seenAddress;
    if (seen === undefined || known.includes(seen)) return;
    if (known.length > 0) this.#movedTo();
    this.#facts = { ...this.#facts, seenAddresses: [...known, seen].slice(-SEEN_ADDRESSES_KEPT) };
  }

  /** After a loss of every mapping a new address replaces the old ones. */
  #forgetSeenAddresses(): void {
    const { introduction, seenAddresses: known } = this.#facts;
    const seen = introduction?.seenAddress;
    this.#facts = { ...this.#facts, seenAddresses: [] };
    if (seen === undefined || known.length === 0 || known.includes(seen)) return;
    this.#tell('this host has a new address, as the far end sees it', 'info');
    this.#movedTo();
  }

  /** What the router said before is not to be compared with the new address. */
  #movedTo(): void {
    this.#movedAt = this.#options.clock.monotonic();
    const { routerAddress: _, ...facts } = this.#facts;
    this.#facts = facts;
  }

  /** Learns the router's outer address. Only from a private address on: elsewhere no router of ours translates. */
  async #askRouter(): Promise<void> {
    const { address: remote, introduction } = this.#facts;
    const local = introduction?.localAddress;
    if (remote === undefined || local === undefined || addressClass(local) !== 'private') return;
    const answer = await this.#options.askRouter({ local, remote });
    if (this.#stopped.signal.aborted) return;
    const { routerAddress: before, ...facts } = this.#facts;
    if (facts.address !== remote || facts.introduction?.localAddress !== local) return;
    const current = answer !== undefined && answer.askedAt >= this.#movedAt ? answer.address : undefined;
    this.#facts = current === undefined ? facts : { ...facts, routerAddress: current };
    if (current === before) return;
    if (current !== undefined)
      this.#log.debug({ class: addressClass(current) }, 'the router told its outer address');
    this.#diagnoseSoon();
  }

  /** Tells the diagnosis when it has changed, whether or not anybody reads it meanwhile. */
  #diagnoseSoon(): void {
    if (this.#stopped.signal.aborted) return;
    this.#diagnosing ??= this.#options.clock.after(DIAGNOSE_AFTER, () => {
      this.#diagnosing = undefined;
      const { explanations } = this.snapshot();
      const texts = explanations.map(({ certainty, text }) => `${text} (${certainty})`).join(' ');
      if (texts === this.#diagnosis) return;
      this.#diagnosis = texts;
      const ids = explanations.map(({ id }) => id).join(',');
      this.#tell(texts === '' ? 'diagnosis: open again' : `diagnosis: ${texts}`, 'info', {
        explanations: ids,
      });
    });
  }

  #unreachable(reason: string): void {
    // Once for each reason, not for each try: a far end may fail in turns, and in words of its own.
    if (!this.#toldDown.has(reason) && this.#toldDown.size < REASONS_TOLD) {
      this.#toldDown.add(reason);
      this.#tell(`${this.target.name} does not answer: ${reason}`, 'warn');
    }
    this.#facts = { ...this.#facts, up: false, downReason: reason };
  }

  /** Tells once that probe connections do not stay although the canaries do, and once that they do again. */
  #probesStay(stay: boolean): void {
    if (stay) this.#tell('probe connections stay open again', 'info');
    else this.#tell('probe connections end as soon as they are open: fewer and fewer are tried', 'warn');
  }

  #announced(outcome: AnnouncementOutcome): void {
    this.#facts = { ...this.#facts, announced: outcome.kind === 'announced' };
    // Once for each outcome, not for each answer: a far end may refuse in ever other words.
    if (outcome.kind === this.#announcement) return;
    this.#announcement = outcome.kind;
    const text = announcementText(outcome, this.target.announce?.address ?? '');
    this.#tell(text, outcome.kind === 'announced' ? 'info' : 'warn');
  }

  #tell(text: string, level: 'info' | 'warn', fields: object = {}): void {
    this.#log[level](fields, text);
    // First: asking the time may notice a step, and that moves the events to another list.
    const at = this.#options.clock.wall();
    this.#events.push({ at, text });
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
  }

  #identity(): string {
    const { far_end: farEnd, family, local_address: localAddress } = this.target;
    return JSON.stringify([farEnd, family, localAddress ?? null]);
  }

  async #load(): Promise<SavedTarget | undefined> {
    const { store } = this.#options;
    if (store === undefined || this.target.far_end.kind === 'embedded') return undefined;
    const loaded = await store.load(this.target.name);
    if (loaded === undefined) return undefined;
    const saved = parseSavedTarget(loaded, this.#options.clock.wall());
    if (saved === undefined) {
      this.#log.warn('the state file holds no state; starting without it');
      return undefined;
    }
    if (saved.path !== this.#identity()) {
      this.#log.info('the saved state belongs to another path; starting anew');
      return undefined;
    }
    return saved;
  }

  async #save(): Promise<void> {
    const { store, clock } = this.#options;
    if (store === undefined || this.target.far_end.kind === 'embedded' || this.#modes.length === 0) return;
    const saved: SavedTarget = {
      path: this.#identity(),
      savedAt: clock.wall(),
      modes: Object.fromEntries(this.#modes.map((mode) => [mode.mode, mode.save()])),
    };
    await store.save(this.target.name, saved);
  }
}

function announcementText(outcome: AnnouncementOutcome, address: string): string {
  switch (outcome.kind) {
    case 'announced':
      return `this exporter is announced as ${address}`;
    case 'refused':
      return `the far end refused to announce this exporter as ${address}: ${outcome.detail}`;
    case 'not_taken':
      return 'the far end takes no announcements (it is older, or runs without --discovery)';
  }
}
