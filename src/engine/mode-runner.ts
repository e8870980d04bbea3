/** Drives one search: carries out its actions on real connections and tells it what happened. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../log.js';
import { afterStep, type Clock, type ClockStep, mayHaveStood, type Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { Finding } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import { findingOf } from '../core/search/finding-of.js';
import { type SearchState } from '../core/search/state.js';
import { connectionsOf, step } from '../core/search/step.js';
import { type ConnectionId, type SearchAction, type SearchEvent, TEACHING } from '../core/search/contract.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import { searchOptions } from './judge.js';
import type { Launches } from './launches.js';
import { beginSearch, type Confirmed, type Restored } from './restored-search.js';
import type { SavedMode } from './saved-target.js';
import type { EngineObserver, TestRecord, WaitingConnection } from './snapshot.js';
import { TestBook } from './test-book.js';
import { TestLog } from './test-log.js';
import { Trial, type TrialResult, type TrialSettings, type WatchedPath } from './trial.js';

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
  readonly restored?: Restored | undefined;
  /** Called whenever the state changed; `news` when it is more than the routine of the steady state. */
  readonly changed: (news: boolean) => void;
  /** Called when the search announces that the timeout changed. */
  readonly told: (change: 'drop' | 'rise') => void;
  /** Called when there may be more or less to diagnose than before. */
  readonly learnt: () => void;
}

export class ModeRunner {
  readonly mode: Mode;
  readonly #options: ModeRunnerOptions;
  /** The connections that the search counts on, from their launch to their verdict. */
  readonly #trials = new Map<ConnectionId, Trial>();
  readonly #trialSettings: TrialSettings;
  readonly #book: TestBook;
  readonly #log: TestLog;
  #state: SearchState;
  /** What was found in the newest state that somebody asked about, and that state. */
  #found: Finding | undefined;
  #foundIn: SearchState | undefined;
  /** Search time minus monotonic time. */
  readonly #origin: Seconds;
  #watched: WatchedPath | undefined;
  #started: boolean;
  #wake: { readonly at: Seconds; readonly timer: Timer } | undefined;
  #confirmed: Confirmed | undefined;
  /** How long the host may have stood still since the start, no clock of its own running on, seconds. */
  #stood: Seconds = 0;

  constructor(options: ModeRunnerOptions) {
    const { target, mode, clock, launches, log, restored, testsKept, timing } = options;
    this.mode = mode;
    this.#options = options;
    this.#log = new TestLog(log);
    const { state, now, saved, confirmed } = beginSearch(
      searchOptions(target, mode, timing),
      restored,
      clock,
    );
    this.#state = state;
    this.#origin = now - clock.monotonic();
    this.#started = saved !== undefined;
    this.#confirmed = confirmed;
    this.#book = new TestBook(testsKept, saved);
    this.#trialSettings = {
      target: target.name,
      mode,
      search: target.search,
      clock,
      launches,
      stood: () => this.#stood,
      opened: ({ id }) => this.#send({ kind: 'opened', id }),
      failed: ({ id }, error) => {
        this.#trials.delete(id);
        log.debug({ error: error instanceof Error ? error.message : error }, 'cannot open a probe');
        this.#send({ kind: 'open_failed', id });
      },
      concluded: (trial, result) => this.#conclude(trial, result),
    };
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
    return connectionsOf(this.#state).map(({ id, state, since, testAt }) =>
      defined({ id, state, age: since === undefined ? undefined : Math.max(0, now - since), testAt }),
    );
  }

  /** How many connections are open, those under test included. */
  get connections(): number {
    let open = 0;
    for (const trial of this.#trials.values()) if (trial.open) open += 1;
    return open;
  }

  save(): SavedMode {
    return {
      search: this.#state,
      at: this.#now(),
      ...defined({ confirmedTimestamp: this.confirmedTimestamp }),
      ...this.#book.save(),
    };
  }

  /** The path is watched: starts the search, or goes on with it. */
  begin(watched: WatchedPath): void {
    this.#watched = watched;
    this.#send(this.#started ? { kind: 'interrupted' } : { kind: 'start' });
    this.#started = true;
  }

  /** The path is gone: every connection is closed and nothing is learnt. The search sleeps until `begin`. */
  end(): void {
    this.#watched = undefined;
    this.#wake?.timer.cancel();
    this.#wake = undefined;
    this.#giveUp();
  }

  /** Every connection was lost at once, and nothing is learnt. */
  lose(kind: 'mapping_loss' | 'interrupted'): void {
    if (kind === 'interrupted') this.#giveUp();
    for (const trial of this.#trials.values()) trial.end();
    this.#trials.clear();
    if (this.#watched !== undefined) this.#send({ kind });
  }

  /** No longer idle times than this are asked about from now on, seconds: connections do not live longer. */
  limit(longest: Seconds): void {
    const { min_idle: minIdle, max_idle: maxIdle } = this.#options.target.search;
    const limited = Math.min(maxIdle, Math.max(longest, 1.05 * minIdle));
    if (limited !== this.#state.options.maxIdle) this.#send({ kind: 'limit', maxIdle: limited });
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
    if (this.#watched !== undefined) this.#send({ kind: 'round' });
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
    const { phase, timeout, lower, upper, compliant } = this.finding;
    if (timeout === before.timeout && compliant === before.compliant && phase === before.phase) return;
    // The bounds alone: what of it is published, and the verdict, all modes of the target decide together.
    this.#options.log.info(
      defined({ phase, lower, upper }),
      phase === before.phase ? 'finding changed' : `search enters phase ${phase}`,
    );
  }

  #carryOut(action: SearchAction, late: boolean): void {
    const { observer, target, log, clock, told } = this.#options;
    switch (action.kind) {
      case 'open':
        this.#launch(action.id, action.testAt);
        return;
      case 'test': {
        const trial = this.#trials.get(action.id);
        if (late) trial?.missed();
        else void trial?.test();
        return;
      }
      case 'discard':
        this.#trials.get(action.id)?.end();
        this.#trials.delete(action.id);
        return;
      case 'wake':
        this.#setWake(action.at);
        return;
      case 'announce':
        observer.changed?.(target, this.mode, action.change);
        told(action.change);
        return;
      case 'early_death':
        observer.earlyDeath?.(target, this.mode, action.idle);
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
      if (this.#watched !== undefined) this.#send({ kind: 'tick' }, late);
    });
    this.#wake = { at, timer };
  }

  #launch(id: ConnectionId, testAt: Seconds | undefined): void {
    if (this.#watched === undefined) return;
    const trial = new Trial(id, this.#trialSettings, this.#watched);
    this.#trials.set(id, trial);
    void trial.launch(testAt);
  }

  #conclude({ id }: Trial, result: TrialResult): void {
    this.#trials.delete(id);
    const lower = this.finding.lower ?? 0;
    this.#record(result, lower);
    this.#log.tested(result.verdict, result.idle, lower);
    this.#send({ kind: 'verdict', id, verdict: result.verdict, idle: result.idle });
  }

  #record(result: TrialResult, lower: Seconds): void {
    const { observer, target, clock } = this.#options;
    const test: TestRecord = { at: clock.wall(), ...result };
    this.#book.add(test, lower);
    observer.tested?.(target, this.mode, test);
  }

  /** Ends every connection for reasons of our own; each counts as a test that could not be held. */
  #giveUp(): void {
    const trials = [...this.#trials.values()];
    this.#trials.clear();
    for (const trial of trials) {
      const result = trial.giveUp();
      if (result === undefined) continue;
      this.#record(result, this.finding.lower ?? 0);
      this.#log.givenUp(result.verdict, result.idle);
    }
  }
}
