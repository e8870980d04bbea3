import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createExporterApp } from '../../src/exporter/app.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import { climbingTarget, FakeView, forgettingTarget, SCENE_TIME } from '../support/fake-view.js';
import { requires } from '../support/requires.js';

const BUILD = { version: '1.2.3', revision: 'abcdef0' };

/** A page of another site with forms that reload the exporter at `url` and have it measure again. */
const evilPage = (url: string, referrer: string): string => `<!doctype html><title>evil</title>
<meta name="referrer" content="${referrer}">
<form method="post" action="${url}/-/reload"></form>
<form method="post" action="${url}/api/v1/targets/vps/measure"><input name="token" value="guessed"></form>`;

requires({ packages: ['chromium'] }).describe('pages of other sites in Chromium', () => {
  let context: BrowserContext;
  let profile = '';
  let attacker: Server;
  let site: WebServer;
  let view: FakeView;
  let port = '';
  let attackerPort = 0;
  let reloads = 0;
  let measured = 0;

  beforeAll(async () => {
    view = new FakeView([climbingTarget('vps')]);
    const exporter = createExporterApp({
      view,
      metrics: new ExporterMetrics({ view, build: BUILD }),
      telemetryPath: '/metrics',
      lifecycle: true,
      reload: () => {
        reloads++;
        return Promise.resolve();
      },
      askAgain: () => {
        measured++;
        return { kind: 'asked', within: 60 };
      },
      configYaml: () => 'host: 192.0.2.1\n',
      ready: () => true,
      buildInfo: BUILD,
      now: () => SCENE_TIME,
      events: { interval: 20 },
    });
    site = await startWebServer({
      app: exporter.app,
      listen: [{ host: '127.0.0.1', port: 0 }],
      onClose: () => exporter.close(),
    });
    port = new URL(site.urls[0] ?? '').port;
    attacker = createServer((request, response) => {
      response.setHeader('content-type', 'text/html');
      const [, referrer = '', exporter = ''] = (request.url ?? '').split('/');
      response.end(evilPage(`http://${exporter}`, referrer));
    });
    await new Promise<void>((done) => attacker.listen(0, '127.0.0.1', done));
    attackerPort = (attacker.address() as AddressInfo).port;
    profile = mkdtempSync(join(tmpdir(), 'chromium-'));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      headless: true,
      // The sandbox of Chromium does not start for root; the pages are our own.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        // What a rebound name looks like to the browser: another site's name with our address.
        '--host-resolver-rules=MAP *.example 127.0.0.1',
      ],
    });
  });

  afterAll(async () => {
    await context.close();
    await site.close();
    await new Promise((done) => attacker.close(done));
    rmSync(profile, { recursive: true, force: true });
  });

  beforeEach(() => {
    reloads = 0;
    measured = 0;
    view.show([climbingTarget('vps')]);
  });

  async function openPage(url: string): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(url);
    return page;
  }

  /** What the exporter answers to the next request for a reload. */
  const reloadAnswer = (page: Page, script: string) => answerOf(page, script, '/-/reload');

  async function answerOf(
    page: Page,
    script: string,
    path: string,
  ): Promise<{ status: number; text: string }> {
    const answered = page.waitForResponse((response) => response.url().endsWith(path));
    await page.evaluate(script);
    const response = await answered;
    return { status: response.status(), text: await response.text().catch(() => '') };
  }

  for (const name of ['127.0.0.1', 'localhost']) {
    // Without a referrer the browser says `Origin: null`.
    test.each(['origin', 'no-referrer'])(
      `a form of another site (%s) does not reload ${name}`,
      async (policy) => {
        const page = await openPage(`http://attacker.example:${attackerPort}/${policy}/${name}:${port}`);
        const { status, text } = await reloadAnswer(page, 'document.forms[0].submit()');
        expect(status).toBe(403);
        expect(text).toMatch(/^requests from other sites are not allowed: /);
        expect(reloads).toBe(0);
        await page.close();
      },
    );

    test.each(['origin', 'no-referrer'])(
      `a form of another site (%s) has nothing measured again at ${name}, whatever the lifecycle flag says`,
      async (policy) => {
        const page = await openPage(`http://attacker.example:${attackerPort}/${policy}/${name}:${port}`);
        const { status } = await answerOf(page, 'document.forms[1].submit()', '/measure');
        expect([status, measured]).toEqual([403, 0]);
        await page.close();
      },
    );

    test(`the status page at ${name} is shown and live, and may reload`, async () => {
      const page = await openPage(`http://${name}:${port}/`);
      await page.locator('#live.good').waitFor();
      view.show([forgettingTarget('vps')]);
      await page.locator('#summary', { hasText: '1 forgets too early' }).waitFor();
      const { status } = await reloadAnswer(
        page,
        "fetch('/-/reload', { method: 'POST' }).then((answer) => answer.text())",
      );
      expect(status).toBe(200);
      expect(reloads).toBe(1);
      await page.getByRole('button', { name: 'Measure again now' }).click();
      await expect.poll(() => measured).toBe(1);
      await page.close();
    });
  }

  test('a page of another port of this host does not reload the exporter', async () => {
    const page = await openPage(`http://127.0.0.1:${attackerPort}/origin/127.0.0.1:${port}`);
    expect((await reloadAnswer(page, 'document.forms[0].submit()')).status).toBe(403);
    expect(reloads).toBe(0);
    await page.close();
  });

  test('a rebound name reads no page and reloads nothing', async () => {
    // Metrics answer under any name: from there the script has the origin of the rebound name.
    const page = await openPage(`http://rebound.example:${port}/metrics`);
    const read = (path: string, method = 'GET') =>
      page.evaluate(
        async ([path, method]) => {
          const response = await fetch(path ?? '', method === undefined ? {} : { method });
          return { status: response.status, text: await response.text() };
        },
        [path, method],
      );
    for (const path of [
      '/',
      '/config',
      '/api/v1/targets',
      '/api/v1/events',
      '/api/v1/fragments?target=vps',
    ]) {
      const { status, text } = await read(path);
      expect([path, status]).toEqual([path, 421]);
      expect(text).toMatch(/^the host "rebound\.example:\d+" is not served: .*--web\.allowed-host/);
    }
    expect((await read('/-/reload', 'POST')).status).toBe(421);
    // Not even the token that the page's own form sends along.
    for (const method of ['GET', 'POST'])
      expect((await read('/api/v1/targets/vps/measure', method)).status).toBe(421);
    expect(measured).toBe(0);
    expect(reloads).toBe(0);
    await page.close();
  });
});
