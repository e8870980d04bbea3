/** Drives one search: carries out its actions on real connections and tells it what happened. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../log.js';
import { afterStep, type Clock, type ClockStep, mayHaveStood, type Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { Finding } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import { findingOf } from '../core/search/publish.js';
import { reviveSearch } from '../core/search/revive.js';
import { type SearchState } from '../core/search/state.js';
import { connectionsOf, createSearch, hasConnection, step } from '../core/search/step.js';
import { type ConnectionId, type SearchAction, type SearchEvent, TEACHING } from '../core/search/types.js';
import type { Verdict } from '../core/verdict.js';
import { observeIdleEnd } from '../probe/observe.js';
import type { ProbeConnection } from '../probe/path.js';
import type { Observation } from '../probe/prober.js';
import type { Seconds } from '../units.js';
import type { Launches, Slot } from './launches.js';
import type { SavedMode } from './saved-target.js';
import { isFresh } from './expiry.js';
import { idleTime, isRefusal, isUnborn, searchOptions, verdictOf } from './judge.js';
import type { EngineObserver, TestRecord, WaitingConnection } from './snapshot.js';
import type { StandingPath } from './standing-path.js';
import { TestBook } from './test-book.js';
import { TestLog } from './test-log.js';

/** A connection that ends by itself sooner than this was never idle: its end says nothing about a mapping, seconds. */
const SHORTEST_LIFE: Seconds = 1;

export interface ModeRunnerOptions {
  readonly target: TargetConfig;
  readonly mode: Mode;
  readonly timing: 'late' | 'at_launch';
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: EngineObserver;
  /** Newest tests that are kept for the page, the report and the diagnosis. */
  readonly testsKept: number;
  /** Says when a connection may be opened. */
  readonly launches: Launches;
  /** What was saved, and how many seconds ago (by the wall clock). */
  readonly restored?: { readonly saved: SavedMode; readonly ago: Seconds };
  /** Called whenever the state changed; `news` when it is more than the routine of the steady state. */
  readonly changed: (news: boolean) => void;
  /** Called when there may be more or less to diagnose than before. */
  readonly learnt: () => void;
}

interface Open {
  readonly id: ConnectionId;
  readonly connection: ProbeConnection;
  /** Its place in the budget of connections. */
  readonly slot: Slot;
  /** Monotonic time at which it was allowed to be opened, seconds. */
  readonly launchedAt: Seconds;
  /** Difference between boot time and monotonic time at launch: grows while the host sleeps, seconds. */
  readonly slept: Seconds;
  /** How long the host may have stood still, by what was known at launch, seconds. */
  readonly stood: Seconds;
  testing: boolean;
  judged: boolean;
}

export class ModeRunner {
  readonly #options: ModeRunnerOptions;
  readonly #open = new Map<ConnectionId, Open>();
  readonly #book: TestBook;
  readonly #log: TestLog;
  #state: SearchState;
  /** What was found in the newest state that somebody asked about, and that state. */
  #found: Finding | undefined;
  #foundIn: SearchState | undefined;
  /** Search time minus monotonic time. */
  readonly #origin: Seconds;
  #standing: StandingPath | undefined;
  #started = false;
  #wake: { readonly at: Seconds; readonly timer: Timer } | undefined;
  #confirmed: { readonly at: Seconds | undefined; readonly timestamp: Seconds } | undefined;
  /** How long the host may have stood still since the start, no clock of its own running on, seconds. */
  #stood: Seconds = 0;

  constructor(options: ModeRunnerOptions) {
    this.#options = options;
    this.#log = new TestLog(options.log);
    const { clock } = options;
    const restored =
      options.restored && isFresh(options.restored.saved, options.restored.ago, clock)
        ? options.restored
        : undefined;
    const revived =
      restored && reviveSearch(restored.saved.search, searchOptions(options.target, options.timing));
    this.#state = revived ?? createSearch(searchOptions(options.target, options.timing));
    this.#book = new TestBook(options.testsKept, revived && restored?.saved);
    if (restored === undefined || revived === undefined) {
      this.#origin = 0 - clock.monotonic();
      return;
    }
    this.#started = true;
    this.#origin = restored.saved.at + Math.max(0, restored.ago) - clock.monotonic();
    const { confirmedTimestamp } = restored.saved;
    if (confirmedTimestamp !== undefined)
      this.#confirmed = { at: findingOf(revived).confirmedAt, timestamp: confirmedTimestamp };
  }

  get mode(): Mode {
    return this.#options.mode;
  }

  /** The same object until something else was found. */
  get finding(): Finding {
    const known = this.#found;
    if (known !== undefined && this.#foundIn === this.#state) return known;
    const fresh = findingOf(this.#state);
    this.#foundIn = this.#state;
    return (this.#found = known !== undefined && isDeepStrictEqual(known, fresh) ? known : fresh);
  }

  /** Unix time of the newest evidence that agreed with the finding, seconds, whatever the clock says now. */
  get confirmedTimestamp(): Seconds | undefined {
    return this.#confirmed?.timestamp;
  }

  get tests(): readonly TestRecord[] {
    return this.#book.tests;
  }

  /** Unix time of the newest test that was not inconclusive, seconds. */
  get conclusiveAt(): Seconds | undefined {
    return this.#book.conclusiveAt;
  }

  /** Tests and deaths of the last 24 h below the lower bound that was published at their time. */
  get belowLower(): ReturnType<TestBook['belowLower']> {
    return this.#book.belowLower(this.#options.clock.wall());
  }

  get waiting(): WaitingConnection[] {
    const now = this.#now();
    return connectionsOf(this.#state).map((each) => ({
      id: each.id,
      state: each.state,
      ...(each.since === undefined ? {} : { age: Math.max(0, now - each.since) }),
      ...(each.testAt === undefined ? {} : { testAt: each.testAt }),
    }));
  }

  /** How many connections are open, those under test included. */
  get connections(): number {
    return this.#open.size;
  }

  save(): SavedMode {
    return {
      search: this.#state,
      at: this.#now(),
      ...(this.#confirmed === undefined ? {} : { confirmedTimestamp: this.#confirmed.timestamp }),
      ...this.#book.save(),
    };
  }

  /** The path stands: starts the search, or goes on with it. */
  begin(standing: StandingPath): void {
    this.#standing = standing;
    this.#send(this.#started ? { kind: 'interrupted' } : { kind: 'start' });
    this.#started = true;
  }

  /** The path is gone: every connection is closed and nothing is learnt. The search sleeps until `begin`. */
  end(): void {
    this.#standing = undefined;
    this.#wake?.timer.cancel();
    this.#wake = undefined;
    this.#giveUp();
  }

  /** Every connection was lost at once, and nothing is learnt. */
  lose(kind: 'mapping_loss' | 'interrupted'): void {
    if (kind === 'interrupted') this.#giveUp();
    else this.#closeAll();
    if (this.#standing !== undefined) this.#send({ kind });
  }

  /** The wall clock was set: what was noted before keeps its age. */
  stepped(step: ClockStep): void {
    this.#stood += mayHaveStood(step);
    if (this.#confirmed !== undefined)
      this.#confirmed = { ...this.#confirmed, timestamp: afterStep(this.#confirmed.timestamp, step) };
    this.#book.stepped(step);
  }

  /** The schedule's tick. */
  round(): void {
    if (this.#standing !== undefined) this.#send({ kind: 'round' });
  }

  #now(): Seconds {
    return this.#origin + this.#options.clock.monotonic();
  }

  #send(event: SearchEvent, late = false): void {
    const before = this.finding;
    const { state, actions } = step(this.#state, this.#now(), event);
    this.#state = state;
    this.#noticeConfirmation();
    this.#noticeFinding(before);
    for (const action of actions) this.#carryOut(action, late);
    const lower = this.finding.lower ?? 0;
    if (lower < (before.lower ?? 0)) this.#book.lowerFell(lower);
    const now = this.finding;
    this.#options.changed(
      now.phase !== 'track' || now.timeout !== before.timeout || now.compliant !== before.compliant,
    );
    if (TEACHING[event.kind]) this.#options.learnt();
  }

  #noticeConfirmation(): void {
    const { confirmedAt } = this.finding;
    if (confirmedAt !== undefined && confirmedAt !== this.#confirmed?.at)
      this.#confirmed = { at: confirmedAt, timestamp: this.#options.clock.wall() };
  }

  #noticeFinding(before: Finding): void {
    const now = this.finding;
    if (now.timeout === before.timeout && now.compliant === before.compliant && now.phase === before.phase)
      return;
    this.#options.log.info(
      {
        phase: now.phase,
        timeout: now.timeout,
        lower: now.lower,
        upper: now.upper,
        compliant: now.compliant,
      },
      now.phase === before.phase ? 'finding changed' : `search enters phase ${now.phase}`,
    );
  }

  #carryOut(action: SearchAction, late: boolean): void {
    const { observer, target, mode, log, clock } = this.#options;
    switch (action.kind) {
      case 'open':
        void this.#launch(action.id, action.testAt);
        return;
      case 'test': {
        const open = this.#open.get(action.id);
        if (open === undefined) return;
        if (late) void this.#conclude(open, { kind: 'unclear', reason: 'late' });
        else void this.#test(open);
        return;
      }
      case 'discard':
        this.#close(action.id);
        return;
      case 'wake':
        this.#setWake(action.at);
        return;
      case 'announce':
        observer.changed?.(target, mode, action.change);
        log.warn(
          { change: action.change, timeout: this.finding.timeout },
          `the idle timeout made a ${action.change}`,
        );
        return;
      case 'early_death':
        observer.earlyDeath?.(target, mode, action.idle);
        this.#book.addEarlyDeath(clock.wall(), action.idle);
        log.info(
          { idle: Math.round(action.idle * 100) / 100 },
          'a connection died below the published lower bound',
        );
        return;
    }
  }

  #setWake(at: Seconds): void {
    if (this.#wake?.at === at) return;
    this.#wake?.timer.cancel();
    const timer = this.#options.clock.after(at - this.#now(), () => {
      this.#wake = undefined;
      const late = this.#now() - at > Math.max(1, this.#options.target.search.guard);
      if (this.#standing !== undefined) this.#send({ kind: 'tick' }, late);
    });
    this.#wake = { at, timer };
  }

  async #launch(id: ConnectionId, testAt: Seconds | undefined): Promise<void> {
    const standing = this.#standing;
    if (standing === undefined) return;
    const wanted = (): boolean => standing === this.#standing && this.#isWanted(id);
    const { launches, target, clock } = this.#options;
    if (!(await standing.breaker.pass(wanted, standing.signal))) return;
    const slot = await launches.acquire(target.name, wanted, standing.signal);
    if (slot === undefined) return;
    const launchedAt = clock.monotonic();
    let connection: ProbeConnection;
    try {
      connection = await standing.path.open(this.mode, testAt, standing.signal);
    } catch (error) {
      slot.release();
      if (isRefusal(error)) standing.breaker.failed(launchedAt);
      this.#options.log.debug(
        { error: error instanceof Error ? error.message : error },
        'cannot open a probe',
      );
      if (wanted()) this.#send({ kind: 'open_failed', id });
      return;
    }
    if (!wanted()) {
      connection.close();
      slot.release();
      return;
    }
    const open: Open = {
      id,
      connection,
      slot,
      launchedAt,
      slept: this.#slept(),
      stood: this.#stood,
      testing: false,
      judged: false,
    };
    this.#open.set(id, open);
    standing.breaker.opened(launchedAt, () => this.#open.get(id) === open);
    this.#send({ kind: 'opened', id });
    connection.whenEnded((end) => {
      if (!open.testing) void this.#conclude(open, observeIdleEnd(end, this.#options.clock));
    });
    if (testAt !== undefined) void this.#test(open, testAt);
  }

  /** Whether the search still counts on a connection that took its time to open. */
  #isWanted(id: ConnectionId): boolean {
    return hasConnection(this.#state, id);
  }

  /** @param fromNow seconds until the far end breaks the silence, where that was asked for at launch */
  async #test(open: Open, fromNow: Seconds = 0): Promise<void> {
    const standing = this.#standing;
    if (standing === undefined || open.judged || open.testing) return;
    open.testing = true;
    const { clock, target } = this.#options;
    const { deadline } = target.search;
    const early = standing.controls.watch(open.connection, deadline, fromNow);
    const observation = await open.connection.test({ clock, deadline, signal: standing.signal });
    const pathStood = early.finish();
    await this.#conclude(open, observation, observation.kind !== 'died' || (await pathStood));
  }

  /** Runs the controls that the observation asks for, closes the connection, and tells the search. */
  async #conclude(open: Open, observation: Observation, pathStoodMeanwhile = true): Promise<void> {
    const standing = this.#standing;
    if (standing === undefined || open.judged || this.#open.get(open.id) !== open) return;
    open.testing = true;
    const { clock, target } = this.#options;
    let verdict = verdictOf(observation);
    if (isUnborn(open.connection, observation, Math.min(SHORTEST_LIFE, target.search.min_idle))) {
      standing.breaker.failed(open.launchedAt);
      verdict = { kind: 'inconclusive', reason: 'control_failed' };
    } else if (verdict.kind === 'dead') {
      const failed = pathStoodMeanwhile
        ? await standing.controls.confirm(open.connection, verdict.evidence !== 'silence')
        : ('control_failed' as const);
      if (failed !== undefined) verdict = { kind: 'inconclusive', reason: failed };
    }
    const unnoticed = Math.max(1, target.search.guard);
    // Asking the time is what notices a step. Who survived longer than we know survived what we know.
    if (verdict.kind === 'dead') clock.wall();
    if (verdict.kind === 'dead' && this.#stood - open.stood > unnoticed)
      verdict = { kind: 'inconclusive', reason: 'interrupted' };
    if (this.#slept() - open.slept > unnoticed) verdict = { kind: 'inconclusive', reason: 'interrupted' };
    if (standing !== this.#standing || this.#open.get(open.id) !== open) return;
    open.judged = true;
    this.#close(open.id);

    const idle = idleTime(open.connection, observation, verdict, clock);
    this.#record(open, verdict, idle);
    this.#log.tested(verdict, idle, this.finding.lower ?? 0);
    this.#send({ kind: 'verdict', id: open.id, verdict, idle });
  }

  #record(open: Open, verdict: Verdict, idle: Seconds): void {
    const { observer, target, mode, clock } = this.#options;
    const { local, remote, seen } = open.connection;
    const test: TestRecord = {
      at: clock.wall(),
      id: open.id,
      idle,
      verdict,
      local,
      remote,
      ...(seen === undefined ? {} : { seen }),
    };
    this.#book.add(test, this.finding.lower ?? 0);
    observer.tested?.(target, mode, test);
  }

  /** Ends every connection for reasons of our own; each counts as a test that could not be held. */
  #giveUp(): void {
    const now = this.#options.clock.monotonic();
    const verdict: Verdict = { kind: 'inconclusive', reason: 'interrupted' };
    for (const open of this.#open.values()) {
      open.judged = true;
      const idle = Math.max(0, now - open.connection.opened.latest);
      this.#record(open, verdict, idle);
      this.#log.givenUp(verdict, idle);
    }
    this.#closeAll();
  }

  #slept(): Seconds {
    return this.#options.clock.boot() - this.#options.clock.monotonic();
  }

  #close(id: ConnectionId): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    shut(open);
  }

  #closeAll(): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const open of all) shut(open);
  }
}

function shut({ connection, slot }: Open): void {
  connection.close();
  slot.release();
}
