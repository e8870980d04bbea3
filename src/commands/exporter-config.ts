/** The configuration of a running exporter: loaded again on demand, brought up to date with the target files. */
import { systemClock } from '../clock.js';
import { loadConfig } from '../config/load.js';
import { ConfigError, type Problem } from '../config/problem.js';
import type { Config } from '../config/config.js';
import type { ExporterMetrics } from '../exporter/metrics.js';
import { STANDARD_INPUT } from '../files.js';
import type { Logger } from '../log.js';
import type { Follower } from './exporter-follower.js';
import { TargetFileWatch } from './watch-target-files.js';
import { ExporterTargets } from './exporter-targets.js';

/** Reading it again would wait for whoever holds its other end, and nothing else would happen meanwhile. */
const READ_ONCE: Problem = {
  file: STANDARD_INPUT,
  rule: 'is read at the start only: restart with the new configuration',
};

/** Whoever has written a file meanwhile wants to measure, elsewhere and for others to see. */
const NO_FILE: Problem = {
  file: 'demonstration',
  rule: 'has no configuration file to load: restart with one',
};

export interface ExporterConfigOptions {
  /** Where the configuration comes from. */
  readonly file: string;
  /** Whether it comes from nowhere, see `isDemo`. */
  readonly isDemo: boolean;
  /** As it was read. */
  readonly first: Config;
  /** Whether the file is read again when it changes. */
  readonly autoReload: boolean;
  /** They take a configuration over in this order. */
  readonly followers: readonly Follower[];
  readonly metrics: ExporterMetrics;
  readonly log: Logger;
}

export class ExporterConfig {
  readonly #options: ExporterConfigOptions;
  readonly #targets: ExporterTargets;
  readonly #watch: TargetFileWatch;
  /** The configuration in force: as the file has it, and with the targets of the target files. */
  #own: Config;
  #current: Config;
  /** One change after the other. */
  #turns: Promise<unknown> = Promise.resolve();

  constructor(options: ExporterConfigOptions) {
    const { first, metrics, log } = options;
    this.#options = options;
    this.#targets = new ExporterTargets({
      clock: systemClock,
      log,
      report: (problems) => metrics.targetFiles(problems),
      changed: () => void this.#readTargetFiles(),
    });
    this.#watch = new TargetFileWatch(systemClock, () => void this.reload().catch(() => undefined));
    this.#lookAgain();
    this.#own = first;
    this.#current = this.#targets.read(first);
  }

  /** The configuration in force. */
  get current(): Config {
    return this.#current;
  }

  /** Has every follower begin. @throws what one of them throws; the others are to be closed then */
  async start(): Promise<void> {
    this.#options.metrics.reload(true, systemClock.wall());
    for (const follower of this.#options.followers) await follower.apply(this.#current);
  }

  /**
   * Loads the file again. Where that fails, or a follower refuses, the configuration before stays in force.
   * @throws ConfigError with every problem, which are logged already
   */
  reload(): Promise<void> {
    const { file, isDemo, metrics, log } = this.#options;
    return this.#inTurn(async () => {
      try {
        if (isDemo) throw new ConfigError([NO_FILE]);
        if (file === STANDARD_INPUT) throw new ConfigError([READ_ONCE]);
        this.#lookAgain();
        await this.#follow(loadConfig(file));
        metrics.reload(true, systemClock.wall());
        log.info({ file, targets: this.#current.targets.length }, 'configuration loaded');
      } catch (error) {
        metrics.reload(false, systemClock.wall());
        logReloadProblems(log, error);
        throw error;
      }
    });
  }

  /** Descriptors that the watching of files holds: all of it shares one. */
  descriptors(): number {
    return Math.max(this.#targets.descriptors(), this.#watch.descriptors());
  }

  /** Follows no file any more. */
  close(): void {
    this.#targets.close();
    this.#watch.close();
  }

  /** Takes note of the file as it is now, before it is read. */
  #lookAgain(): void {
    const { autoReload, file } = this.#options;
    if (autoReload) this.#watch.follow({ patterns: [file] });
  }

  async #readTargetFiles(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#inTurn(() => this.#follow(this.#own));
      log.info({ targets: this.#current.targets.length }, 'target files read again');
    } catch (error) {
      log.error({ error }, 'cannot change the targets');
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turns.then(work);
    this.#turns = done.catch(() => undefined);
    return done;
  }

  /** Has every follower take a configuration over. Where one cannot, it and those before it go back. */
  async #follow(own: Config): Promise<void> {
    const { followers } = this.#options;
    const next = this.#targets.read(own);
    const tried: Follower[] = [];
    try {
      for (const follower of followers) {
        tried.unshift(follower);
        await follower.apply(next);
      }
      this.#own = own;
      this.#current = next;
    } catch (error) {
      await this.#goBack(tried);
      throw error;
    } finally {
      for (const follower of followers) await follower.settle?.();
    }
  }

  /** The target files of before may have changed meanwhile. */
  async #goBack(followers: readonly Follower[]): Promise<void> {
    this.#current = this.#targets.read(this.#own);
    for (const follower of followers)
      await follower.apply(this.#current).catch((error: unknown) => {
        this.#options.log.error({ error }, 'a part cannot go back to the configuration before');
      });
  }
}

function logReloadProblems(log: Logger, error: unknown): void {
  if (!(error instanceof ConfigError)) {
    log.error({ error }, 'cannot load the configuration; the old one stays in force');
    return;
  }
  for (const line of error.message.split('\n'))
    log.error({ problem: line }, 'cannot load the configuration; the old one stays in force');
}
