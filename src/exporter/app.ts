/** The exporter's site: status page, metrics, health, reload, configuration, JSON, live events. */
import type { Express, Request, RequestHandler, Response } from 'express';
import { ConfigError } from '../config/problem.js';
import type { HistoryEntry } from '../history/entry.js';
import type { EngineView, TargetSnapshot } from '../engine/snapshot.js';
import type { Milliseconds, Seconds } from '../units.js';
import { visibleJson } from '../visible.js';
import { createBaseApp, DOCUMENT_POLICY, finishApp, PAGE_POLICY, securityHeaders } from '../web/base-app.js';
import { type MetricsSource, metricsRoute } from '../web/metrics-route.js';
import { targetsDocument } from './api.js';
import { guarded, type TellBroken, whyBroken } from './guard.js';
import { changeKey, createLiveEvents, type LiveEventsOptions } from './live-events.js';
import type { BuildInfo } from './self-families.js';
import { type Asset, loadAssets } from './page/assets.js';
import { type CardContext, renderCard } from './page/card.js';
import { renderPage, renderRow, renderSummary, selectTargets } from './page/page.js';
import { moment } from './page/sentences.js';

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
/** How long an unchanged card is handed out again; the passing of time is drawn by the browser. */
const FRAGMENT_KEPT_MS: Milliseconds = 500;
const HISTORY_KEPT_MS: Milliseconds = 60_000;
const YEAR_SECONDS = 31_536_000;

export function createExporterApp(options: ExporterAppOptions): ExporterApp {
  const { view, telemetryPath, report } = options;
  const now = options.now ?? ((): Seconds => Date.now() / 1000);
  const assets = loadAssets();
  const live = createLiveEvents(view, options.events);
  const broken: TellBroken = options.onBroken ?? (() => undefined);
  const histories = cachedHistories(options.history, broken);
  const app = createBaseApp({ name: 'nat-idle-exporter', ready: () => options.ready() });

  if (report !== undefined) {
    app.get('/report/:target', securityHeaders(DOCUMENT_POLICY), async (request, response, next) => {
      const target = view.targets().find(({ config }) => config.name === request.params['target']);
      if (target === undefined) {
        next();
        return;
      }
      try {
        const { contentType, body } = await report(target, queryOf(request));
        response.setHeader('Content-Type', contentType);
        response.end(body);
      } catch (error) {
        broken(target, error);
        response
          .status(500)
          .type('text/plain')
          .send(`no report of this target: ${whyBroken(error)}\n`);
      }
    });
  }

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
  app.get('/api/v1/events', live.handler);

  const reports = report !== undefined;
  const fragments = cachedFragments();
  app.get('/api/v1/fragments', async (request, response) => {
    const wanted = new Set(queryOf(request).getAll('target').slice(0, MOST_FRAGMENTS));
    const all = view.targets();
    const shown = all.filter(({ config }) => wanted.has(config.name));
    const context: CardContext = { now: now(), reports, history: await histories(shown), broken };
    response.json({
      now: context.now,
      asof: moment(context.now),
      summary: renderSummary(all).text,
      targets: shown.map((target) => fragments(target, context)),
    });
  });
  app.get('/', async (request, response) => {
    const query = queryOf(request);
    const targets = view.targets();
    const selection = selectTargets(
      targets,
      query.get('q') ?? '',
      Number.parseInt(query.get('page') ?? '1', 10) || 1,
    );
    const page = renderPage({
      targets,
      selection,
      schedule: view.schedule,
      version: options.buildInfo.version,
      telemetryPath,
      assets: { style: assets.style.name, script: assets.script.name },
      context: { now: now(), reports, history: await histories(selection.shown), broken },
    });
    response.type('text/html').send(page);
  });
  return { app: finishApp(app, options.onError), close: () => live.close() };
}

/** A target's pieces of the page, as its script takes them over. */
interface Fragment {
  readonly name: string;
  /** Unix time at which they were true. */
  readonly at: Seconds;
  readonly card: string;
  readonly row: string;
}

/** Renders a target at most once in a while, however many look at it: drawing must not hold up the probes. */
function cachedFragments(): (target: TargetSnapshot, context: CardContext) => Fragment {
  const cache = new Map<
    string,
    { readonly key: number; readonly until: number; readonly fragment: Fragment }
  >();
  return (target, context) => {
    const { name } = target.config;
    const kept = cache.get(name);
    // A target that cannot be shown changes all the time.
    const key = guarded<number>(
      target,
      () => undefined,
      changeKey,
      () => NaN,
    );
    if (kept?.key === key && performance.now() < kept.until) return kept.fragment;
    const card = renderCard(target, context).text;
    const row = renderRow(target, context).text;
    const fragment: Fragment = { name, at: context.now, card, row };
    cache.set(name, { key, until: performance.now() + FRAGMENT_KEPT_MS, fragment });
    return fragment;
  };
}

/** Reads the histories of some targets; each is read again after a minute, however many look at it. */
function cachedHistories(
  read: ExporterAppOptions['history'],
  broken: TellBroken,
): (targets: readonly TargetSnapshot[]) => Promise<ReadonlyMap<string, readonly HistoryEntry[]>> {
  const cache = new Map<
    string,
    { readonly at: number; readonly entries: Promise<readonly HistoryEntry[]> }
  >();
  return async (targets) => {
    if (read === undefined) return new Map();
    const found = new Map<string, readonly HistoryEntry[]>();
    await Promise.all(
      targets.map(async (target) => {
        const { name } = target.config;
        let kept = cache.get(name);
        if (kept === undefined || performance.now() - kept.at > HISTORY_KEPT_MS) {
          const entries = read(name).catch((error: unknown) => {
            broken(target, error);
            return [];
          });
          kept = { at: performance.now(), entries };
          cache.set(name, kept);
        }
        found.set(name, await kept.entries);
      }),
    );
    return found;
  };
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
