/** The exporter's site: status page, metrics, health, reload, configuration, JSON, live events. */
import type { Express, Request, RequestHandler, Response } from 'express';
import { ConfigError } from '../config/problem.js';
import type { EngineView, TargetSnapshot } from '../engine/snapshot.js';
import type { Milliseconds, Seconds } from '../units.js';
import { createBaseApp, DOCUMENT_POLICY, finishApp, PAGE_POLICY, securityHeaders } from '../web/base-app.js';
import { type MetricsSource, metricsRoute } from '../web/metrics-route.js';
import { targetsDocument } from './api.js';
import { createLiveEvents } from './live-events.js';
import type { BuildInfo } from './metrics.js';
import { type Asset, loadAssets } from './page/assets.js';
import { renderCard } from './page/card.js';
import { renderPage, renderRow, renderSummary } from './page/page.js';
import { moment } from './page/words.js';

/** A report about one target, ready to be sent. */
export interface RenderedReport {
  /** Media type, with its charset. */
  readonly contentType: string;
  readonly body: string;
}

export interface ExporterAppOptions {
  readonly view: EngineView;
  readonly metrics: MetricsSource;
  /** Path of the metrics, begins with `/`. */
  readonly telemetryPath: string;
  /** Whether `/-/reload` works. */
  readonly lifecycle: boolean;
  /** Loads the configuration again; rejects with a ConfigError where it cannot be used. */
  reload(): Promise<void>;
  /** The configuration in force as YAML, secrets shown as `<secret>`. */
  configYaml(): string;
  ready(): boolean;
  readonly buildInfo: BuildInfo;
  /** Makes `/report/<target>` exist. */
  readonly report?: (
    target: TargetSnapshot,
    query: URLSearchParams,
  ) => RenderedReport | Promise<RenderedReport>;
  /** Wall clock, Unix seconds. */
  readonly now?: () => Seconds;
  /** Told of bugs that ended in an answer of 500. */
  readonly onError?: (error: unknown) => void;
  readonly eventInterval?: Milliseconds;
}

export interface ExporterApp {
  readonly app: Express;
  /** Ends the streams of live events, so that a server can close. */
  close(): void;
}

/** Most cards in one answer of `/api/v1/fragments`. */
const MOST_FRAGMENTS = 50;
const YEAR_SECONDS = 31_536_000;

export function createExporterApp(options: ExporterAppOptions): ExporterApp {
  const { view, telemetryPath, report } = options;
  const now = options.now ?? ((): Seconds => Date.now() / 1000);
  const assets = loadAssets();
  const live = createLiveEvents(
    view,
    options.eventInterval === undefined ? {} : { interval: options.eventInterval },
  );
  const app = createBaseApp({ name: 'nat-idle-exporter', ready: () => options.ready() });

  if (report !== undefined) {
    app.get('/report/:target', securityHeaders(DOCUMENT_POLICY), async (request, response, next) => {
      const target = view.targets().find(({ config }) => config.name === request.params['target']);
      if (target === undefined) return next();
      const { contentType, body } = await report(target, queryOf(request));
      response.setHeader('Content-Type', contentType);
      response.end(body);
    });
  }

  app.use(securityHeaders(PAGE_POLICY));
  app.get(telemetryPath, metricsRoute(options.metrics));
  for (const asset of Object.values(assets)) app.get(`/assets/${asset.name}`, serveAsset(asset));
  app.all('/-/reload', reloadRoute(options));
  app.get('/config', (_request, response) => {
    response.type('text/plain').send(options.configYaml());
  });
  app.get('/api/v1/targets', (request, response) => {
    const names = queryOf(request).getAll('target');
    const wanted = names.length > 0 ? new Set(names) : undefined;
    response.json(targetsDocument(view, options.buildInfo, now(), wanted));
  });
  app.get('/api/v1/events', live.handler);

  const context = (): { now: Seconds; reports: boolean } => ({ now: now(), reports: report !== undefined });
  app.get('/api/v1/fragments', (request, response) => {
    const wanted = new Set(queryOf(request).getAll('target').slice(0, MOST_FRAGMENTS));
    const all = view.targets();
    const rendered = context();
    response.json({
      now: rendered.now,
      asof: moment(rendered.now),
      summary: renderSummary(all).text,
      targets: all
        .filter(({ config }) => wanted.has(config.name))
        .map((target) => ({
          name: target.config.name,
          card: renderCard(target, rendered).text,
          row: renderRow(target, rendered.now).text,
        })),
    });
  });
  app.get('/', (request, response) => {
    const query = queryOf(request);
    const page = renderPage({
      targets: view.targets(),
      schedule: view.schedule,
      version: options.buildInfo.version,
      telemetryPath,
      assets: { style: assets.style.name, script: assets.script.name },
      context: context(),
      query: query.get('q') ?? '',
      page: Number.parseInt(query.get('page') ?? '1', 10) || 1,
    });
    response.type('text/html').send(page);
  });
  return { app: finishApp(app, options.onError), close: () => live.close() };
}

function queryOf(request: Request): URLSearchParams {
  return new URLSearchParams(request.originalUrl.split('?', 2)[1] ?? '');
}

function serveAsset({ type, body, name }: Asset): RequestHandler {
  const age = /-[0-9a-f]{12}\./.test(name)
    ? `public, max-age=${YEAR_SECONDS}, immutable`
    : 'public, max-age=3600';
  return (_request, response) => {
    response.setHeader('Cache-Control', age);
    response.setHeader('Content-Type', type);
    response.end(body);
  };
}

function reloadRoute(options: ExporterAppOptions): RequestHandler {
  const answer = (response: Response, status: number, text: string): void => {
    response.status(status).type('text/plain').send(`${text}\n`);
  };
  return async (request, response) => {
    if (request.method !== 'POST' && request.method !== 'PUT') {
      response.setHeader('Allow', 'POST, PUT');
      answer(response, 405, 'only POST or PUT requests allowed');
      return;
    }
    if (!options.lifecycle) {
      answer(
        response,
        403,
        'lifecycle API is not enabled: start with --web.enable-lifecycle, or send SIGHUP',
      );
      return;
    }
    // A page from elsewhere must not be able to make a visitor's browser reload the exporter.
    if (request.headers['sec-fetch-site'] === 'cross-site') {
      answer(response, 403, 'requests from other sites are not allowed');
      return;
    }
    try {
      await options.reload();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      answer(response, 500, `failed to reload the configuration:\n${error.message}`);
      return;
    }
    answer(response, 200, 'configuration reloaded');
  };
}
