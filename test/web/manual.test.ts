import { get } from 'node:http';
import { HtmlValidate } from 'html-validate';
import { afterEach, expect, test } from 'vitest';
import { alerts, runbookAnchor } from '../../prometheus/src/alerts.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { KNOWN_TIMEOUTS } from '../../src/core/known-timeouts.js';
import { renderMarkdownPage } from '../../src/paper/markdown-page.js';
import { createResponderApp } from '../../src/web/responder-site.js';
import { startWebServer, type WebServer, type WebServerOptions } from '../../src/web/server.js';

const running: WebServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function serve(options: Partial<WebServerOptions> = {}): Promise<string> {
  const registry = { metrics: () => Promise.resolve('up 1\n'), contentType: 'text/plain' };
  const server = await startWebServer({
    app: createResponderApp({ registry, ready: () => true, version: '1.2.3' }),
    listen: [{ host: '127.0.0.1', port: 0 }],
    ...options,
  });
  running.push(server);
  return server.urls[0] ?? '';
}

const page = async (url: string): Promise<string> => (await fetch(url)).text();

test.each(['/runbook', '/known-timeouts'])('%s is valid, accessible HTML', async (path) => {
  const validator = new HtmlValidate({ extends: ['html-validate:standard', 'html-validate:a11y'] });
  const { results } = await validator.validateString(await page(`${await serve()}${path}`));
  const problems = results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line, column }) => `${line}:${column} ${ruleId}: ${message}`),
  );
  expect(problems).toEqual([]);
});

test('the runbook has an anchor for each alert and its conditions, and no link that leads nowhere', async () => {
  const url = await serve();
  const body = await page(`${url}/runbook`);
  const anchors = new Set([...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  for (const { name } of alerts(SHIPPED_THRESHOLDS)) expect(anchors).toContain(runbookAnchor(name));
  expect(anchors).toContain('fixed_lifetime');
  expect(anchors).toContain('the-letter-to-the-isp');
  const links = [...body.matchAll(/ href="([^"]+)"/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(10);
  for (const link of links) {
    if (link.startsWith('#')) expect(anchors).toContain(link.slice(1));
    else if (!link.startsWith('http')) expect((await fetch(new URL(link, `${url}/`))).status, link).toBe(200);
  }
});

test.each([
  ['/runbook', 'known-timeouts', 'runbook'],
  ['/known-timeouts', 'runbook', 'known-timeouts'],
])(
  '%s leads to the status page and to the other document, and not to itself',
  async (path, other, itself) => {
    const body = await page(`${await serve()}${path}`);
    expect(body).toContain('href="./"');
    expect(body).toContain(`href="${other}"`);
    expect(body).not.toContain(`href="${itself}"`);
  },
);

test('the known timeouts have a row for each', async () => {
  const body = await page(`${await serve()}/known-timeouts`);
  expect([...body.matchAll(/<tr>/g)]).toHaveLength(KNOWN_TIMEOUTS.length + 1);
  expect(body).toContain('<div class="scroll"');
});

test('they need nothing from outside, run no script, and answer under any name of the server', async () => {
  const url = await serve();
  const { port } = new URL(url);
  const { headers } = await fetch(`${url}/runbook`);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'unsafe-inline'");
  const status = await new Promise((done) => {
    get({ port, host: '127.0.0.1', path: '/runbook', headers: { host: 'mon.example.com' } }, (response) => {
      response.resume();
      done(response.statusCode);
    });
  });
  expect(status).toBe(200);
});

test('HTML in a document is shown, and runs nowhere', () => {
  const markdown =
    '# A <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1)) [y](other.md)\n';
  const body = renderMarkdownPage({ markdown, linkTo: () => undefined, ways: [] });
  expect(body).not.toMatch(/<script|<img|href="javascript/);
  expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;');
});
