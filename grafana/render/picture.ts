/** Draws scenes in Debian's Chromium and takes their pictures; nothing is fetched from the network. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type BrowserContext, chromium, type Route } from 'playwright-core';
import { type Bundle, MODULES } from './bundle.js';
import type { Scene } from './scene.js';

export const CHROMIUM = '/usr/bin/chromium';

/** Pixels; the height is that of the dashboard. */
const WIDTH = 1600;

/** No such host: every request is answered from here. */
const ORIGIN = 'http://grafana.invalid';

export interface Camera {
  /** The dashboard as a PNG. @throws when the page cannot draw it or complains about anything */
  picture(scene: Scene): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openCamera(bundle: Bundle): Promise<Camera> {
  const profile = mkdtempSync(join(tmpdir(), 'nat-idle-render-'));
  let context: BrowserContext;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      headless: true,
      viewport: { width: WIDTH, height: 1200 },
      deviceScaleFactor: 1,
      locale: 'en-GB',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  } catch (error) {
    rmSync(profile, { recursive: true, force: true });
    throw error;
  }
  return {
    picture: async (scene) => {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.route('**/*', (route) => answer(route, bundle, complaints));
      await page.addInitScript(`window.scene = ${JSON.stringify(scene)}`);
      await page.goto(`${ORIGIN}/`);
      await page.waitForSelector('body[data-panels], body[data-failure]', { state: 'attached' });
      const failure = await page.getAttribute('body', 'data-failure');
      if (failure !== null) throw new Error(failure);
      await page.waitForLoadState('networkidle');
      if (complaints.length > 0) throw new Error(`${scene.title}: the page says: ${complaints.join('; ')}`);
      const png = await page.locator('main').screenshot({ animations: 'disabled' });
      await page.close();
      return png;
    },
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

const ICONS = /^\/public\/build\/img\/icons\/((?:unicons|mono|solid|custom)\/[\w-]+\.svg)$/;

/** The page, its script and styles, Grafana's icons, and the font that Grafana ships with its server. */
async function answer(route: Route, bundle: Bundle, complaints: string[]): Promise<void> {
  const { pathname } = new URL(route.request().url());
  const icon = ICONS.exec(pathname)?.[1];
  const font = /Inter-(Regular|Medium)\.woff2$/.exec(pathname)?.[1];
  if (pathname === '/') {
    return route.fulfill({
      contentType: 'text/html; charset=utf-8',
      body: '<!doctype html><link rel="stylesheet" href="/page.css"><body><script src="/page.js"></script>',
    });
  }
  if (pathname === '/page.js') {
    return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: bundle.script });
  }
  if (pathname === '/page.css') {
    return route.fulfill({ contentType: 'text/css; charset=utf-8', body: bundle.styles });
  }
  if (pathname === '/favicon.ico') return route.fulfill({ status: 204 });
  const file =
    icon !== undefined
      ? `${MODULES}@grafana/ui/dist/public/img/icons/${icon}`
      : font !== undefined
        ? `${MODULES}@fontsource/inter/files/inter-latin-${font === 'Medium' ? '500' : '400'}-normal.woff2`
        : undefined;
  if (file === undefined || !existsSync(file)) {
    complaints.push(`no ${basename(pathname)} for ${pathname}`);
    return route.fulfill({ status: 404 });
  }
  return route.fulfill({
    contentType: file.endsWith('.svg') ? 'image/svg+xml' : 'font/woff2',
    body: readFileSync(file),
  });
}
