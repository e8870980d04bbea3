/**
 * `npm run paper:render`: the report and the audit as the A4 pages that a printer gives, as pictures into docs/images, and
 * the audit's text, for docs/OPERATORS.md. `npm run paper:render -- FOLDER`: each page by itself, larger, to be looked at.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { renderReport } from '../../src/report/report-forms.js';
import { BRIDGE_MODEM, START } from '../report/snapshots.js';
import { startPrometheus } from '../support/prometheus.js';
import { missing } from '../support/requires.js';
import { besidesOf, scrapeOf, vantagePoints, writeHistory } from '../support/vantage-points.js';
import { launchChromium } from './scenes.js';

const IMAGES = 'docs/images';
const VERSION = (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
/** Of the simulated fleet. */
const POINTS = 2000;
/** Dots to the inch of a page to be looked at, and of one of a picture. */
const LARGE = 110;
const SMALL = 64;
const COLUMNS = 3;
/** Pixels between two pages of a picture. */
const GAP = 12;

/** The report of a path on which the box was located, with everything that a customer may fill in. */
function report(): string {
  return renderReport(
    {
      snapshot: BRIDGE_MODEM,
      at: START + 9000,
      version: VERSION,
      timeZone: 'Europe/Berlin',
      reference: { customer: 'Anna Schmidt', contract: 'DE-4711', ticket: '2026-0815' },
    },
    { format: 'html', redact: false },
  );
}

/** Runs the built program over a real Prometheus that knows the fleet. @returns its HTML, and what it prints */
async function audit(folder: string): Promise<{ readonly html: string; readonly text: string }> {
  const fleet = vantagePoints(POINTS);
  const history = join(folder, 'fleet.txt');
  const at = START + 600;
  const series = [...(await scrapeOf(fleet)), ...besidesOf(fleet)];
  writeHistory(history, series, { from: START, to: at, step: 60 });
  const prometheus = await startPrometheus({ files: [history] });
  try {
    const asked = ['audit', `--prometheus=${prometheus.url}`, '--by=isp', '--worst=2', `--at=${at - 60}`];
    const file = join(folder, 'audit.html');
    const { stdout, stderr } = spawnSync('node', ['dist/main.js', ...asked, `--report=${file}`], {
      encoding: 'utf8',
    });
    if (stderr !== '') throw new Error(stderr);
    return { html: readFileSync(file, 'utf8'), text: stdout };
  } finally {
    await prometheus.close();
  }
}

/** The pages of a document as PNG files, first to last. */
async function pagesOf(browser: Browser, html: string, folder: string, name: string, dpi: number) {
  const document = join(folder, `${name}.html`);
  writeFileSync(document, html);
  const page = await browser.newPage();
  await page.goto(pathToFileURL(document).href);
  const pdf = join(folder, `${name}.pdf`);
  await page.pdf({ path: pdf, preferCSSPageSize: true, printBackground: true });
  await page.close();
  execFileSync('pdftoppm', ['-png', '-r', String(dpi), pdf, join(folder, name)]);
  const isPage = new RegExp(`^${name}-\\d+\\.png$`);
  return readdirSync(folder)
    .filter((file) => isPage.test(file))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((file) => join(folder, file));
}

/** Pages beside each other on a table, as one picture. */
async function sheet(browser: Browser, pages: readonly string[]): Promise<Buffer> {
  const images = pages.map(
    (file) => `<img src="data:image/png;base64,${readFileSync(file).toString('base64')}">`,
  );
  const page = await browser.newPage();
  await page.setContent(
    `<style>body{margin:0;display:inline-grid;grid-template-columns:repeat(${COLUMNS},auto);gap:${GAP}px;padding:${GAP}px;background:#8a8f98}</style>${images.join('')}`,
  );
  const picture = await page.locator('body').screenshot();
  await page.close();
  return picture;
}

const lacking = missing({ packages: ['prometheus', 'poppler-utils'] });
if (lacking.length > 0) {
  console.error(`paper:render cannot run here: ${lacking.join(', ')}`);
  process.exit(2);
}
const [looked] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'paper-'));
const chromium = await launchChromium();
try {
  const { html, text } = await audit(folder);
  console.log(text);
  for (const [name, document] of Object.entries({ report: report(), audit: html })) {
    if (looked !== undefined) {
      mkdirSync(looked, { recursive: true });
      console.log((await pagesOf(chromium.browser, document, looked, name, LARGE)).join('\n'));
      continue;
    }
    const pages = await pagesOf(chromium.browser, document, folder, name, SMALL);
    const file = join(IMAGES, `${name}-pages.png`);
    writeFileSync(file, await sheet(chromium.browser, pages));
    console.log(`${file}: ${pages.length} pages`);
  }
} finally {
  await chromium.close();
  rmSync(folder, { recursive: true });
}
