/** The responder's own small site: a short page, metrics and health. */
import type { Express } from 'express';
import { createBaseApp, finishApp, PAGE_POLICY, securityHeaders } from './base-app.js';
import { html } from '../paper/html.js';
import { MANUAL_LINKS, serveManual } from './manual.js';
import { type MetricsSource, metricsRoute } from './metrics-route.js';

export interface ResponderSiteOptions {
  /** prom-client's Registry fits. */
  readonly registry: { metrics(): Promise<string>; readonly contentType: string };
  ready(): boolean;
  readonly version: string;
  /** The target groups of `/api/v1/http_sd`, which is there only with them. */
  readonly targetGroups?: () => readonly object[];
  /** Path of the metrics, `/metrics` unless said otherwise. */
  readonly telemetryPath?: string;
  readonly onError?: (error: unknown) => void;
}

export function createResponderApp(options: ResponderSiteOptions): Express {
  const telemetryPath = options.telemetryPath ?? '/metrics';
  const source: MetricsSource = {
    async *pieces() {
      yield await options.registry.metrics();
    },
    contentType: options.registry.contentType,
  };
  const app = createBaseApp({ name: 'nat-idle-exporter responder', ready: () => options.ready() });
  serveManual(app);
  app.use(securityHeaders(PAGE_POLICY));
  app.get(telemetryPath, metricsRoute(source));
  const { targetGroups } = options;
  if (targetGroups !== undefined) {
    app.get('/api/v1/http_sd', (_request, response) => {
      response.type('application/json').send(JSON.stringify(targetGroups()));
    });
  }
  app.get('/', (_request, response) => {
    const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>nat-idle-exporter responder</title></head>
<body>
<main>
<h1>nat-idle-exporter responder</h1>
<p>The far end of idle connections: it answers when a prober breaks the silence. Version ${options.version}.</p>
<p><a href=".${telemetryPath}">Metrics</a> · <a href="-/healthy">Health</a> · <a href="-/ready">Readiness</a>${MANUAL_LINKS.map(([words, target]) => html` · <a href="${target}">${words}</a>`)}</p>
</main>
</body>
</html>
`;
    response.type('text/html').send(page.text);
  });
  return finishApp(app, options.onError);
}
