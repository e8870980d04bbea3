import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { renderReport } from '../../src/report/report-forms.js';
import { BRIDGE_MODEM, COMPLIANT, EARLY, ONE_HOUR, START } from './snapshots.js';

const CHROMIUM = '/usr/bin/chromium';
const missing = !existsSync(CHROMIUM);
if (missing) console.warn(`SKIPPED: the report in a browser needs ${CHROMIUM} (Debian package chromium)`);

/** The part of an A4 page inside the report's margins, in CSS pixels (96 to the inch). */
const A4 = { width: Math.floor((180 / 25.4) * 96), height: Math.floor((263 / 25.4) * 96) };

describe.skipIf(missing)('the report in Chromium', () => {
  let browser: Browser;
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'report-'));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  }, 30_000);
  afterAll(async () => {
    await browser.close();
    rmSync(dir, { recursive: true });
  });

  /** Opens a report; everything that the page asks for or complains about ends up in `noise`. */
  async function open(snapshot: TargetSnapshot, width: number, noise: string[] = []): Promise<Page> {
    const file = join(dir, 'report.html');
    writeFileSync(
      file,
      renderReport({ snapshot, at: START + 9000, version: '1.2.3' }, { format: 'html', redact: false }),
    );
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const address = pathToFileURL(file).href;
    page.on('console', (message) => noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== address) noise.push(request.url());
    });
    await page.goto(address);
    return page;
  }

  it('asks for nothing else and complains about nothing', async () => {
    const noise: string[] = [];
    await (await open(ONE_HOUR, 1000, noise)).close();
    expect(noise).toEqual([]);
  });

  it.each([
    ['bridge modem', BRIDGE_MODEM],
    ['one hour', ONE_HOUR],
    ['compliant', COMPLIANT],
    ['early', EARLY],
  ])('%s: verdict, result, chart and the ask stand on the first printed page', async (_name, snapshot) => {
    const page = await open(snapshot, A4.width);
    await page.emulateMedia({ media: 'print' });
    const bottom = await page.evaluate<number>(
      'document.querySelector(".ask").getBoundingClientRect().bottom',
    );
    expect(bottom).toBeGreaterThan(300);
    expect(bottom).toBeLessThan(A4.height);
    await page.close();
  });

  it('nothing is cut off at the right edge of the paper', async () => {
    const page = await open(ONE_HOUR, A4.width);
    await page.emulateMedia({ media: 'print' });
    const scroll = await page.evaluate<number>('document.body.scrollWidth');
    const client = await page.evaluate<number>('document.body.clientWidth');
    expect(scroll).toBeLessThanOrEqual(client);
    await page.close();
  });

  it('on a phone the page itself does not scroll sideways', async () => {
    const page = await open(ONE_HOUR, 360);
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    await page.close();
  });
});
