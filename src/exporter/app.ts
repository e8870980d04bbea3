/** The exporter's site: status page, metrics, health, reload, configuration, JSON, live events. */
import type { Express, RequestHandler, Response } from 'express';
import { ConfigError } from '../config/problem.js';
import { defined } from '../defined.js';
import type { HistoryEntry } from '../history/entry.js';
import type { EngineView, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { visibleJson } from '../visible.js';
import { createBaseApp, finishApp, PAGE_POLICY, securityHeaders } from '../web/base-app.js';
import { serveManual } from '../web/manual.js';
import { type MetricsSource, metricsRoute } from '../web/metrics-route.js';
import { targetsDocument } from './api.js';
import type { TellBroken } from './guard.js';
import { type MeasureAgainOptions, serveMeasureAgain } from './measure-again.js';
import { cachedFragments, cachedHistories } from './page-cache.js';
import { createLiveEvents, type LiveEventsOptions } from './live-events.js';
import { type MakeReport, serveReports } from './report-route.js';
import type { BuildInfo } from './self-families.js';
import { queryOf } from './query.js';
import { type Asset, loadAssets } from './page/assets.js';
import type { CardContext } from './page/card.js';
import { labelColumns } from './page/fleet-table.js';
import { renderPage, renderSummary } from './page/page.js';
import { isFleet, readWish, selectTargets } from './page/selection.js';
import { moment } from './page/sentences.js';

export interface ExporterAppOptions {
  readonly view: EngineView;
  readonly metrics: MetricsSource;
  /** Path of the metrics, begins with `/`. */
  readonly telemetryPath: string;
  /** Whether `/-/reload` works, and `/api/v1/targets/<name>/measure` without a token of the page. */
  readonly lifecycle: boolean;
  /** Makes `/api/v1/targets/<name>/measure` exist. */
  readonly askAgain?: MeasureAgainOptions['askAgain'];
  /** Loads the configuration again; rejects with a ConfigError where it cannot be used. */
  reload(): Promise<void>;
  /** The configuration in force as YAML, secrets shown as `<secret>`. */
  configYaml(): string;
  ready(): boolean;
  readonly buildInfo: BuildInfo;
  /** Makes `/report/<target>` exist. */
  readonly report?: MakeReport;
  /** The findings of the last 30 days of a target, oldest first. */
  readonly history?: (target: string) => Promise<readonly HistoryEntry[]>;
  /** Wall clock, Unix seconds. */
  readonly now?: () => Seconds;
  /** Told of bugs that ended in an answer of 500. */
  readonly onError?: (error: unknown) => void;
  /** Told of targets that cannot be shown; their places say so, and the others are shown all the same. */
  readonly onBroken?: TellBroken;
  /** How `/api/v1/events` is served, and to how many. */
  readonly events?: LiveEventsOptions;
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
  const live = createLiveEvents(view, options.events);
  const broken: TellBroken = options.onBroken ?? (() => undefined);
  const histories = cachedHistories(options.history, broken);
  const app = createBaseApp({ name: 'nat-idle-exporter', ready: () => options.ready() });

  if (report !== undefined) serveReports(app, view, report, broken);
  serveManual(app);
  app.use(securityHeaders(PAGE_POLICY));
  app.get(telemetryPath, metricsRoute(options.metrics));
  for (const asset of [assets.style, assets.script, assets.icon])
    app.get(`/assets/${asset.name}`, serveAsset(asset));
  app.all('/-/reload', reloadRoute(options));
  app.get('/config', (_request, response) => {
    response.type('text/plain').send(options.configYaml());
  });
  app.get('/api/v1/targets', (request, response) => {
    const names = queryOf(request).getAll('target');
    const wanted = names.length > 0 ? new Set(names) : undefined;
    // People read it on a terminal, too.
    const document = targetsDocument(view, options.buildInfo, now(), broken, wanted);
    response.type('application/json').send(visibleJson(document));
  });
  const { askAgain, lifecycle } = options;
  const measureToken = askAgain && serveMeasureAgain(app, { askAgain, lifecycle });
  app.get('/api/v1/events', live.handler);

  const reports = report !== undefined;
  const fragments = cachedFragments();
  const contextOf = async (
    all: readonly TargetSnapshot[],
    cards: readonly TargetSnapshot[],
  ): Promise<CardContext> => ({
    now: now(),
    reports,
    history: await histories(cards),
    rows: { labels: labelColumns(all), cardsElsewhere: isFleet(all) },
    broken,
    ...defined({ measureToken }),
  });
  app.get('/api/v1/fragments', async (request, response) => {
    const query = queryOf(request);
    const wanted = new Set(query.getAll('target').slice(0, MOST_FRAGMENTS));
    const all = view.targets();
    const shown = all.filter(({ config }) => wanted.has(config.name));
    // A page without cards needs none drawn.
    const rowsOnly = query.get('only') === 'rows';
    const context = await contextOf(all, rowsOnly ? [] : shown);
    response.json({
      now: context.now,
      asof: moment(context.now),
      summary: renderSummary(all).text,
      targets: shown.map((target) => fragments(target, context, rowsOnly)),
    });
  });
  app.get('/', async (request, response) => {
    const targets = view.targets();
    const selection = selectTargets(targets, readWish(queryOf(request)));
    const page = renderPage({
      targets,
      selection,
      schedule: view.schedule,
      version: options.buildInfo.version,
      telemetryPath,
      assets: { style: assets.style.name, script: assets.script.name },
      context: await contextOf(targets, selection.cards),
    });
    response.type('text/html').send(page);
  });
  return { app: finishApp(app, options.onError), close: () => live.close() };
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
