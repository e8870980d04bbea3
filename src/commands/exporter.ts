/** The exporter: configuration, engine, metrics and web server put together. */
import { DEFAULT_CONFIG_FILE, type ExporterFlags } from '../cli/exporter-flags.js';
import { systemClock } from '../clock.js';
import { demoConfig } from '../config/demo-config.js';
import { loadConfig } from '../config/load.js';
import { ConfigError, type Problem } from '../config/problem.js';
import type { Config } from '../config/config.js';
import { DescriptorWatch } from '../descriptors.js';
import { tellOnce } from '../exporter/guard.js';
import { ExporterMetrics } from '../exporter/metrics.js';
import { requestDescriptors } from '../http/request.js';
import { createLogger, type Logger } from '../log.js';
import { linkDescriptors } from '../net/link.js';
import { lookupDescriptors } from '../net/resolve.js';
import { keepNurserySmall } from '../nursery.js';
import type { Build } from '../version.js';
import { openableUrl } from '../web/site-info.js';
import { readWebConfig } from '../web/web-config.js';
import { demoBanner, forDemo, isDemo } from './demonstration.js';
import { ExporterConfig } from './exporter-config.js';
import { ExporterEngine } from './exporter-engine.js';
import { closeAll, type Follower } from './exporter-follower.js';
import { ExporterHistory } from './exporter-history.js';
import { StateDirectory } from './exporter-state.js';
import { requireTargets } from './exporter-targets.js';
import { ExporterRemoteWrite } from './exporter-remote-write.js';
import { ExporterSite } from './exporter-site.js';
import { useSocketOptions } from './use-socket-options.js';

/** A command that runs until it is told to stop. */
export interface Running {
  /** Ends everything, within 5 s. */
  stop(): Promise<void>;
  /** Loads the configuration again; what is wrong with it is logged and the old one stays. */
  reload?(): Promise<void>;
}

/**
 * Checks a configuration file and does nothing else.
 * @throws ConfigError with every problem
 */
export function checkExporterConfig(flags: ExporterFlags): string {
  const { targets } = requireTargets(loadFiles(flags));
  return `${fileOf(flags)}: usable, ${targets.length} target${targets.length === 1 ? '' : 's'}\n`;
}

/** The configuration file, named or not. */
function fileOf({ configFile = DEFAULT_CONFIG_FILE }: ExporterFlags): string {
  return configFile;
}

/**
 * Reads the configuration file, and the web configuration for what is wrong in it.
 * @param load makes the configuration; that of the file unless given
 * @throws ConfigError with the problems of both
 */
function loadFiles(flags: ExporterFlags, load = () => loadConfig(fileOf(flags))): Config {
  const { web } = flags;
  const problems: Problem[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
      return undefined;
    }
  };
  const config = attempt(load);
  const { configFile: webFile } = web;
  if (webFile !== undefined) attempt(() => readWebConfig(webFile));
  if (config === undefined || problems.length > 0) throw new ConfigError(problems);
  return config;
}

/**
 * @param command what people type in front of a subcommand
 * @throws ConfigError when the configuration, the web configuration or a listen address cannot be used
 */
export async function startExporter(
  given: ExporterFlags,
  build: Build,
  warnings: readonly string[],
  command: string,
): Promise<Running> {
  keepNurserySmall();
  const demo = isDemo(given);
  const flags = demo ? forDemo(given) : given;
  const first = demo ? loadFiles(flags, demoConfig) : loadFiles(flags);
  const log = createLogger(flags.log);
  for (const warning of warnings) log.warn(warning);
  await useSocketOptions(flags.socketOptions, log);
  const onBroken = tellOnce((target, error) => log.error({ target, error }, 'a target cannot be shown'));
  const metrics: ExporterMetrics = new ExporterMetrics({
    onBroken,
    view: { targets: () => engine.targets(), snapshots: () => engine.snapshots() },
    build: { ...build, demo },
  });
  const probing = new ExporterEngine(metrics.observer, log);
  const { engine } = probing;
  const history = new ExporterHistory(engine, systemClock, log);
  let ready = false;
  const site = new ExporterSite({
    ...{ flags, build, view: engine, metrics, history, log, onBroken },
    askAgain: (target) => engine.askAgain(target),
    reload: () => config.reload(),
    ready: () => ready,
  });
  const remoteWrite = new ExporterRemoteWrite(metrics, build.version, log);
  const state = new StateDirectory(fileOf(flags), log);
  // The saved state is read before anybody can ask: a restart must not look like a loss of knowledge.
  const users = [probing, history, site, remoteWrite];
  const followers: readonly Follower[] = [state, ...users];
  const config = new ExporterConfig({
    ...{ first, followers, metrics, log },
    file: fileOf(flags),
    isDemo: demo,
    autoReload: flags.configAutoReload,
  });
  const end = async (): Promise<void> => {
    config.close();
    await closeAll(users);
    await state.close();
  };
  try {
    await config.start();
  } catch (error) {
    await end();
    throw error;
  }
  const watch = new DescriptorWatch({
    clock: systemClock,
    log,
    held: () => {
      const parts = [...followers, config].reduce((sum, part) => sum + (part.descriptors?.() ?? 0), 0);
      return parts + linkDescriptors() + lookupDescriptors() + requestDescriptors();
    },
    show: (count) => metrics.unaccountedDescriptors(count),
  });
  ready = true;
  if (!demo) logStart(log, config.current);
  for (const url of site.urls.map((each) => openableUrl(each, flags.web.routePrefix)))
    log.info({ url, version: build.version }, 'serving the status page and metrics');
  if (demo) {
    const url = openableUrl(site.urls[0] ?? '', flags.web.routePrefix);
    process.stdout.write(demoBanner(config.current, url, flags.web.telemetryPath, command));
  }

  return {
    reload: () => config.reload().catch(() => undefined),
    stop: async () => {
      ready = false;
      log.info('stopping');
      watch.stop();
      await end();
    },
  };
}

function logStart(log: Logger, config: Config): void {
  const names = config.targets.map(({ name }) => name);
  log.info({ targets: names.length, names: names.slice(0, 20).join(',') }, 'probing');
  if (config.state_dir === undefined) log.info('no state_dir: findings are lost at a restart');
}
