/** The exporter's site: listens with the first configuration and shows the one in force. */
import type { ExporterFlags } from '../cli/exporter-flags.js';
import { systemClock } from '../clock.js';
import { configYaml } from '../config/config.js';
import type { Config } from '../config/config.js';
import { defined } from '../defined.js';
import { openFileLimit } from '../descriptors.js';
import type { AskedAgain } from '../engine/ask-again.js';
import type { EngineView } from '../engine/snapshot.js';
import { createExporterApp, type ExporterApp } from '../exporter/app.js';
import type { TellBroken } from '../exporter/guard.js';
import type { ExporterMetrics } from '../exporter/metrics.js';
import type { Logger } from '../log.js';
import { siteShare } from '../net/descriptor-shares.js';
import type { Build } from '../version.js';
import { SiteConnections } from '../web/site-connections.js';
import { startWebServer, type WebServer } from '../web/server.js';
import { hostOf, registerSiteInfo, schemeOf } from '../web/site-info.js';
import { registerSiteMetrics } from '../web/site-metrics.js';
import type { Follower } from './exporter-follower.js';
import type { ExporterHistory } from './exporter-history.js';
import { reportOf } from './exporter-report.js';

export interface ExporterSiteOptions {
  readonly flags: ExporterFlags;
  readonly build: Build;
  readonly view: EngineView;
  readonly askAgain: (target: string) => AskedAgain | undefined;
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
      askAgain: options.askAgain,
      reload: () => options.reload(),
      configYaml: () => (this.#config === undefined ? '' : configYaml(this.#config)),
      ready: () => options.ready(),
      buildInfo: build,
      report: async (target, query, form) =>
        reportOf(
          target,
          { at: systemClock.wall(), history: await history.read(target.config.name), version: build.version },
          query,
          form,
        ),
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
    const { flags, metrics } = this.#options;
    const { web } = flags;
    this.#config = config;
    this.#web?.reload();
    this.#web ??= await startWebServer({
      app: this.#site.app,
      listen: web.listenAddresses,
      hosts: { ...web, externalHost: () => hostOf(this.#config?.external_url) },
      routePrefix: web.routePrefix,
      log: this.#options.log,
      connections: this.#connections,
      onClose: () => this.#site.close(),
      ...defined({ configFile: web.configFile }),
    });
    const { routePrefix } = web;
    const scheme = schemeOf(this.urls[0]);
    registerSiteInfo(metrics.registry, defined({ scheme, routePrefix, externalUrl: config.external_url }));
  }

  async close(): Promise<void> {
    await this.#web?.close();
  }

  descriptors(): number {
    return this.#web?.descriptors() ?? 0;
  }
}
