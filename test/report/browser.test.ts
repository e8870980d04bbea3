import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import type { ReportInput } from '../../src/report/build.js';
import { renderReport } from '../../src/report/report-forms.js';
import { requires } from '../support/requires.js';
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
  async function open(
    snapshot: TargetSnapshot,
    width: number,
    noise: string[] = [],
    more: Partial<ReportInput> = {},
  ): Promise<Page> {
    const file = join(dir, 'report.html');
    writeFileSync(
      file,
      renderReport(
        { snapshot, at: START + 9000, version: '1.2.3', timeZone: 'Europe/Berlin', ...more },
        { format: 'html', redact: false },
      ),
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
  ])(
    '%s: verdict, the ask and the failing connections stand on the first printed page',
    async (_name, snapshot) => {
      const page = await open(snapshot, A4.width);
      await page.emulateMedia({ media: 'print' });
      const bottom = await page.evaluate<number>(
        'Math.max(...[...document.querySelectorAll("header, .ask, section:has(+ .new-page)")].map((e) => e.getBoundingClientRect().bottom))',
      );
      expect(bottom).toBeGreaterThan(300);
      expect(bottom).toBeLessThan(A4.height);
      await page.close();
    },
  );

  it('nothing is cut off at the right edge of the paper', async () => {
    const page = await open(ONE_HOUR, A4.width);
    await page.emulateMedia({ media: 'print' });
    const scroll = await page.evaluate<number>('document.body.scrollWidth');
    const client = await page.evaluate<number>('document.body.clientWidth');
    expect(scroll).toBeLessThanOrEqual(client);
    await page.close();
  });

  /** The texts of the pages of a PDF. */
  async function pagesOf(page: Page): Promise<string[]> {
    const file = join(dir, 'report.pdf');
    await page.pdf({ path: file, preferCSSPageSize: true, printBackground: true });
    return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).split('\f').slice(0, -1);
  }

  requires({ packages: ['poppler-utils'] }).describe('as a PDF', () => {
    it('has a cover, page numbers with the ticket at every foot, and the settings after the evidence', async () => {
      const reference = { customer: 'Anna Schmidt', contract: 'DE-4711', ticket: 'T "9" \\ <x>' };
      const page = await open(ONE_HOUR, A4.width, [], { reference });
      const pages = await pagesOf(page);
      await page.close();
      const [cover = '', second = ''] = pages;
      for (const text of ['Not compliant:', 'Anna Schmidt', 'DE-4711', 'What is asked for', '+01:00'])
        expect(cover).toContain(text);
      expect(cover.match(/no answer/g)).toHaveLength(5);
      expect(cover).not.toContain('Result per mode');
      expect(second).toMatch(/^\s*Result per mode/);
      pages.forEach((text, index) => {
        expect(text).toContain(`page ${index + 1} of ${pages.length}`);
        expect(text).toContain('T "9" \\ <x>');
      });
      expect(pages.at(-1)).toContain('Until then');
      expect(cover).not.toContain('Until then');
    });

    it('leaves no heading and no line above a table alone at the foot of a page', async () => {
      const reference = { customer: 'Anna Schmidt', contract: 'DE-4711', ticket: '2026-0815' };
      const page = await open(BRIDGE_MODEM, A4.width, [], { reference });
      const pages = await pagesOf(page);
      await page.close();
      for (const text of pages) {
        const [last = '', foot = ''] = text
          .split('\n')
          .filter((line) => line.trim() !== '')
          .slice(-2);
        expect(foot).toContain('page ');
        expect(last).not.toMatch(/Far end of every test|Tests in mode/);
      }
    });
  });

  it('on a phone the page itself does not scroll sideways', async () => {
    const page = await open(ONE_HOUR, 360);
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    await page.close();
  });
});
