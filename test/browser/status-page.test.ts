import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import type { WebServer } from '../../src/web/server.js';
import {
  climbingTarget,
  compliantTarget,
  downTarget,
  fleet,
  forgettingTarget,
  looseTarget,
} from '../support/fake-view.js';
import { BRIDGE_MODEM as LOCATED_MODEM } from '../support/located.js';
import { locatedTarget } from '../support/located-targets.js';
import { requires } from '../support/requires.js';
import {
  type Chromium,
  DARK,
  DESK,
  launchChromium,
  PHONE,
  SCENES,
  type Served,
  servePage,
} from './scenes.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where screenshots are kept, to be looked at; none are taken unless this is set. */
const SCREENSHOTS = process.env['SCREENSHOT_DIR'];
/** Every kind of screen, CSS pixels. */
const WIDTHS = [320, 360, 480, 641, 768, 900, 961, 1024, 1280, 1440, 1920];

let chromium: Chromium;
const running: WebServer[] = [];

const OPEN_ALL = 'document.querySelectorAll("details").forEach((details) => (details.open = true))';

interface Opened extends Served {
  readonly page: Page;
  /** Console errors, uncaught errors and requests to anywhere else. */
  readonly complaints: string[];
}

async function open(
  targets: readonly TargetSnapshot[],
  options: BrowserContextOptions = DESK,
): Promise<Opened> {
  const served = await servePage(targets);
  const { url } = served;
  running.push(served.server);
  const context = await chromium.browser.newContext(options);
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
  return { ...served, page, complaints };
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

const SCREENS: Readonly<Record<string, BrowserContextOptions>> = { desk: DESK, phone: PHONE, dark: DARK };

requires({ packages: ['chromium'] }).describe('the status page in Chromium', () => {
  beforeAll(async () => {
    chromium = await launchChromium();
  }, 30_000);
  afterAll(() => chromium.close());
  afterEach(async () => {
    for (const context of chromium.browser.contexts()) await context.close();
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  test.for(['runbook', 'known-timeouts'])('/%s fits every screen and breaks no policy', async (path) => {
    const { page, url, complaints } = await open([], PHONE);
    for (const width of [320, 768, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${url}/${path}`);
      expect(await overflows(page), `${width} px`).toBe(false);
    }
    expect(await page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")).not.toBe('32px');
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
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
        await page.evaluate(OPEN_ALL);
        expect(await seriousFindings(page)).toEqual([]);
        expect(await overflows(page)).toBe(false);
        expect(complaints).toEqual([]);
      });
    }
  }

  test.for(Object.entries(SCENES))(
    'nothing scrolls sideways at any width with everything open: %s',
    { timeout: 60_000 },
    async ([, targets]) => {
      const { page, url } = await open(targets());
      const names = targets().slice(0, 3);
      const cards = new URLSearchParams(names.map(({ config }): [string, string] => ['target', config.name]));
      for (const path of ['/', ...(targets().length > 8 ? [`/?${cards.toString()}`] : [])]) {
        await page.goto(url + path);
        await becomesLive(page);
        await page.evaluate(OPEN_ALL);
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 800 });
          expect(await overflows(page), `${path} at ${width} px`).toBe(false);
        }
      }
    },
  );

  test('a line that does not fit is noticed', async () => {
    const { page } = await open([forgettingTarget()]);
    await page.evaluate("void document.querySelector('footer').append('x'.repeat(300))");
    expect(await overflows(page)).toBe(true);
  });

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

  test('what changes while an answer is under way is asked for once more', async () => {
    const { page, view } = await open([climbingTarget()]);
    await becomesLive(page);
    const told = () =>
      page.evaluate(
        "new Promise((told) => new EventSource('api/v1/events').addEventListener('changed', () => told(true)))",
      );
    const listening = told();
    await page.waitForResponse((response) => response.url().endsWith('/api/v1/events'));
    let answers = 0;
    await page.route('**/api/v1/fragments*', async (route) => {
      const response = await route.fetch();
      if (answers++ === 0) {
        const toldAgain = told();
        await page.waitForResponse((other) => other.url().endsWith('/api/v1/events'));
        view.show([forgettingTarget()]);
        await toldAgain;
      }
      await route.fulfill({ response });
    });
    view.show([compliantTarget('vps')]);
    await listening;
    await page.locator('#summary', { hasText: '1 forgets too early' }).waitFor();
    expect(answers).toBeGreaterThan(1);
  });

  test('the path of a located box is drawn in one row from here to the far end', async () => {
    const { page } = await open([locatedTarget('home', { result: LOCATED_MODEM })]);
    await becomesLive(page);
    const stops = page.locator('.route li');
    const boxes = await Promise.all((await stops.all()).map((stop) => stop.boundingBox()));
    const lefts = boxes.map((box) => box?.x ?? NaN);
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
    const middles = boxes.map((box) => (box?.y ?? NaN) + (box?.height ?? NaN) / 2);
    expect(Math.max(...middles) - Math.min(...middles)).toBeLessThan(2);
    expect(await page.locator('.route .forgets').boundingBox()).toMatchObject({ x: boxes[1]?.x });
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
    expect(await page.locator('details[data-key="settings"]').innerText()).toContain(
      'ServerAliveInterval 1797',
    );
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
    for (let step = 0; step < 16; step++) {
      await page.keyboard.press('Tab');
      seen.push(await focused());
      if (seen.at(-1) === 'Settings to paste') break;
    }
    expect(seen.at(-1)).toBe('Settings to paste');
    await page.keyboard.press('Enter');
    const setting = page.locator('details[data-key="settings"] code', {
      hasText: 'ServerAliveInterval 1797',
    });
    await setting.waitFor({ state: 'visible' });
  });

  test('the setting to do now is copied with one click, with a clipboard and without', async () => {
    for (const isSecure of [true, false]) {
      const { page } = await open([forgettingTarget()]);
      const copied: string[] = [];
      await page.exposeFunction('noteCopy', (text: string) => copied.push(text));
      await page.evaluate(`
        document.addEventListener('copy', () => noteCopy(getSelection().toString()));
        Object.defineProperty(navigator, 'clipboard', {
          value: ${isSecure ? '{ writeText: async (text) => noteCopy(text) }' : 'undefined'},
        })`);
      await page.locator('.now button', { hasText: 'Copy' }).click();
      await page.locator('.now button', { hasText: 'Copied' }).waitFor();
      await expect
        .poll(() => copied.map((text) => text.trim()))
        .toEqual(['Host *\n  ServerAliveInterval 1797\n  ServerAliveCountMax 3']);
    }
  });

  test('a target is measured again with one click, and told to wait where that is too soon', async () => {
    const { page, asked, complaints } = await open([forgettingTarget()]);
    await becomesLive(page);
    await page.getByRole('button', { name: 'Measure again now' }).click();
    await page.locator('.asked', { hasText: 'a longer one within 1 h 0 min 9 s' }).waitFor();
    await page.getByRole('button', { name: 'Measure again now' }).click();
    await page.locator('.asked', { hasText: 'ask in 42 s' }).waitFor();
    expect(asked).toEqual(['vps', 'vps']);
    // A browser tells of an answer of 429 in its console.
    expect(complaints.filter((text) => !text.includes('429'))).toEqual([]);
  });

  test('a target is measured again without JavaScript, too, and the page comes back', async () => {
    const { page, url, asked } = await open([forgettingTarget('a b/c')], {
      ...DESK,
      javaScriptEnabled: false,
    });
    await page.getByRole('button', { name: 'Measure again now' }).click();
    await page.waitForURL(`${url}/#t-a_20_b_2f_c`);
    expect(asked).toEqual(['a b/c']);
    expect(await page.locator('main').innerText()).toContain('What to do now:');
  });

  test('modes that found the same are one strip, others have one each', async () => {
    const same = await open([forgettingTarget()]);
    expect(await same.page.locator('svg.strip').count()).toBe(1);
    expect(await same.page.locator('.mode h3').innerText()).toMatch(/^all three ways/);
    expect(await same.page.locator('svg.history').count()).toBe(1);
    const different = await open([looseTarget()]);
    expect(await different.page.locator('svg.strip').count()).toBe(3);
  });

  test('a fleet is a table that is sorted, filtered and searched without JavaScript; a card comes on demand', async () => {
    const { page } = await open(fleet(50), { ...DESK, javaScriptEnabled: false });
    const first = (): Promise<string> => page.locator('tbody tr').first().innerText();
    expect(await page.locator('article').count()).toBe(0);
    expect(await first()).toContain('forgets too early');
    await page.getByRole('link', { name: 'Target', exact: true }).click();
    expect(await first()).toContain('site-01');
    await page.getByRole('link', { name: 'Target', exact: true }).click();
    expect(await first()).toContain('site-50');
    await page.getByRole('link', { name: 'isp', exact: true }).click();
    expect(await first()).toContain('isp-0');
    await page.getByLabel('State').selectOption('no answer');
    await page.getByRole('button', { name: 'Find' }).click();
    expect(await page.locator('tbody tr').count()).toBe(10);
    expect(await page.locator('th[aria-sort="ascending"]').innerText()).toContain('isp');
    await page.getByRole('link', { name: 'site-05' }).click();
    expect(await page.locator('article').count()).toBe(1);
    expect(await page.locator('article').innerText()).toContain('What to do now:');
  });

  test('the table of a fleet follows the engine', async () => {
    const { page, view } = await open(fleet(50));
    await becomesLive(page);
    view.show([
      forgettingTarget('site-01', { labels: { site: 'site-01', isp: 'isp-0' } }),
      ...fleet(50).slice(1),
    ]);
    await page.locator('tr[data-row="site-01"]', { hasText: 'forgets too early' }).waitFor();
    await page.locator('#summary', { hasText: '21 forget too early' }).waitFor();
  });
});
