/** The form above a report, in Chromium and by hand: what a customer writes goes on the report and nowhere else. */
import { readFileSync } from 'node:fs';
import { HtmlValidate } from 'html-validate';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reportOf } from '../../src/commands/exporter-report.js';
import { createExporterApp } from '../../src/exporter/app.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import { ONE_HOUR, START } from '../report/snapshots.js';
import { FakeView } from '../support/fake-view.js';
import { requires } from '../support/requires.js';

const BUILD = { version: '1.2.3', revision: 'abcdef0' };

requires({ packages: ['chromium'] }).describe('the form above a report', () => {
  const { name } = ONE_HOUR.config;
  let browser: Browser;
  let site: WebServer;
  let url = '';

  beforeAll(async () => {
    const view = new FakeView([ONE_HOUR]);
    const exporter = createExporterApp({
      view,
      metrics: new ExporterMetrics({ view, build: BUILD }),
      telemetryPath: '/metrics',
      lifecycle: false,
      reload: () => Promise.resolve(),
      configYaml: () => '',
      ready: () => true,
      buildInfo: BUILD,
      report: (target, query, form) =>
        reportOf(target, { at: START + 9000, history: [], version: '1.2.3' }, query, form),
    });
    site = await startWebServer({
      app: exporter.app,
      listen: [{ host: '127.0.0.1', port: 0 }],
      onClose: () => exporter.close(),
    });
    url = `${site.urls[0] ?? ''}/report/${name}`;
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  }, 30_000);
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  const send = (fields: Record<string, string>): Promise<Response> =>
    fetch(url, { method: 'POST', body: new URLSearchParams(fields) });

  async function filled(page: Page): Promise<void> {
    await page.goto(url);
    await page.fill('[name=customer]', 'Anna <Schmidt>');
    await page.fill('[name=ticket]', 'T-9');
    await page.fill('[name=time_zone]', 'Europe/Berlin');
  }

  it('shows what was written, in the page and again in the form, but in no address', async () => {
    const page = await browser.newPage();
    await filled(page);
    await page.click('text=Show');
    expect(page.url()).toBe(url);
    expect(await page.textContent('header')).toContain('Anna <Schmidt>');
    expect(await page.textContent('header')).toContain('+01:00 (Europe/Berlin)');
    expect(await page.inputValue('[name=customer]')).toBe('Anna <Schmidt>');
    // The next visitor finds nothing of it.
    expect(await (await fetch(url)).text()).not.toContain('Schmidt');
    await page.close();
  });

  it.each([
    ['HTML', 'html', /^<!DOCTYPE html>[^]*Anna &lt;Schmidt&gt;/],
    ['all tests as CSV', 'csv', /^tested_utc,[^]*Anna <Schmidt>,,T-9/],
  ])('saves %s without the form', async (button, ending, content) => {
    const page = await browser.newPage();
    await filled(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`text="${button}"`)]);
    expect(download.suggestedFilename()).toBe(`idle-timeout-${name}-2026-11-20.${ending}`);
    const text = readFileSync(await download.path(), 'utf8');
    expect(text).toMatch(content);
    expect(text).not.toContain('<form');
    await page.close();
  });

  it('is not printed, and does not make a phone scroll sideways', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 700 } });
    await page.goto(url);
    expect(await page.isVisible('form')).toBe(true);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.emulateMedia({ media: 'print' });
    expect(await page.isVisible('form')).toBe(false);
    await page.close();
  });

  it('is valid HTML, and absent where the file itself is asked for', async () => {
    const text = await (await fetch(url)).text();
    const validator = new HtmlValidate({ extends: ['html-validate:standard', 'html-validate:a11y'] });
    const report = await validator.validateString(text);
    expect(
      report.results.flatMap(({ messages }) => messages.map((one) => `${one.line} ${one.ruleId}`)),
    ).toEqual([]);
    expect(text).toContain('<form');
    for (const format of ['html', 'md', 'json', 'csv'])
      expect(await (await fetch(`${url}?format=${format}`)).text()).not.toContain('<form');
  });

  it('leaves everything out that is not for a public place', async () => {
    const text = await (
      await send({ customer: 'Schmidt', time_zone: 'Asia/Tokyo', redact: '1', save: 'html' })
    ).text();
    for (const secret of ['Schmidt', 'Tokyo', '203.0.113.7', 'vps.isp-test.net'])
      expect(text).not.toContain(secret);
  });

  it('says every problem with place, rule and value', async () => {
    const answer = await send({ customer: 'a\nb', ticket: 'x'.repeat(121), time_zone: '<Berlin>' });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect((await answer.text()).split('\n')).toEqual([
      'customer: must be one line without characters that cannot be seen, found "a\\nb"',
      expect.stringMatching(/^ticket: must have at most 120 characters, found x+/) as string,
      'time_zone: must be a time zone such as Europe/Berlin, or UTC, found <Berlin>',
      '',
    ]);
  });

  it('reads no more than a form can have', async () => {
    expect((await send({ customer: 'x'.repeat(10_000) })).status).toBe(413);
  });
});
