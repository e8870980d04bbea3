/** The exporter's site: listens with the first configuration and shows the one in force. */
import type { ExporterFlags } from '../cli/exporter-flags.js';
import { type Config, configYaml } from '../config/config.js';
import { defined } from '../defined.js';
import { openFileLimit } from '../descriptors.js';
import type { EngineView } from '../engine/snapshot.js';
import { createExporterApp, type ExporterApp } from '../exporter/app.js';
import type { TellBroken } from '../exporter/guard.js';
import type { ExporterMetrics } from '../exporter/metrics.js';
import type { Logger } from '../log.js';
import { siteShare } from '../net/descriptor-shares.js';
import type { Build } from '../version.js';
import { SiteConnections } from '../web/site-connections.js';
import { startWebServer, type WebServer } from '../web/server.js';
import { registerSiteMetrics } from '../web/site-metrics.js';
import type { Follower } from './exporter-follower.js';
import type { ExporterHistory } from './exporter-history.js';

export interface ExporterSiteOptions {
  readonly flags: ExporterFlags;
  readonly build: Build;
  readonly view: EngineView;
  readonly metrics: ExporterMetrics;
  readonly history: ExporterHistory;
  readonly log: Logger;
  readonly onBroken: TellBroken;
  reload(): Promise<void>;
  ready(): boolean;
}

export class ExporterSite implements Follower {
  readonly #options: ExporterSiteOptions;
  readonly #connections: SiteConnections;
  readonly #site: ExporterApp;
  #config: Config | undefined;
  #web: WebServer | undefined;

  constructor(options: ExporterSiteOptions) {
    const { flags, build, view, metrics, history, log, onBroken } = options;
    const share = siteShare(openFileLimit());
    this.#options = options;
    this.#connections = new SiteConnections(share);
    registerSiteMetrics(metrics.registry, this.#connections);
    this.#site = createExporterApp({
      view,
      metrics,
      telemetryPath: flags.web.telemetryPath,
      lifecycle: flags.web.enableLifecycle,
      reload: () => options.reload(),
      configYaml: () => (this.#config === undefined ? '' : configYaml(this.#config)),
      ready: () => options.ready(),
      buildInfo: build,
      report: (target, query) => history.report(target, query, build.version),
      history: (target) => history.read(target),
      onError: (error) => log.error({ error }, 'a request failed'),
      onBroken,
      events: { maxReaders: share.streams, maxReadersPerClient: share.streamsPerClient },
    });
  }

  /** Where it listens. */
  get urls(): readonly string[] {
    return this.#web?.urls ?? [];
  }

  /** @throws ConfigError at the first time, when the web configuration or a listen address cannot be used */
  async apply(config: Config): Promise<void> {
    const { web } = this.#options.flags;
    this.#config = config;
    this.#web?.reload();
    this.#web ??= await startWebServer({
      app: this.#site.app,
      listen: web.listenAddresses,
      hosts: web,
      log: this.#options.log,
      connections: this.#connections,
      onClose: () => this.#site.close(),
      ...defined({ configFile: web.configFile }),
    });
  }

  async close(): Promise<void> {
    await this.#web?.close();
  }

  descriptors(): number {
    return this.#web?.descriptors() ?? 0;
  }
}
