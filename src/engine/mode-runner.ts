/** Drives one search: carries out its actions on real connections and tells it what happened. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../log.js';
import { afterStep, type Clock, type ClockStep, mayHaveStood, type Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { Finding } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import { findingOf } from '../core/search/finding-of.js';
import { hintOf, shiftedHint } from '../core/search/hints.js';
import { type SearchState } from '../core/search/state.js';
import { toldToSiblings } from '../core/search/siblings.js';
import { connectionsOf, createSearch, step } from '../core/search/step.js';
import {
  type ConnectionId,
  type Hint,
  type SearchAction,
  type SearchEvent,
  type SiblingTest,
  TEACHING,
} from '../core/search/contract.js';
import { defined } from '../defined.js';
import { reasonOf } from '../core/verdict.js';
import type { Seconds } from '../units.js';
import { searchOptions } from './judge.js';
import type { Launches } from './launches.js';
import { beginSearch, type Confirmed, type Restored } from './restored-search.js';
import { Aside } from './aside.js';
import type { Crowd } from './crowd.js';
import type { SavedMode } from './saved-target.js';
import type { EngineObserver, TestRecord, WaitingConnection } from './snapshot.js';
import { TestBook } from './test-book.js';
import { Trial, type TrialResult, type TrialSettings, type WatchedPath } from './trial.js';

/** Connections beside a search are numbered from here on: no search opens so many. */
const FIRST_ASIDE: ConnectionId = 2 ** 40;

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
  /** Most idle connections, where the configured number is too many for the path. */
  readonly connections?: number | undefined;
  readonly restored?: Restored | undefined;
  /** What its connections may have to make room for; nothing unless given. */
  readonly crowd?: Crowd | undefined;
  /** Called whenever the state changed; `news` when it is more than the routine of the steady state. */
  readonly changed: (news: boolean) => void;
  /** Called when the search announces that the timeout changed. */
  readonly told: (change: 'drop' | 'rise') => void;
  /** Called with a test that the other modes of the target count, too. */
  readonly tested: (test: SiblingTest) => void;
  /** Called after each step: what it could hint to the other modes may have changed. */
  readonly stepped: () => void;
  /** Called when there may be more or less to diagnose than before. */
  readonly learnt: () => void;
}

export class ModeRunner {
  readonly mode: Mode;
  readonly #options: ModeRunnerOptions;
  /** The connections that the search counts on, from their launch to their verdict. */
  readonly #trials = new Map<ConnectionId, Trial>();
  /** Those that others hold beside the search. */
  readonly #asides = new Set<Aside>();
  #asidesOpened = 0;
  readonly #trialSettings: TrialSettings;
  readonly #book: TestBook;
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
    const { state, now, saved, confirmed } = beginSearch(
      { ...searchOptions(target, mode, timing), ...defined({ connections: options.connections }) },
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
    const held = [...this.#asides].flatMap(({ waiting }) => waiting ?? []);
    // While something else has the path the search's own connections are closed.
    const own = this.#watched === undefined ? [] : connectionsOf(this.#state);
    const asked = own.map(({ id, state, since, testAt }) =>
      defined({ id, state, age: since === undefined ? undefined : Math.max(0, now - since), testAt }),
    );
    return [...asked, ...held];
  }

  /** How many connections are open, those under test included. */
  get connections(): number {
    let open = 0;
    for (const trial of this.#trials.values()) if (trial.open) open += 1;
    for (const aside of this.#asides) if (aside.open) open += 1;
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
    if (watched.cannotBeAsked?.includes(this.mode) === true) return;
    this.#watched = watched;
    this.#send(this.#started ? { kind: 'interrupted' } : { kind: 'start' });
    this.#started = true;
  }

  /** The path is gone: every connection is closed and nothing is learnt. The search sleeps until `begin`. */
  end(): void {
    this.#giveUp();
    this.rest();
  }

  /** Something else has the path: every connection is closed as if never asked for. The search sleeps until `begin`. */
  rest(): void {
    this.#watched = undefined;
    this.#wake?.timer.cancel();
    this.#wake = undefined;
    for (const trial of this.#trials.values()) trial.end();
    this.#trials.clear();
  }

  /** Forgets what was found: once it is begun again it searches with so many connections at most. */
  anew(connections: number): void {
    this.#state = createSearch({ ...this.#state.options, connections });
    this.#confirmed = undefined;
    this.#started = false;
    this.#book.lowerFell(0);
  }

  /** Opens a connection beside the search, which is counted, shown and recorded as its own and tells it nothing. */
  aside(watched: WatchedPath, testAt: Seconds): Aside {
    const aside = new Aside({
      id: FIRST_ASIDE + this.#asidesOpened++,
      settings: this.#trialSettings,
      watched,
      testAt: this.#options.timing === 'at_launch' ? testAt : undefined,
      over: (result) => {
        this.#asides.delete(aside);
        if (result !== undefined) this.#record(result, this.finding.lower ?? 0);
      },
    });
    this.#asides.add(aside);
    return aside;
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

  /** Another mode of the target has tested a connection. */
  hear(test: SiblingTest): void {
    if (this.#watched !== undefined) this.#send({ kind: 'sibling_tested', test });
  }

  /** What it can hint to the other modes, by the monotonic clock. */
  get hint(): Hint {
    return shiftedHint(hintOf(this.#state), 0 - this.#origin);
  }

  /** What the other modes hint, by the monotonic clock. */
  heed(hint: Hint): void {
    const own = shiftedHint(hint, this.#origin);
    if (this.#watched === undefined || isDeepStrictEqual(own, this.#state.hint)) return;
    this.#send({ kind: 'hint', hint: own });
  }

  /** The schedule's tick. */
  round(): void {
    if (this.#watched !== undefined) this.#send({ kind: 'round' });
  }

  /**
   * Asks the bounds anew, where there is a finding.
   * @returns seconds until all answers are in; undefined while the path cannot be asked
   */
  askAnew(): Seconds | 'searching' | undefined {
    if (this.#watched === undefined) return undefined;
    const { phase, upper = Infinity } = this.finding;
    if (phase !== 'track') return 'searching';
    this.#send({ kind: 'ask_anew' });
    const { maxIdle, deadline } = this.#state.options;
    return Math.min(upper, maxIdle) + deadline;
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
    this.#options.stepped();
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
        log.info({ idle: hundredths(action.idle) }, 'a connection died below the published lower bound');
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

  #conclude({ id }: Trial, concluded: TrialResult): void {
    this.#trials.delete(id);
    const result = this.#excused(concluded);
    this.#record(result, this.finding.lower ?? 0);
    const event = { kind: 'verdict', id, verdict: result.verdict, idle: result.idle } as const;
    const told = toldToSiblings(this.#state, this.#now(), event);
    this.#send(event);
    if (told !== undefined) this.#options.tested(told);
  }

  /** Whoever dies early while others crowd the path may have had to make room: that says nothing. */
  #excused(result: TrialResult): TrialResult {
    const { verdict, idle } = result;
    const { crowd } = this.#options;
    const { lower = 0, upper = Infinity } = this.finding;
    if (crowd === undefined || verdict.kind !== 'dead' || idle >= upper || !crowd.excuses(idle))
      return result;
    if (idle < lower) crowd.evicted();
    return { ...result, verdict: { kind: 'inconclusive', reason: 'disturbed' } };
  }

  #record(result: TrialResult, lower: Seconds): void {
    const { observer, target, clock, log } = this.#options;
    const test: TestRecord = { at: clock.wall(), ...result };
    this.#book.add(test, lower);
    observer.tested?.(target, this.mode, test);
    const { verdict, idle } = result;
    log.debug({ verdict: verdict.kind, reason: reasonOf(verdict), idle: hundredths(idle) }, 'tested');
  }

  /** Ends every connection for reasons of our own; each counts as a test that could not be held. */
  #giveUp(): void {
    const trials = [...this.#trials.values()];
    this.#trials.clear();
    for (const trial of trials) {
      const result = trial.giveUp();
      if (result === undefined) continue;
      this.#record(result, this.finding.lower ?? 0);
    }
  }
}

/** Seconds as the log has them. */
function hundredths(idle: Seconds): Seconds {
  return Math.round(idle * 100) / 100;
}
