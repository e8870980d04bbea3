/** The series of the probes that a fleet shares. */
import { expect, test } from 'vitest';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { ALIVE, FakeView, SCENE_TIME, climbingTarget, fleet, makeTest } from '../support/fake-view.js';

/** What the program has for it. */
const HISTOGRAM_TARGET_LIMIT = 200;

const COUNT = 'nat_probe_idle_seconds_count';

/** More targets than a histogram of each is kept for; the first ones as given. */
function manyTargets(...first: readonly TargetSnapshot[]): TargetSnapshot[] {
  return [...first, ...fleet(HISTOGRAM_TARGET_LIMIT + 1)];
}

/** The labels of every histogram that is shown, once each. */
async function histograms(metrics: ExporterMetrics): Promise<string[]> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith(COUNT));
  return lines.map((line) => /site="[^"]*"/.exec(line)?.[0] ?? '').sort();
}

test('a histogram that several targets share is gone when the last of them is', async () => {
  const labels = { site: 'shared', isp: 'x' };
  const one = climbingTarget('one', { labels });
  const two = climbingTarget('two', { labels });
  const view = new FakeView(manyTargets(one, two));
  const build = { version: '1', revision: 'a' };
  const metrics = new ExporterMetrics({ view, build, defaultMetrics: false });
  const stays = view.targets()[5] as TargetSnapshot;
  for (const { config } of [one, two, stays])
    metrics.observer.tested?.(config, 'send', makeTest(1, 15, ALIVE));
  const others = `site="${String(stays.config.labels['site'])}"`;
  expect(await histograms(metrics)).toEqual(['site="shared"', others].sort());

  view.show(manyTargets(two));
  metrics.reload(true, SCENE_TIME);
  expect(await histograms(metrics)).toEqual(['site="shared"', others].sort());

  view.show(manyTargets());
  metrics.reload(true, SCENE_TIME);
  expect(await histograms(metrics)).toEqual([others]);
});

test('targets share a histogram in whatever order their labels are written', async () => {
  const one = climbingTarget('one', { labels: { site: 'shared', isp: 'x' } });
  const two = climbingTarget('two', { labels: { isp: 'x', site: 'shared' } });
  const view = new FakeView(manyTargets(one, two));
  const build = { version: '1', revision: 'a' };
  const metrics = new ExporterMetrics({ view, build, defaultMetrics: false });
  for (const { config } of [one, two]) metrics.observer.tested?.(config, 'send', makeTest(1, 15, ALIVE));
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith(COUNT));
  expect(lines).toEqual([expect.stringMatching(/ 2$/)]);
});

test('the histogram of a mode that no target measures any more is gone', async () => {
  const labels = { site: 'own', isp: 'x' };
  const both = climbingTarget('own', { labels, modes: ['send', 'recv'] });
  const view = new FakeView(manyTargets(both));
  const build = { version: '1', revision: 'a' };
  const metrics = new ExporterMetrics({ view, build, defaultMetrics: false });
  for (const mode of ['send', 'recv'] as const)
    metrics.observer.tested?.(both.config, mode, makeTest(1, 15, ALIVE));
  expect(await histograms(metrics)).toEqual(['site="own"', 'site="own"']);
  view.show(manyTargets(climbingTarget('own', { labels, modes: ['send'] })));
  metrics.reload(true, SCENE_TIME);
  const left = (await metrics.text()).split('\n').filter((line) => line.startsWith(COUNT));
  expect(left).toEqual([expect.stringContaining('mode="send"')]);
});
