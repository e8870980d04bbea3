/** The engine: all targets, their schedule, reload and stop. */
import type { Logger } from '../log.js';
import { type Clock, type ClockStep, StepNoticingClock, type Timer } from '../clock.js';
import type { Config, TargetConfig } from '../config/config.js';
import type { EmbeddedBox } from '../config/far-ends.js';
import { DEFAULT_MAX_CONNECTIONS } from '../config/schema.js';
import { type AskRouter, createAskRouter } from '../net/router.js';
import type { Capability } from '../net/socket-options/library.js';
import { openPath } from '../probe/far-ends/index.js';
import type { EmbeddedFarEnd, Path, PathOptions } from '../probe/path.js';
import type { Seconds } from '../units.js';
import type { AskedAgain } from './ask-again.js';
import { FleetLog } from './fleet-log.js';
import { Launches } from './launches.js';
import { LocateTurns } from './locate-turns.js';
import { RoundSpread } from './round-spread.js';
import { Schedule } from './schedule.js';
import type { EngineObserver, EngineView, TargetSnapshot } from './snapshot.js';
import { StateStore } from './state-store.js';
import { TargetRunner } from './target-runner.js';

/** How often it is checked whether the host slept, seconds. */
const LOOK_FOR_SLEEP: Seconds = 2;
/** Boot time may run ahead of monotonic time by less than this without a suspend (clock granularity), seconds. */
const SHORTEST_SLEEP: Seconds = 1;

/**
 * Newest tests that are kept of each mode. A fleet keeps fewer of each, but so many at least; a target that goes on
 * through a reload keeps as many as when it began.
 */
const TESTS_KEPT = 500;
const LEAST_TESTS_KEPT = 50;
const TESTS_KEPT_OF_ALL = 200_000;

export interface EngineOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: EngineObserver;
  readonly openEmbedded: (box: EmbeddedBox) => Promise<EmbeddedFarEnd>;
  /** Replaceable for tests; the real network unless given. */
  readonly openPath?: (options: PathOptions) => Path;
  /** Replaceable for tests; NAT-PMP to the default gateway unless given. */
  readonly askRouter?: AskRouter;
  /** Newest tests that are kept of each mode; by the number of searches unless given. */
  readonly testsKept?: number;
  /** Whether each target tries its own advice; unless given it does. */
  readonly proves?: boolean;
  /** Whether boxes that forget are looked for where targets say so; unless given they are. */
  readonly locates?: boolean;
  /** Whether what is tried beside the searches of a target may run side by side; unless given it does not. */
  readonly sideBySide?: boolean;
  /** What this end can do to locate; the process's own capability unless given. */
  readonly capability?: () => Capability;
}

export class Engine implements EngineView {
  readonly #options: EngineOptions & Required<Pick<EngineOptions, 'openPath' | 'askRouter'>>;
  readonly #launches: Launches;
  readonly #turns: LocateTurns;
  readonly #rounds: RoundSpread;
  #runners: readonly TargetRunner[] = [];
  #config: Config | undefined;
  readonly #schedule: Schedule;
  readonly #fleetLog: FleetLog;
  #sleepWatch: Timer | undefined;
  #slept: Seconds;

  constructor(options: EngineOptions) {
    const clock = new StepNoticingClock(options.clock, (step) => this.#stepped(step));
    this.#options = { openPath, askRouter: createAskRouter(clock), ...options, clock };
    this.#fleetLog = new FleetLog(options.log, clock);
    this.#launches = new Launches({ clock });
    this.#turns = new LocateTurns(clock);
    this.#rounds = new RoundSpread(clock);
    this.#schedule = new Schedule(clock, (untilNext) => this.#rounds.run(this.#runners, untilNext));
    this.#slept = clock.boot() - clock.monotonic();
  }

  get schedule(): string {
    return this.#config?.schedule ?? '';
  }

  targets(): readonly TargetSnapshot[] {
    return this.#runners.map((runner) => runner.snapshot());
  }

  *snapshots(): Iterable<TargetSnapshot> {
    for (const runner of this.#runners) yield runner.snapshot();
  }

  /** Measures a target again; undefined where there is none of this name. */
  askAgain(name: string): AskedAgain | undefined {
    return this.#runners.find(({ target }) => target.name === name)?.askAgain();
  }

  /** Starts with a configuration, or changes over to it: targets that are the same keep their running searches. */
  async apply(config: Config): Promise<void> {
    const keepState = this.#config === undefined || this.#config.state_dir === config.state_dir;
    const kept = new Map(this.#runners.map((runner) => [fingerprint(runner.target), runner] as const));
    if (!keepState) kept.clear();
    const wanted = new Set(config.targets.map(fingerprint));
    const gone = this.#runners.filter((runner) => !keepState || !wanted.has(fingerprint(runner.target)));
    await Promise.all(gone.map((runner) => runner.stop()));
    this.#launches.budget = config.max_connections ?? DEFAULT_MAX_CONNECTIONS;
    this.#turns.fleet = config.targets.flatMap(({ locate }) => locate?.every ?? []);

    const store =
      config.state_dir === undefined ? undefined : new StateStore(config.state_dir, this.#options.log);
    const fresh: TargetRunner[] = [];
    this.#runners = config.targets.map((target) => {
      const running = kept.get(fingerprint(target));
      if (running !== undefined) return running;
      const runner = new TargetRunner({
        ...this.#options,
        log: this.#fleetLog.of(target.name),
        launches: this.#launches,
        turns: this.#turns,
        testsKept: this.#options.testsKept ?? testsKept(config),
        target,
        store,
      });
      fresh.push(runner);
      return runner;
    });
    if (this.#config?.schedule !== config.schedule) this.#schedule.follow(config.schedule);
    this.#config = config;
    if (this.#sleepWatch === undefined) this.#watchSleep();
    await Promise.all(fresh.map((runner) => runner.start()));
  }

  /** A round of every target at once, whatever the schedule says. */
  round(): void {
    for (const runner of this.#runners) runner.round();
  }

  /** Closes every connection and saves every state. */
  async stop(): Promise<void> {
    this.#sleepWatch?.cancel();
    this.#rounds.cancel();
    this.#schedule.stop();
    await Promise.all(this.#runners.map((runner) => runner.stop()));
    this.#runners = [];
    this.#fleetLog.close();
  }

  /** CLOCK_MONOTONIC stands still while a laptop sleeps, the NAT's clock does not. */
  #watchSleep(): void {
    const { clock } = this.#options;
    this.#sleepWatch = clock.after(LOOK_FOR_SLEEP, () => {
      const slept = clock.boot() - clock.monotonic();
      const asleep = slept - this.#slept;
      this.#slept = slept;
      if (asleep > SHORTEST_SLEEP)
        for (const runner of this.#runners) runner.interrupt(`this host slept for ${asleep.toFixed(0)} s`);
      // Asking the time is what notices a step.
      clock.wall();
      if (asleep > SHORTEST_SLEEP) this.#schedule.restart();
      this.#watchSleep();
    });
  }

  /** A schedule waits for a moment of the wall clock: set back, that would be far away. */
  #stepped(step: ClockStep): void {
    const { log, observer } = this.#options;
    log.warn({ by: Math.round(step.by) }, 'the wall clock of this host was set');
    for (const runner of this.#runners) runner.stepped(step);
    observer.stepped?.(step);
    this.#schedule.restart();
  }
}

function testsKept(config: Config): number {
  const modes = config.targets.reduce((sum, target) => sum + target.modes.length, 0);
  return Math.min(TESTS_KEPT, Math.max(LEAST_TESTS_KEPT, Math.floor(TESTS_KEPT_OF_ALL / modes)));
}

/** Two targets with the same fingerprint are the same target. */
function fingerprint(target: TargetConfig): string {
  return JSON.stringify(target);
}
