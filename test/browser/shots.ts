/**
 * `tsx test/browser/shots.ts FOLDER`: every scene of the status page at three widths, light and dark, to be looked at.
 * `tsx test/browser/shots.ts`: the pictures of README and docs, into docs/images.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { alertPage } from './alert-page.js';
import { launchChromium, SCENES, servePage } from './scenes.js';

interface Shot {
  readonly scene: string;
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  readonly file: string;
  /** The part of the page that is wanted, as a CSS selector; all of it unless given. */
  readonly part?: string;
}

const IMAGES = 'docs/images';
const PICTURES: readonly Shot[] = [
  { scene: 'after a verdict', width: 1200, scheme: 'light', file: 'status-after-verdict.png' },
  { scene: 'climbing', width: 1200, scheme: 'dark', file: 'status-climbing-dark.png' },
  {
    scene: 'which box forgets',
    width: 1280,
    scheme: 'light',
    file: 'status-located.png',
    part: '#t-home .routes',
  },
];
const EVERYTHING: readonly Shot[] = Object.keys(SCENES).flatMap((scene) =>
  [360, 768, 1280].flatMap((width) =>
    (['light', 'dark'] as const).map((scheme) => ({
      scene,
      width,
      scheme,
      file: `${scene}-${width}-${scheme}.png`.replaceAll(' ', '-'),
    })),
  ),
);

const [folder] = process.argv.slice(2);
const chromium = await launchChromium();
mkdirSync(folder ?? IMAGES, { recursive: true });
for (const { scene, width, scheme, file, part } of folder === undefined ? PICTURES : EVERYTHING) {
  const { url, server } = await servePage(SCENES[scene]?.() ?? []);
  const context = await chromium.browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('#live.good').waitFor();
  const path = join(folder ?? IMAGES, file);
  await (part === undefined
    ? page.screenshot({ path, fullPage: true })
    : page.locator(part).screenshot({ path }));
  await context.close();
  await server.close();
}
if (folder === undefined) {
  const page = await chromium.browser.newPage({ viewport: { width: 860, height: 500 } });
  await page.setContent(alertPage());
  await page.locator('article').screenshot({ path: join(IMAGES, 'alert.png') });
}
await chromium.close();
