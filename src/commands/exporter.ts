/** The exporter: configuration, engine, metrics and web server put together. */
import type { ExporterFlags } from '../cli/exporter-flags.js';
import { systemClock } from '../clock.js';
import { loadConfig } from '../config/load.js';
import { ConfigError, type Problem } from '../config/problem.js';
import { configYaml } from '../config/config.js';
import type { Config } from '../config/config.js';
import { DescriptorWatch, openFileLimit } from '../descriptors.js';
import { openEmbeddedTarget } from '../embedded/target.js';
import { Engine } from '../engine/engine.js';
import { createExporterApp } from '../exporter/app.js';
import { tellOnce } from '../exporter/guard.js';
import { createExporterMetrics } from '../exporter/metrics.js';
import { requestDescriptors } from '../http/request.js';
import { STANDARD_INPUT } from '../files.js';
import { createLogger, type Logger } from '../log.js';
import { linkDescriptors } from '../net/link.js';
import { lookupDescriptors } from '../net/resolve.js';
import { siteShare } from '../net/descriptor-shares.js';
import { keepNurserySmall } from '../nursery.js';
import type { Seconds } from '../units.js';
import type { Build } from '../version.js';
import { SiteConnections } from '../web/site-connections.js';
import { startWebServer, type WebServer } from '../web/server.js';
import { registerSiteMetrics } from '../web/site-metrics.js';
import { readWebConfig } from '../web/web-config.js';
import { embeddedResponder } from './embedded-responder.js';
import { ExporterHistory } from './exporter-history.js';
import { StateDirectory } from './exporter-state.js';
import { ExporterTargets, requireTargets } from './exporter-targets.js';
import { ExporterRemoteWrite } from './exporter-remote-write.js';

/** Reading it again would wait for whoever holds its other end, and nothing else would happen meanwhile. */
const READ_ONCE: Problem = {
  file: STANDARD_INPUT,
  rule: 'is read at the start only: restart with the new configuration',
};

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
  return `${flags.configFile}: usable, ${targets.length} target${targets.length === 1 ? '' : 's'}\n`;
}

/**
 * Reads the configuration file, and the web configuration for what is wrong in it.
 * @throws ConfigError with the problems of both
 */
function loadFiles({ configFile, web }: ExporterFlags): Config {
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
  const config = attempt(() => loadConfig(configFile));
  const { configFile: webFile } = web;
  if (webFile !== undefined) attempt(() => readWebConfig(webFile));
  if (config === undefined || problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** @throws ConfigError when the configuration, the web configuration or a listen address cannot be used */
export async function startExporter(
  flags: ExporterFlags,
  build: Build,
  warnings: readonly string[],
): Promise<Running> {
  keepNurserySmall();
  let own = loadFiles(flags);
  const log = createLogger(flags.log);
  for (const warning of warnings) log.warn(warning);
  const state = new StateDirectory(flags.configFile, log);
  await state.take(own.state_dir);

  const onBroken = tellOnce((target, error) => log.error({ target, error }, 'a target cannot be shown'));
  const metrics = createExporterMetrics({
    onBroken,
    view: { targets: () => engine.targets(), snapshots: () => engine.snapshots() },
    build,
  });
  const embedded = new Set<{ descriptors(): number }>();
  const engine = new Engine({
    clock: systemClock,
    log,
    observer: metrics.observer,
    openEmbedded: async (idleTimeout: Seconds) => {
      const target = await openEmbeddedTarget(idleTimeout, embeddedResponder);
      embedded.add(target);
      return { ...target, close: () => target.close().finally(() => embedded.delete(target)) };
    },
  });
  const history = new ExporterHistory(engine, systemClock, log);
  const remoteWrite = new ExporterRemoteWrite(metrics, build.version, systemClock, log);
  let ready = false;
  let reloading: Promise<void> = Promise.resolve();
  const targets = new ExporterTargets({
    clock: systemClock,
    log,
    report: (problems) => metrics.targetFiles(problems),
    changed: () => {
      reloading = reloading.then(async () => {
        config = targets.read(own);
        await engine.apply(config);
        log.info({ targets: config.targets.length }, 'target files read again');
      });
      reloading = reloading.catch((error: unknown) => log.error({ error }, 'cannot change the targets'));
    },
  });
  let config = targets.read(own);
  const reload = (): Promise<void> => {
    const next = reloading.then(async () => {
      try {
        if (flags.configFile === STANDARD_INPUT) throw new ConfigError([READ_ONCE]);
        const loaded = loadConfig(flags.configFile);
        const directory = await state.take(loaded.state_dir);
        let changed: Config;
        try {
          changed = targets.read(loaded);
          await engine.apply(changed);
          await history.apply(changed);
        } catch (error) {
          await directory.undo();
          throw error;
        }
        await directory.keep();
        own = loaded;
        await remoteWrite.apply(changed);
        config = changed;
        web.reload();
        metrics.reload(true, systemClock.wall());
        log.info({ file: flags.configFile, targets: config.targets.length }, 'configuration loaded');
      } catch (error) {
        metrics.reload(false, systemClock.wall());
        logReloadProblems(log, error);
        throw error;
      }
    });
    reloading = next.catch(() => undefined);
    return next;
  };

  const share = siteShare(openFileLimit());
  const connections = new SiteConnections(share);
  registerSiteMetrics(metrics.registry, connections);
  const site = createExporterApp({
    view: engine,
    metrics,
    telemetryPath: flags.web.telemetryPath,
    lifecycle: flags.web.enableLifecycle,
    reload,
    configYaml: () => configYaml(config),
    ready: () => ready,
    buildInfo: build,
    report: (target, query) => history.report(target, query, build.version),
    history: (target) => history.read(target),
    onError: (error) => log.error({ error }, 'a request failed'),
    onBroken,
    eventReaders: { maxReaders: share.streams, maxReadersPerClient: share.streamsPerClient },
  });
  // The saved state is read before anybody can ask: a restart must not look like a loss of knowledge.
  await engine.apply(config);
  await history.apply(config);
  let web: WebServer;
  try {
    web = await startWebServer({
      app: site.app,
      listen: flags.web.listenAddresses,
      hosts: flags.web,
      log,
      connections,
      onClose: () => site.close(),
      ...(flags.web.configFile === undefined ? {} : { configFile: flags.web.configFile }),
    });
  } catch (error) {
    targets.close();
    await history.close();
    await engine.stop();
    await state.release();
    throw error;
  }
  metrics.reload(true, systemClock.wall());
  await remoteWrite.apply(config);
  const watch = new DescriptorWatch({
    clock: systemClock,
    log,
    held: () => {
      const parts = [...embedded, web, targets, state].reduce((sum, part) => sum + part.descriptors(), 0);
      return parts + linkDescriptors() + lookupDescriptors() + requestDescriptors();
    },
    show: (count) => metrics.unaccountedDescriptors(count),
  });
  ready = true;
  logStart(log, config);
  for (const url of web.urls)
    log.info({ url, version: build.version }, 'serving the status page and metrics');

  return {
    reload: () => reload().catch(() => undefined),
    stop: async () => {
      ready = false;
      log.info('stopping');
      watch.stop();
      targets.close();
      // The last samples need the engine, their delivery does not.
      await remoteWrite.conclude();
      await Promise.all([web.close(), remoteWrite.stop(), history.close().then(() => engine.stop())]);
      await state.release();
    },
  };
}

function logStart(log: Logger, config: Config): void {
  const names = config.targets.map(({ name }) => name);
  log.info({ targets: names.length, names: names.slice(0, 20).join(',') }, 'probing');
  if (config.state_dir === undefined) log.info('no state_dir: findings are lost at a restart');
}

function logReloadProblems(log: Logger, error: unknown): void {
  if (!(error instanceof ConfigError)) {
    log.error({ error }, 'cannot load the configuration; the old one stays in force');
    return;
  }
  for (const line of error.message.split('\n'))
    log.error({ problem: line }, 'cannot load the configuration; the old one stays in force');
}
