/**
 * Decides for one target whether its accusations may be told, and carries the check of the first one out: the searches
 * rest, their connections are closed, and a quarter of them is held until it is older than any that died.
 */
import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import {
  beginCheck,
  checkAt,
  dueAccusation,
  heldConnections,
  leastShareOfDeaths,
  type QuotaCheck,
  type TestAmongMany,
  tryAgain,
} from '../core/quota/check.js';
import {
  arrived,
  concluded,
  NOTHING_REMEMBERED,
  provenCompliant,
  type QuotaMemory,
  type QuotaStanding,
  standingOf,
  unexpired,
} from '../core/quota/memory.js';
import { CHECK_WORDS } from '../core/words.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import type { Experiments } from './experiments.js';
import { holdAndAsk } from './held-connections.js';
import type { Journal } from './journal.js';
import type { ModeRunner } from './mode-runner.js';
import type { PathFacts } from './path-facts.js';
import type { SavedQuota } from './saved-target.js';
import type { TargetSnapshot } from './snapshot.js';
import type { WatchedPath } from './trial.js';

/** What could not be decided is not tried again sooner, seconds. */
const SHORTEST_PAUSE: Seconds = 60;
/** No search has fewer connections. */
const LEAST_CONNECTIONS = 2;

export interface QuotaCheckerOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly experiments: Experiments;
  /** Called when something else may be told than before, or is to be saved. */
  readonly changed: () => void;
  /** Called when it is to be looked again whether a check is due. */
  readonly look: () => void;
}

/** A check that runs. */
interface Running {
  /** When its connections are old enough, monotonic seconds. */
  endsAt: Seconds;
  /** Gives the present try up. */
  giveUp: AbortController;
}

export class QuotaChecker {
  readonly #options: QuotaCheckerOptions;
  #memory: QuotaMemory = NOTHING_REMEMBERED;
  /** Its own time, which goes on through a restart, minus monotonic time. */
  #origin: Seconds;
  #modes: readonly ModeRunner[] = [];
  #watched: WatchedPath | undefined;
  #running: Running | undefined;
  #finished: Promise<unknown> = Promise.resolve();
  /** Since when the path has been accused, and when the next check may begin, monotonic seconds. */
  #accusedAt: Seconds | undefined;
  #notBefore: Seconds = -Infinity;
  #timer: Timer | undefined;
  #standing: QuotaStanding | undefined;

  constructor(options: QuotaCheckerOptions) {
    this.#options = options;
    this.#origin = 0 - options.clock.monotonic();
  }

  /** Whether anything waits for a check: what is built in has no quota unless it rehearses one. */
  get #checks(): boolean {
    const { far_end: farEnd } = this.#options.target;
    return farEnd.kind !== 'embedded' || farEnd.quota !== undefined;
  }

  /** Goes on with what was saved so many seconds ago. */
  restore({ memory, at }: SavedQuota, ago: Seconds): void {
    this.#memory = memory;
    this.#origin = at + ago - this.#options.clock.monotonic();
  }

  save(): SavedQuota {
    return { memory: this.#memory, at: this.#now() };
  }

  /** Checks these from now on. */
  follow(modes: readonly ModeRunner[]): void {
    this.#modes = modes;
  }

  /** The connections that each mode may hold; undefined where it may hold those that are configured. */
  get connections(): number | undefined {
    const { outcome } = this.#memory;
    const { modes, search } = this.#options.target;
    if (outcome?.kind !== 'quota') return undefined;
    const share = Math.max(LEAST_CONNECTIONS, Math.floor(outcome.held / modes.length));
    return Math.min(search.connections, share);
  }

  /** The connections of the whole target. */
  get #all(): number {
    const { modes, search } = this.#options.target;
    return modes.length * search.connections;
  }

  /** What accusations have to wait for; the same value until something else is to be said. */
  get standing(): QuotaStanding | undefined {
    if (!this.#checks) return undefined;
    const now = this.#options.clock.monotonic();
    const left = this.#running === undefined ? undefined : Math.max(0, Math.ceil(this.#running.endsAt - now));
    const fresh = standingOf(this.#memory, this.#all, left);
    if (JSON.stringify(fresh) !== JSON.stringify(this.#standing)) this.#standing = fresh;
    return this.#standing;
  }

  /** The path is watched: checks can be made on it until it is left. */
  watch(watched: WatchedPath): void {
    this.#watched = watched;
  }

  /** Every connection is gone: what was held has to be held again. */
  lost(): void {
    this.#running?.giveUp.abort();
  }

  /** Gives up what runs; resolves when that is done. The path has been left by then. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.lost();
    await this.#finished;
  }

  /** Looks at what was found: a check begins once it is due. */
  consider({ verdict, modes, address }: TargetSnapshot, { seenAddresses }: PathFacts): void {
    if (!this.#checks) return;
    const seen = seenAddresses.length === 1 ? seenAddresses[0] : undefined;
    let memory = this.#memory;
    if (address !== undefined) memory = arrived(memory, defined({ address, seen }));
    if (verdict.result === 'compliant') memory = provenCompliant(memory, this.#all);
    this.#remember(unexpired(memory, this.#now()));
    if (verdict.check === undefined) {
      this.#accusedAt = undefined;
      return;
    }
    const now = this.#options.clock.monotonic();
    this.#accusedAt ??= now;
    if (this.#running !== undefined) return;
    const counted = modes.filter(({ mode }) => !verdict.leftOut.includes(mode));
    const findings = new Map(counted.map(({ mode, finding }) => [mode, finding]));
    const accusedFor = now - this.#accusedAt;
    const due = dueAccusation(findings, verdict.check.modes, this.#all, accusedFor);
    if (due !== undefined && now >= this.#notBefore)
      this.#begin(beginCheck(due, leastShareOfDeaths(this.#testsOf(counted), due.upper)));
    else this.#lookAgain(Math.max(this.#notBefore - now, shortestUpper(findings) - accusedFor));
  }

  /** Takes a memory over; with another finding about a quota the searches begin anew with as many as it allows. */
  #remember(memory: QuotaMemory): void {
    if (memory === this.#memory) return;
    const before = this.connections;
    this.#memory = memory;
    this.#options.changed();
    if (this.connections === before || this.#running !== undefined) return;
    this.#rest();
    this.#goOn(this.#watched, true);
  }

  #begin(check: QuotaCheck): void {
    const watched = this.#watched;
    if (watched === undefined || watched.signal.aborted) return;
    const begun = this.#options.experiments.tryRun('quota_check', () => this.#check(check, watched));
    this.#finished = begun;
    void begun.then((ran) => {
      if (!ran) this.#lookAgain(check.upper);
    });
  }

  async #check(begun: QuotaCheck, watched: WatchedPath): Promise<void> {
    const { clock, journal, changed } = this.#options;
    const began = clock.monotonic();
    journal.tell(CHECK_WORDS.begins(begun, heldConnections(begun)), 'info');
    this.#rest();
    let check = begun;
    let next: QuotaCheck | undefined = begun;
    for (let tries = 1; next !== undefined && !watched.signal.aborted; tries += 1) {
      check = await this.#try(next, watched);
      next = check.outcome === 'checking' ? tryAgain(check, tries) : undefined;
    }
    this.#running = undefined;
    // What was held of a path that was left tells nothing.
    if (watched.signal.aborted) return;
    const took = clock.monotonic() - began;
    const reduced = this.connections;
    if (check.outcome === 'checking') {
      // The searches get as long as it took.
      this.#notBefore = clock.monotonic() + Math.max(took, SHORTEST_PAUSE);
      journal.tell(CHECK_WORDS.undecided, 'info');
    } else {
      this.#memory = concluded(this.#memory, check, this.#now());
      journal.tell(CHECK_WORDS[check.outcome](check, heldConnections(check)), 'warn');
    }
    this.#goOn(watched, this.connections !== reduced);
    changed();
  }

  async #try(begun: QuotaCheck, watched: WatchedPath): Promise<QuotaCheck> {
    const { clock, target } = this.#options;
    const giveUp = new AbortController();
    const running = {
      endsAt: clock.monotonic() + checkAt(begun, target.search.guard),
      giveUp,
    };
    this.#running = running;
    const runner = this.#modes.find(({ mode }) => mode === begun.mode);
    if (runner === undefined) throw new Error(`${begun.mode} is not searched`);
    const signal = AbortSignal.any([watched.signal, giveUp.signal]);
    setMaxListeners(0, signal);
    return holdAndAsk(
      begun,
      {
        clock,
        search: target.search,
        open: (meanwhile, testAt) => runner.aside({ ...watched, signal: meanwhile }, testAt),
        held: (wait) => (running.endsAt = clock.monotonic() + wait),
      },
      signal,
    );
  }

  /** The tests of these modes, which are made among as many connections. */
  #testsOf(modes: TargetSnapshot['modes']): readonly TestAmongMany[] {
    const now = this.#options.clock.wall();
    return modes.flatMap(({ tests }) =>
      tests.map(({ at, idle, verdict }) => ({ idle, verdict, ago: now - at })),
    );
  }

  /** The searches give their connections up. */
  #rest(): void {
    for (const mode of this.#modes) mode.rest();
  }

  /** The searches go on, unless the path was left meanwhile. */
  #goOn(watched: WatchedPath | undefined, anew: boolean): void {
    const connections = this.connections ?? this.#options.target.search.connections;
    for (const mode of this.#modes) {
      if (anew) mode.anew(connections);
      if (watched !== undefined && !watched.signal.aborted) mode.begin(watched);
    }
  }

  #lookAgain(wait: Seconds): void {
    const { clock, look } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(Math.max(1, wait), look);
  }

  #now(): Seconds {
    return this.#origin + this.#options.clock.monotonic();
  }
}

function shortestUpper(findings: ReadonlyMap<unknown, { readonly upper?: Seconds }>): Seconds {
  const uppers = [...findings.values()].flatMap(({ upper }) => upper ?? []);
  return Math.min(...uppers);
}
