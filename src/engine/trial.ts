/** The life of one connection: launched, idle, tested, judged with its controls beside it, over. */
import type { Clock } from '../clock.js';
import type { SearchConfig } from '../config/schema.js';
import type { Mode } from '../core/modes.js';
import type { ConnectionId } from '../core/search/contract.js';
import type { InconclusiveReason, Verdict } from '../core/verdict.js';
import { defined } from '../defined.js';
import { messageOf } from '../message.js';
import { type Observation, observeIdleEnd } from '../probe/observe.js';
import type { Path, ProbeConnection } from '../probe/path.js';
import type { Seconds } from '../units.js';
import type { Breaker } from './breaker.js';
import type { Controls } from './death-controls.js';
import { idleTime, isRefusal, neverIdled, verdictOf } from './judge.js';
import type { Launches, Slot } from './launches.js';
import type { TestRecord } from './snapshot.js';

/** A connection that ends by itself sooner than this was never idle: its end says nothing about a mapping, seconds. */
const SHORTEST_LIFE: Seconds = 1;

/** A path that is watched over, and what guards it: what all searches of a target share. */
export interface WatchedPath {
  readonly path: Path;
  readonly controls: Controls;
  readonly breaker: Breaker;
  /** Modes that its far end cannot be asked; none unless given. */
  readonly cannotBeAsked?: readonly Mode[] | undefined;
  /** Aborted when the path is left. */
  readonly signal: AbortSignal;
}

/** What all trials of a search share. */
export interface TrialSettings {
  readonly target: string;
  readonly mode: Mode;
  readonly search: SearchConfig;
  readonly clock: Clock;
  /** Says when a connection may be opened. */
  readonly launches: Launches;
  /** How long the host may have stood still since the start, no clock of its own running on, seconds. */
  readonly stood: () => Seconds;
  readonly opened: (trial: Trial) => void;
  /** Called with what went wrong. */
  readonly failed: (trial: Trial, error: unknown) => void;
  readonly concluded: (trial: Trial, result: TrialResult) => void;
}

/** What came of a trial. */
export type TrialResult = Omit<TestRecord, 'at'>;

/**
 * One connection and its one test. A class and no async function that awaits the idle time: of the fifteen thousand
 * that idle at the same moment each would hold 1.1 KB for its promises and closures instead of 0.3 KB.
 */
export class Trial {
  readonly id: ConnectionId;
  readonly #settings: TrialSettings;
  readonly #watched: WatchedPath;
  #state: 'launching' | 'idle' | 'testing' | 'judging' | 'over' = 'launching';
  /** Its place in the budget of connections. */
  #slot: Slot | undefined;
  #connection: ProbeConnection | undefined;
  /** Monotonic time at which it was allowed to be opened, seconds. */
  #launchedAt: Seconds = 0;
  /** Difference between boot time and monotonic time at launch: grows while the host sleeps, seconds. */
  #slept: Seconds = 0;
  /** How long the host may have stood still, by what was known at launch, seconds. */
  #stood: Seconds = 0;

  constructor(id: ConnectionId, settings: TrialSettings, watched: WatchedPath) {
    this.id = id;
    this.#settings = settings;
    this.#watched = watched;
  }

  /** Whether its connection is open. */
  get open(): boolean {
    return this.#connection !== undefined;
  }

  /**
   * Opens the connection when its turn comes, and lets it idle.
   * @param testAt seconds after which the far end breaks the silence, where that is fixed at launch
   */
  async launch(testAt: Seconds | undefined): Promise<void> {
    const { clock, launches, target, mode, opened, failed, stood } = this.#settings;
    const { breaker, path, signal } = this.#watched;
    const wanted = (): boolean => this.#state === 'launching';
    if (!(await breaker.pass(wanted, signal))) {
      this.end();
      return;
    }
    let connection: ProbeConnection;
    try {
      this.#slot = await launches.acquire(target, wanted, signal);
      if (this.#slot === undefined || !wanted()) {
        this.end();
        return;
      }
      this.#launchedAt = clock.monotonic();
      connection = await path.open(mode, testAt, signal);
    } catch (error) {
      const mattered = wanted();
      this.end();
      if (isRefusal(error)) breaker.failed(this.#launchedAt, messageOf(error));
      if (mattered) failed(this, error);
      return;
    } finally {
      breaker.settled();
    }
    this.#connection = connection;
    if (!wanted()) {
      this.end();
      return;
    }
    this.#state = 'idle';
    this.#slept = asleep(clock);
    this.#stood = stood();
    breaker.opened(this.#launchedAt, () => this.#state !== 'over');
    opened(this);
    connection.whenEnded((end) => {
      if (this.#state === 'idle') void this.#judge(observeIdleEnd(end, clock));
    });
    if (testAt !== undefined) void this.test(testAt);
  }

  /** Breaks the silence, or waits for the far end to break it in `fromNow` seconds, as was asked for at launch. */
  async test(fromNow: Seconds = 0): Promise<void> {
    const connection = this.#connection;
    if (this.#state !== 'idle' || connection === undefined) return;
    this.#state = 'testing';
    const { clock, search } = this.#settings;
    const { controls, signal } = this.#watched;
    const watch = controls.watch(connection, search.deadline, fromNow);
    const observation = await connection.test({ clock, deadline: search.deadline, signal });
    const doubt = watch.finish();
    await this.#judge(observation, observation.kind === 'died' ? await doubt : undefined);
  }

  /** The moment of its test came and went while our own process stood still. */
  missed(): void {
    if (this.#state === 'idle') void this.#judge({ kind: 'unclear', reason: 'late' });
  }

  /** Ends it for reasons of our own. @returns a test that could not be held; undefined before the connection was open */
  giveUp(): TrialResult | undefined {
    const connection = this.#connection;
    this.end();
    if (connection === undefined) return undefined;
    const idle = Math.max(0, this.#settings.clock.monotonic() - connection.opened.latest);
    return this.#result(connection, { kind: 'inconclusive', reason: 'interrupted' }, idle);
  }

  /** Ends it, whatever it is at: the one place in which its socket and its place in the budget are given back. */
  end(): void {
    this.#state = 'over';
    this.#connection?.close();
    this.#connection = undefined;
    this.#slot?.release();
    this.#slot = undefined;
  }

  /**
   * Runs the controls that an observation asks for, closes the connection, and tells the verdict.
   * @param doubt what came up while a test waited
   */
  async #judge(observation: Observation, doubt?: InconclusiveReason): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#state = 'judging';
    const { clock, search, concluded, stood } = this.#settings;
    const { breaker, controls } = this.#watched;
    let verdict = verdictOf(observation);
    if (neverIdled(connection, observation, Math.min(SHORTEST_LIFE, search.min_idle))) {
      breaker.failed(this.#launchedAt);
      verdict = { kind: 'inconclusive', reason: 'control_failed' };
    } else if (verdict.kind === 'dead') {
      const reason = doubt ?? (await controls.confirm(connection, verdict.evidence !== 'silence'));
      if (reason !== undefined) verdict = { kind: 'inconclusive', reason };
    }
    const unnoticed = Math.max(1, search.guard);
    // Asking the time is what notices a step. Who survived longer than we know survived what we know.
    if (verdict.kind === 'dead') clock.wall();
    const stoodStill = verdict.kind === 'dead' && stood() - this.#stood > unnoticed;
    if (stoodStill || asleep(clock) - this.#slept > unnoticed)
      verdict = { kind: 'inconclusive', reason: 'interrupted' };
    // It may have been ended while its controls ran.
    if (this.#connection === undefined) return;
    const idle = idleTime(connection, observation, verdict, clock);
    if (verdict.kind === 'alive') controls.survived(connection, connection.opened.latest + idle);
    if (verdict.kind === 'inconclusive')
      verdict = { ...verdict, reason: controls.reasonAt(verdict.reason, idle) };
    const result = this.#result(connection, verdict, idle);
    this.end();
    concluded(this, result);
  }

  #result({ local, remote, seen }: ProbeConnection, verdict: Verdict, idle: Seconds): TrialResult {
    return defined({ id: this.id, idle, verdict, local, remote, seen });
  }
}

/** How long the host has slept since it was started, seconds. */
function asleep(clock: Clock): Seconds {
  return clock.boot() - clock.monotonic();
}
