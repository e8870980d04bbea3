/** The status page in a real browser: scripted targets behind a real server, and Chromium in front of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';
import type { AskedAgain } from '../../src/engine/ask-again.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { createExporterApp } from '../../src/exporter/app.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import {
  climbingTarget,
  downTarget,
  droppingHistory,
  FakeView,
  fleet,
  forgettingTarget,
  looseTarget,
  pooledTarget,
  SCENE_TIME,
} from '../support/fake-view.js';
import { locatedTargets } from '../support/located-targets.js';

export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
export const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
export const DARK: BrowserContextOptions = { ...DESK, colorScheme: 'dark' };

export const SCENES: Readonly<Record<string, () => TargetSnapshot[]>> = {
  climbing: () => [climbingTarget('vps', { labels: { site: 'home' } })],
  'after a verdict': () => [forgettingTarget('vps', { labels: { site: 'home' } })],
  'modes that disagree': () => [looseTarget('office', { labels: { site: 'office' } })],
  'a pool': () => [pooledTarget()],
  'which box forgets': () => locatedTargets(),
  'responder down': () => [downTarget()],
  '50 targets': () => fleet(50),
  'no targets': () => [],
};

export interface Chromium {
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function launchChromium(): Promise<Chromium> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
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
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

export interface Served {
  readonly url: string;
  readonly view: FakeView;
  readonly server: WebServer;
  /** The targets that somebody wanted to be measured again. */
  readonly asked: string[];
}

/** Serves the page of some targets, with a history of 30 days. */
export async function servePage(targets: readonly TargetSnapshot[]): Promise<Served> {
  const view = new FakeView(targets);
  const asked: string[] = [];
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
    askAgain: (name): AskedAgain => {
      asked.push(name);
      return asked.length === 1 ? { kind: 'asked', within: 3609 } : { kind: 'too_soon', wait: 42 };
    },
    reload: () => Promise.resolve(),
    configYaml: () => '',
    ready: () => true,
    buildInfo: { version: '1.2.3', revision: 'abcdef0' },
    now: () => SCENE_TIME,
    history: () => Promise.resolve(droppingHistory(7200, 3598)),
    report: () => ({ contentType: 'text/plain', body: '' }),
    events: { interval: 20 },
  });
  const server = await startWebServer({
    app: site.app,
    listen: [{ host: '127.0.0.1', port: 0 }],
    onClose: () => site.close(),
  });
  return { url: server.urls[0] ?? '', view, server, asked };
}
