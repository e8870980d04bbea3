import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { createExporterApp } from '../../src/exporter/app.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import {
  climbingTarget,
  compliantTarget,
  downTarget,
  droppingHistory,
  FakeView,
  fleet,
  forgettingTarget,
  SCENE_TIME,
} from '../support/fake-view.js';
import { requires } from '../support/requires.js';

const CHROMIUM = '/usr/bin/chromium';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where screenshots are kept (docs/images has some of them); none are taken unless this is set. */
const SCREENSHOTS = process.env['SCREENSHOT_DIR'];

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
const DARK: BrowserContextOptions = { ...DESK, colorScheme: 'dark' };

let browser: Browser;
let profile = '';
const running: WebServer[] = [];

interface Opened {
  readonly page: Page;
  readonly view: FakeView;
  readonly url: string;
  readonly server: WebServer;
  /** Console errors, uncaught errors and requests to anywhere else. */
  readonly complaints: string[];
}

async function open(
  targets: readonly TargetSnapshot[],
  options: BrowserContextOptions = DESK,
): Promise<Opened> {
  const view = new FakeView(targets);
  const site = createExporterApp({
    view,
    metrics: {
      async *pieces() {
        yield await Promise.resolve('');
      },
      contentType: 'text/plain',
    },
    telemetryPath: '/metrics',
    lifecycle: false,
    reload: () => Promise.resolve(),
    configYaml: () => '',
    ready: () => true,
    buildInfo: { version: '1.2.3', revision: 'abcdef0' },
    now: () => SCENE_TIME,
    history: () => Promise.resolve(droppingHistory()),
    report: () => ({ contentType: 'text/plain', body: '' }),
    events: { interval: 20 },
  });
  const server = await startWebServer({
    app: site.app,
    listen: [{ host: '127.0.0.1', port: 0 }],
    onClose: () => site.close(),
  });
  running.push(server);
  const url = server.urls[0] ?? '';
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, view, url, server, complaints };
}

async function becomesLive(page: Page): Promise<void> {
  await page.locator('#live.good').waitFor();
}

/** What axe-core calls serious or critical. */
async function seriousFindings(page: Page): Promise<string[]> {
  // Not as a script element: the page's own policy forbids foreign scripts.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary}`),
      );
  });
}

async function overflows(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

const SCENES: Readonly<Record<string, () => TargetSnapshot[]>> = {
  climbing: () => [climbingTarget('vps', { labels: { site: 'home' } })],
  'after a verdict': () => [forgettingTarget('vps', { labels: { site: 'home' } })],
  'responder down': () => [downTarget()],
  '50 targets': () => fleet(50),
  'no targets': () => [],
};
const SCREENS: Readonly<Record<string, BrowserContextOptions>> = { desk: DESK, phone: PHONE, dark: DARK };

requires({ packages: ['chromium'] }).describe('the status page in Chromium', () => {
  beforeAll(async () => {
    profile = mkdtempSync(join(tmpdir(), 'chromium-'));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      // The sandbox of Chromium does not start for root; the page is our own.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--crash-dumps-dir=${profile}`,
      ],
    });
  }, 30_000);
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  for (const [scene, targets] of Object.entries(SCENES)) {
    for (const [screen, options] of Object.entries(SCREENS)) {
      test(`the page is accessible and quiet: ${scene}, ${screen}`, { timeout: 60_000 }, async () => {
        const { page, complaints } = await open(targets(), options);
        await becomesLive(page);
        if (SCREENSHOTS !== undefined) {
          const path = join(SCREENSHOTS, `${scene}-${screen}.png`.replaceAll(' ', '-'));
          await page.screenshot({ path, fullPage: scene !== '50 targets' });
        }
        await page.evaluate(
          'document.querySelectorAll("details").forEach((details) => (details.open = true))',
        );
        // The fleet has the same cards fifty times over: one look of several seconds is enough.
        const looksAgain = scene === '50 targets' && screen !== 'phone';
        if (!looksAgain) expect(await seriousFindings(page)).toEqual([]);
        expect(await overflows(page)).toBe(false);
        expect(complaints).toEqual([]);
      });
    }
  }

  test('the accessibility check sees a planted mistake', async () => {
    const { page } = await open([climbingTarget()]);
    await page.evaluate('void document.querySelector("main").append(document.createElement("button"))');
    expect(await seriousFindings(page)).toEqual([expect.stringMatching(/^button-name: /)]);
  });

  test('the page follows the engine without being loaded again', async () => {
    const { page, view, complaints } = await open([climbingTarget(), compliantTarget('other')]);
    await becomesLive(page);
    let loads = 0;
    page.on('load', () => loads++);
    await page.locator('article[data-target="vps"] details.tests > summary').click();
    view.show([forgettingTarget(), compliantTarget('other')]);
    const sentence =
      'Not compliant: an idle TCP connection is forgotten after 1 h 0 min (3600 s) (seen in every mode); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).';
    await page.locator('article[data-target="vps"] .verdict', { hasText: sentence }).waitFor();
    await page.locator('tr[data-row="vps"]', { hasText: sentence }).waitFor();
    await page.locator('#summary', { hasText: '1 forgets too early' }).waitFor();
    expect(await page.locator('#announce').textContent()).toBe(`vps: ${sentence}`);
    expect(await page.locator('article[data-target="vps"] details.tests').getAttribute('open')).toBe('');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Newest tests (39)');
    expect(loads).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('waiting connections move to the right while nothing else happens', async () => {
    const { page } = await open([climbingTarget()]);
    await becomesLive(page);
    const position =
      'Number.parseFloat(document.querySelector("circle.waiting[data-age]").getAttribute("cx"))';
    const before = Number(await page.evaluate(position));
    await expect.poll(() => page.evaluate(position), { timeout: 10_000 }).toBeGreaterThan(before);
  });

  test('the page takes over a target that was added', async () => {
    const { page, view } = await open([climbingTarget()]);
    await becomesLive(page);
    view.show([climbingTarget(), downTarget('second')]);
    await page.locator('article[data-target="second"]').waitFor();
  });

  test('the page says that the connection is lost', async () => {
    const { page, server } = await open([climbingTarget()]);
    await becomesLive(page);
    await server.close();
    await page.locator('#live.bad', { hasText: 'trying again' }).waitFor();
  });

  test('the page tells everything without JavaScript', async () => {
    const { page, complaints } = await open([forgettingTarget()], { ...DESK, javaScriptEnabled: false });
    const text = (await page.locator('main').innerText()).replaceAll('\u00a0', ' ');
    expect(text).toContain('Not compliant: an idle TCP connection is forgotten after 1 h 0 min (3600 s)');
    expect(text).toContain('Diagnosis');
    expect(text).toContain('confirmed 4 min ago');
    await page.getByText('Settings to paste').click();
    expect(await page.locator('main').innerText()).toContain('ServerAliveInterval 1797');
    expect(await page.locator('svg.strip circle.waiting').count()).toBe(36);
    expect(complaints).toEqual([]);
  });

  test('the page can be used with the keyboard alone', async () => {
    const { page } = await open([forgettingTarget()]);
    await becomesLive(page);
    const focused = (): Promise<string> =>
      page.evaluate('(document.activeElement.textContent ?? "").trim().slice(0, 30)');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the targets');
    const seen: string[] = [];
    for (let step = 0; step < 8; step++) {
      await page.keyboard.press('Tab');
      seen.push(await focused());
      if (seen.at(-1) === 'Settings to paste') break;
    }
    expect(seen.at(-1)).toBe('Settings to paste');
    await page.keyboard.press('Enter');
    await page.getByText('ServerAliveInterval 1797').waitFor({ state: 'visible' });
  });
});
