/** The exporter's targets from all their files: reads them, tells what is broken, says when something changed. */
import type { Clock } from '../clock.js';
import { ConfigError, formatProblem } from '../config/problem.js';
import { TargetFiles } from '../config/target-files.js';
import type { Config } from '../config/config.js';
import { openFileLimit } from '../descriptors.js';
import { RESERVED_DESCRIPTORS } from '../net/descriptor-shares.js';
import { TargetFileWatch } from './watch-target-files.js';
import type { Logger } from '../log.js';

/** Descriptors that a target needs beside its probes: two canaries and a check. */
const DESCRIPTORS_PER_TARGET = 3;
/** With fewer connections than this nothing can be measured. */
const LEAST_CONNECTIONS = 10;

export interface ExporterTargetsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a target file changed, appeared or vanished. */
  readonly changed: () => void;
  /** Told after every reading: the number of problems of each file. */
  readonly report: (problems: ReadonlyMap<string, number>) => void;
}

export class ExporterTargets {
  readonly #options: ExporterTargetsOptions;
  readonly #files = new TargetFiles();
  readonly #watch: TargetFileWatch;
  /** What has been told about each broken file. */
  #told = new Map<string, string>();
  /** Whether it has been told that there are too few descriptors, since there were enough. */
  #scarce = false;

  constructor(options: ExporterTargetsOptions) {
    this.#options = options;
    this.#watch = new TargetFileWatch(options.clock, options.changed);
  }

  /** The configuration with the targets of its files as they are now. */
  read(own: Config): Config {
    const { log, report } = this.#options;
    this.#watch.follow(own.target_files);
    const { config, files, broken } = this.#files.read(own);
    const told = new Map<string, string>();
    for (const { file, problems } of broken) {
      const text = problems.map(formatProblem).join('\n');
      told.set(file, text);
      if (this.#told.get(file) === text) continue;
      for (const problem of problems)
        log.error(
          { problem: formatProblem(problem) },
          'cannot use a target file; its targets stay as they were',
        );
    }
    for (const file of this.#told.keys())
      if (files.includes(file) && !told.has(file)) log.info({ file }, 'a target file is usable again');
    this.#told = told;
    const problemsOf = new Map(broken.map(({ file, problems }) => [file, problems.length]));
    report(new Map(files.map((file) => [file, problemsOf.get(file) ?? 0])));
    return this.#affordable(config);
  }

  /** Descriptors that the watching of folders holds. */
  descriptors(): number {
    return this.#watch.descriptors();
  }

  close(): void {
    this.#watch.close();
  }

  /** The budget of connections never asks for more than the process has descriptors for. */
  #affordable(config: Config): Config {
    const room = openFileLimit() - RESERVED_DESCRIPTORS - DESCRIPTORS_PER_TARGET * config.targets.length;
    const { max_connections: wanted = Number.POSITIVE_INFINITY } = config;
    if (room >= wanted) return config;
    const most = Math.max(LEAST_CONNECTIONS, room);
    // Worth a word only to those whose searches would feel it.
    const asked = config.targets.reduce(
      (sum, { modes, search }) => sum + modes.length * search.connections,
      0,
    );
    if (asked > most && !this.#scarce)
      this.#options.log.warn(
        { max_connections: most, asked },
        'too few file descriptors for all searches at once: raise the limit (ulimit -n, LimitNOFILE)',
      );
    this.#scarce = asked > most;
    return { ...config, max_connections: most };
  }
}

/** The configuration with the targets of its files. @throws ConfigError with every problem of every file */
export function requireTargets(own: Config): Config {
  const { config, broken } = new TargetFiles().read(own);
  if (broken.length > 0) throw new ConfigError(broken.flatMap(({ problems }) => problems));
  return config;
}
