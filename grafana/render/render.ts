/**
 * `npm run grafana:render`: draws the committed dashboards with Grafana's own components, from a real Prometheus
 * that knows the scripted story of the tests, and saves the pictures in docs/images.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { renderRecordingRules } from '../../prometheus/src/render.js';
import { readDashboard } from '../../test/support/panels.js';
import { startPrometheus } from '../../test/support/prometheus.js';
import { missing } from '../../test/support/requires.js';
import { CHAPTERS, tellStory } from '../../test/support/story.js';
import { bundlePage } from './bundle.js';
import { CHROMIUM, openCamera } from './picture.js';
import { PICTURES } from './pictures.js';
import { sceneOf } from './questions.js';

/** The day of the story: always the same, so that a picture changes only with what it shows. */
const BEGIN = Date.UTC(2026, 2, 1) / 1000;
/** Seconds between two points: those of the story. */
const STEP = 300;
const IMAGES = new URL('../../docs/images/', import.meta.url);

async function render(): Promise<void> {
  const bundle = await bundlePage();
  const prometheus = await startPrometheus(await tellStory(BEGIN), {
    rules: renderRecordingRules(),
    past: { from: BEGIN, to: BEGIN + CHAPTERS.end, step: STEP },
  });
  try {
    const camera = await openCamera(bundle);
    try {
      mkdirSync(IMAGES, { recursive: true });
      for (const { file, dashboard, until, ...rest } of PICTURES) {
        const sight = { from: BEGIN, to: BEGIN + until, step: STEP, ...rest };
        const scene = await sceneOf(prometheus, readDashboard(dashboard), sight);
        const png = await camera.picture(scene);
        writeFileSync(new URL(file, IMAGES), png);
        console.log(
          `docs/images/${file}: ${scene.panels.length} panels, ${Math.round(png.length / 1024)} KiB`,
        );
      }
    } finally {
      await camera.close();
    }
  } finally {
    await prometheus.close();
  }
}

const lacking = [
  ...missing({ packages: ['prometheus'] }),
  ...(existsSync(CHROMIUM) ? [] : [`missing package chromium (no ${CHROMIUM})`]),
];
if (lacking.length > 0) {
  console.error(`grafana:render cannot run here: ${lacking.join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    await render();
  } catch (error) {
    console.error(`grafana:render: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
