/** Finds out for one target which box forgets: decides when it is asked, has it carried out, and keeps what was found. */
import { setMaxListeners } from 'node:events';
import { afterStep, type Clock, type ClockStep, mayHaveStood, type Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { LocateConfig } from '../config/schema.js';
import { endsOf, type PathFacts } from './path-facts.js';
import { humanDuration } from '../core/human-duration.js';
import { refreshInterval } from '../core/locate/locatable.js';
import type { LocateOptions } from '../core/locate/locate-contract.js';
import {
  concludedRun,
  type DueMode,
  dueModes,
  failedRun,
  holding,
  type LocateGround,
  type LocateMemory,
  movedMemory,
  NOTHING_LOCATED,
  profiledRun,
  withdrawn,
} from '../core/locate/locate-memory.js';
import { locateDuration } from '../core/locate/locate-progress.js';
import { hindranceOf, type LocateReadings, whyIdle } from '../core/locate/locate-reasons.js';
import { localizationSentence, mendedSentence } from '../core/locate/locate-words.js';
import { NOT_LOCATED } from '../core/locate/localization.js';
import {
  createProfile,
  type ProfileFound,
  profileGround,
  profileTimeLeft,
} from '../core/locate/profile-search.js';
import { type HopAddress, type Locating, modeLocating, told } from '../core/locate/locating.js';
import type { PathSurroundings } from '../core/locate/places.js';
import type { Mode } from '../core/modes.js';
import { defined } from '../defined.js';
import { type Capability, socketOptions, UNAVAILABLE_WORDS } from '../net/socket-options/library.js';
import { pause } from '../pause.js';
import type { Seconds } from '../units.js';
import type { Crowd } from './crowd.js';
import type { Experiments } from './experiments.js';
import type { Journal } from './journal.js';
import type { Launches } from './launches.js';
import type { LocateRun } from './locate-run.js';
import { LocateWork } from './locate-work.js';
import type { ProfileRun } from './profile-run.js';
import type { LocateTurns } from './locate-turns.js';
import type { EngineObserver } from './snapshot.js';
import type { WatchedPath } from './trial.js';

/** What hinders comes to light within so long, seconds. */
const SETTLING: Seconds = 2;
/** Where something else is tried on the path, it is looked again after so long, seconds. */
const LOOK_AGAIN: Seconds = 60;

export interface LocalizerOptions {
  readonly target: TargetConfig;
  readonly locate: LocateConfig;
  readonly clock: Clock;
  readonly launches: Launches;
  /** Shared with whatever else the target tries beside its searches. */
  readonly experiments: Experiments;
  /** Shared with the searches: what their connections have to make room for. */
  readonly crowd: Crowd;
  /** Shared with the other targets. */
  readonly turns: LocateTurns;
  readonly journal: Journal;
  readonly observer: EngineObserver;
  readonly facts: () => PathFacts;
  /** Called when something was found or withdrawn. */
  readonly learnt: () => void;
  /** Called when it is to be looked whether something is due. */
  readonly look: () => void;
  /** What this end can do; the process's own capability unless given. */
  readonly capability?: (() => Capability) | undefined;
}

const GIVEN_UP: Readonly<Record<DueMode['what'], string>> = {
  box: 'the box that forgets is not looked for any more',
  profile: 'the idle timeouts along the path are not measured any more',
};

/** A run under way. */
interface Running extends DueMode {
  readonly run: LocateRun | ProfileRun;
  readonly over: AbortController;
}

export class Localizer {
  readonly #options: LocalizerOptions;
  readonly #work: LocateWork;
  #memory: LocateMemory = NOTHING_LOCATED;
  #readings: LocateReadings | undefined;
  #watched: WatchedPath | undefined;
  #running: Running | undefined;
  /** Ends the waiting for a turn, or for what is asked after a run. */
  #turn: AbortController | undefined;
  /** It waits for its turn behind those that come first. */
  #waitsAgain = false;
  /** Its last turn came when something else came first. */
  #passedOver = false;
  #timer: Timer | undefined;
  #finished: Promise<void> = Promise.resolve();
  /** How long the host may have stood still since the start, no clock of its own running on, seconds. */
  #stood: Seconds = 0;

  constructor(options: LocalizerOptions) {
    this.#options = options;
    this.#work = new LocateWork({ ...options, stood: () => this.#stood });
  }

  /** Goes on with what was found before a restart. */
  restore(memory: LocateMemory | undefined): void {
    this.#memory = memory ?? NOTHING_LOCATED;
  }

  save(): LocateMemory {
    return this.#memory;
  }

  /** The path is watched: from now on boxes can be looked for on it. */
  begin(watched: WatchedPath): void {
    this.#watched = watched;
    this.#options.look();
  }

  /** The path is gone: nothing is claimed of it. */
  end(): void {
    this.#watched = undefined;
    this.#turn?.abort();
    this.#running?.over.abort();
    this.#timer?.cancel();
  }

  /** Gives up what runs; resolves when that is done. */
  async stop(): Promise<void> {
    this.end();
    await this.#finished;
  }

  /** Every connection was lost at once: what idles says nothing. */
  lose(): void {
    this.#running?.run.interrupt();
  }

  /** A mode's timeout has changed: what was found of it is gone at once. */
  changed(mode: Mode): void {
    if (this.#running?.mode === mode) this.#giveUp('the idle timeout has changed meanwhile');
    this.#remember(withdrawn(this.#memory, mode));
  }

  /** The wall clock was set: what was found before keeps its age. */
  stepped(step: ClockStep): void {
    this.#stood += mayHaveStood(step);
    this.#memory = movedMemory(this.#memory, (at) => afterStep(at, step));
  }

  /** Looks at what was found: withdraws what does not hold any more, ends what may not run, and begins what is due. */
  look(readings: LocateReadings): void {
    this.#readings = readings;
    this.#remember(holding(this.#memory, this.#ground(readings)));
    const hindrance = this.#hindrance(readings);
    const running = this.#running;
    if (running !== undefined) {
      if (hindrance !== undefined) this.#giveUp(hindrance);
      else if (!this.#isStill(running, readings)) this.#giveUp('the idle timeout is another one meanwhile');
      return;
    }
    // Of whom nothing is known any more does not wait behind those of whom something is.
    if (this.#waitsAgain && this.#isUnknown()) this.#turn?.abort();
    const [next] = hindrance === undefined ? dueModes(this.#memory, this.#ground(readings)) : [];
    // Whoever waits keeps its place while something else comes first.
    if (next === undefined) return;
    if (next.at > this.#options.clock.wall()) this.#lookAgain(next.at - this.#options.clock.wall());
    else if (this.#turn === undefined && this.#watched !== undefined)
      this.#finished = this.#takeTurn(this.#watched);
  }

  /** What readers see. */
  locating(readings: LocateReadings, conntrack: PathSurroundings['conntrack']): Locating {
    const { target } = this.#options;
    const ground = this.#ground(readings);
    const memory = holding(this.#memory, ground);
    const { hops, addresses, entries } = memory;
    const surroundings = this.#surroundings(addresses, conntrack);
    const hindrance = this.#hindrance(readings);
    const due = dueModes(memory, ground);
    const running = this.#running;
    return {
      hops: running === undefined ? hops : { ...hops, ...running.run.hops },
      addresses,
      modes: target.modes.map((mode) => {
        const entry = entries.find((each) => each.mode === mode);
        return modeLocating(mode, {
          running: running?.mode === mode ? running.run.shown : undefined,
          found: entry && told(entry, surroundings),
          why: hindrance ?? whyIdle(mode, readings, due, ground.now),
        });
      }),
    };
  }

  #ground({ findings }: LocateReadings): LocateGround {
    const { target, locate, facts, clock } = this.#options;
    return {
      findings,
      ends: endsOf(facts()),
      guard: target.search.guard,
      every: locate.every,
      profile: locate.profile,
      isAsking: this.#turn !== undefined,
      now: clock.wall(),
    };
  }

  #surroundings(
    addresses: readonly HopAddress[],
    conntrack: PathSurroundings['conntrack'],
  ): PathSurroundings {
    const byHop = new Map(addresses.map(({ hop, address }) => [hop, address]));
    return { conntrack, guard: this.#options.target.search.guard, addresses: byHop };
  }

  #hindrance(readings: LocateReadings): string | undefined {
    const { target, capability = socketOptions } = this.#options;
    const local = capability();
    if (!local.available) return `this end cannot keep connections fresh: ${UNAVAILABLE_WORDS[local.why]}`;
    const { min_idle: minIdle, max_idle: maxIdle, guard } = target.search;
    return hindranceOf(readings, target.modes, { minIdle, maxIdle, guard });
  }

  /** Whether the timeout is still the one that is being located. */
  #isStill({ mode, lower, upper }: DueMode, { findings }: LocateReadings): boolean {
    const { guard } = this.#options.target.search;
    const now = findings[mode];
    if (now?.lower === undefined || now.upper === undefined) return false;
    return now.lower <= upper + guard && lower <= now.upper + guard;
  }

  #isUnknown(): boolean {
    return this.#memory.entries.length === 0;
  }

  #remember(memory: LocateMemory): void {
    if (memory === this.#memory) return;
    this.#memory = memory;
    this.#options.learnt();
  }

  #giveUp(why: string): void {
    const running = this.#running;
    if (running === undefined || running.over.signal.aborted) return;
    this.#options.journal.tell(`${GIVEN_UP[running.what]}: ${why}`, 'info');
    running.over.abort();
  }

  /** Waits for a turn of the fleet, and looks for the box if that is still due then. */
  async #takeTurn(watched: WatchedPath): Promise<void> {
    const { turns, experiments, clock } = this.#options;
    const waiting = new AbortController();
    this.#turn = waiting;
    const signal = AbortSignal.any([waiting.signal, watched.signal]);
    const isFirst = this.#passedOver || this.#isUnknown();
    this.#waitsAgain = !isFirst;
    const leave = await turns.turn(signal, isFirst);
    this.#waitsAgain = false;
    // What has just come to light may have to be checked first.
    await pause(clock, SETTLING, signal);
    let ran = false;
    const due = leave === undefined || waiting.signal.aborted ? undefined : this.#due();
    try {
      if (due !== undefined) {
        ran = await experiments.tryRun('localization', () => this.#carryOut(due, watched));
        if (!ran) this.#lookAgain(LOOK_AGAIN);
      }
    } finally {
      leave?.(ran);
      this.#passedOver = leave !== undefined && !ran;
      this.#turn = undefined;
    }
    // Another mode may be next, or it asks anew for a turn that it gave up.
    if (due === undefined && !waiting.signal.aborted) return;
    if (this.#timer === undefined && !watched.signal.aborted) this.#options.look();
  }

  #due(): DueMode | undefined {
    const readings = this.#readings;
    if (readings === undefined || this.#hindrance(readings) !== undefined) return undefined;
    const [next] = dueModes(this.#memory, this.#ground(readings));
    return next !== undefined && next.at <= this.#options.clock.wall() ? next : undefined;
  }

  #optionsOf({ mode, lower, upper }: DueMode, { findings }: LocateReadings): LocateOptions {
    const { target, locate, facts } = this.#options;
    const { guard, connections } = target.search;
    return {
      mode,
      lower,
      upper,
      guard,
      interval: refreshInterval(findings),
      places: connections,
      maxHops: locate.max_hops,
      means: { client: ['keepalive'], responder: facts().introduction?.fresh === true ? ['keepalive'] : [] },
    };
  }

  async #carryOut(due: DueMode, watched: WatchedPath): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([watched.signal, over.signal]);
    setMaxListeners(0, signal);
    const leave = this.#options.crowd.enter(() =>
      this.#giveUp('a connection died early meanwhile, perhaps to make room'),
    );
    try {
      const here = { ...watched, signal };
      if (due.what === 'box') await this.#locate(due, here, over);
      const next = this.#due();
      if (!signal.aborted && next?.what === 'profile') await this.#profile(next, here, over);
      // Where the path was left nothing failed.
      if (over.signal.aborted && !watched.signal.aborted)
        this.#remember(failedRun(this.#memory, due.mode, this.#options.clock.wall()));
    } finally {
      this.#running = undefined;
      leave();
    }
  }

  async #locate(due: DueMode, watched: WatchedPath, over: AbortController): Promise<void> {
    const { target, clock, journal, locate } = this.#options;
    const readings = this.#readings;
    if (readings === undefined) return;
    const { mode } = due;
    const options = this.#optionsOf(due, readings);
    journal.tell(
      `looking for the box that forgets in ${mode}: up to ${options.places} more connections, for about ${humanDuration(locateDuration(options, target.search.deadline))}`,
      'info',
    );
    const run = this.#work.box(options, watched);
    this.#running = { ...due, run, over };
    const result = await run.result;
    if (result === undefined) return;
    const { hops } = run;
    const addresses = locate.addresses ? await this.#work.hopAddresses(hops.client ?? 0, watched) : [];
    if (watched.signal.aborted) return;
    // First: asking the time may notice a step, and that moves what was found before.
    const at = clock.wall();
    const { address, seen } = endsOf(this.#options.facts());
    const entry = { mode, at, result, ...defined({ address, seen: seen.at(-1) }) };
    journal.tell(`${mode}: ${localizationSentence(result, this.#surroundings([], {}))}`, 'info', { mode });
    this.#remember(concludedRun({ ...this.#memory, hops, addresses }, entry));
  }

  /** Measures what stands beside the box that was found. */
  async #profile(due: DueMode, watched: WatchedPath, over: AbortController): Promise<void> {
    const { clock, journal } = this.#options;
    const { mode } = due;
    const result = this.#memory.entries.find((entry) => entry.mode === mode)?.result;
    const ground = result && profileGround(result);
    if (result === undefined || ground === undefined) return;
    const options = this.#work.profileOptions(ground);
    const left = profileTimeLeft(createProfile(options));
    journal.tell(
      `measuring the idle timeout of every hop in ${mode}: up to ${options.search.connections} more connections, for about ${humanDuration(left)}`,
      'info',
    );
    const learnt = (profile: ProfileFound): void => {
      // First: asking the time may notice a step, and that moves what was found before.
      const at = clock.wall();
      this.#remember(profiledRun(this.#memory, result, { ...profile, at }));
    };
    const run = this.#work.profile(options, watched, learnt);
    this.#running = { ...due, run, over };
    const found = await run.result;
    if (found === undefined || watched.signal.aborted) return;
    if (typeof found === 'string') {
      journal.tell(`${mode}: the idle timeout of every hop is not known: ${NOT_LOCATED[found]}`, 'info', {
        mode,
      });
      this.#remember(failedRun(this.#memory, mode, clock.wall()));
      return;
    }
    learnt(found);
    const { behind } = found;
    const words = behind === undefined ? 'the idle timeout of every hop is known' : mendedSentence(behind);
    journal.tell(`${mode}: ${words}`, 'info', { mode });
  }

  #lookAgain(wait: Seconds): void {
    const { clock, look } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(Math.max(1, wait), () => {
      this.#timer = undefined;
      look();
    });
  }
}
