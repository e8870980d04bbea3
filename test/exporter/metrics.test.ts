import { execFile } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { tellOnce } from '../../src/exporter/guard.js';
import { METRICS, SELF_METRICS } from '../../src/exporter/metric-names.js';
import { siteShare } from '../../src/net/descriptor-shares.js';
import { SiteConnections } from '../../src/web/site-connections.js';
import { registerSiteMetrics } from '../../src/web/site-metrics.js';
import { createExporterMetrics, type ExporterMetrics } from '../../src/exporter/metrics.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import {
  ALIVE,
  compliantTarget,
  downTarget,
  eatenTarget,
  FakeView,
  fleet,
  forgettingTarget,
  INTERRUPTED,
  climbingTarget,
  looseTarget,
  makeConfig,
  makeMode,
  makeTarget,
  makeTest,
  SCENE_TIME,
  SILENT,
} from '../support/fake-view.js';
import { requires } from '../support/requires.js';

const BUILD = { version: '1.2.3', revision: 'abcdef0', nodeVersion: 'v0.0.0' };

function make(
  targets: readonly TargetSnapshot[],
  defaultMetrics = false,
): { view: FakeView; metrics: ExporterMetrics } {
  const view = new FakeView(targets);
  return { view, metrics: createExporterMetrics({ view, build: BUILD, defaultMetrics }) };
}

/** The samples of one metric, without HELP and TYPE. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

async function samplesOf(metrics: ExporterMetrics, name: string): Promise<string[]> {
  return samples(await metrics.text(), name);
}

test('createExporterMetrics() shows nothing of a timeout while the search is climbing', async () => {
  const { metrics } = make([climbingTarget('vps', { modes: ['send'] })]);
  const text = await metrics.text();
  expect(samples(text, 'nat_idle_timeout_seconds')).toEqual([]);
  expect(samples(text, 'rfc5382_req5_compliant')).toEqual([]);
  expect(samples(text, 'nat_keepalive_recommended_seconds')).toEqual([]);
  expect(samples(text, 'nat_idle_timeout_lower_bound_seconds')).toEqual([
    'nat_idle_timeout_lower_bound_seconds{target="vps",mode="send"} 600',
  ]);
  expect(samples(text, 'nat_idle_timeout_upper_bound_seconds')).toEqual([
    'nat_idle_timeout_upper_bound_seconds{target="vps",mode="send"} +Inf',
  ]);
});

test('createExporterMetrics() leaves both bounds away while nothing is known', async () => {
  const { metrics } = make([downTarget('gone', { modes: ['send'] })]);
  const text = await metrics.text();
  expect(samples(text, 'nat_idle_timeout_lower_bound_seconds')).toEqual([]);
  expect(samples(text, 'nat_idle_timeout_upper_bound_seconds')).toEqual([]);
  expect(samples(text, 'nat_detected')).toEqual([]);
  expect(samples(text, 'nat_target_up')).toEqual(['nat_target_up{target="gone"} 0']);
});

test('createExporterMetrics() leaves nat_target_up away before the first try ended', async () => {
  const { metrics } = make([makeTarget(makeConfig('new'))]);
  expect(await samplesOf(metrics, 'nat_target_up')).toEqual([]);
});

test('createExporterMetrics() takes a gauge away when its value becomes unknown', async () => {
  const { metrics, view } = make([forgettingTarget('vps', { modes: ['send'] })]);
  expect(await samplesOf(metrics, 'nat_idle_timeout_seconds')).toHaveLength(1);
  view.show([climbingTarget('vps', { modes: ['send'] })]);
  expect(await samplesOf(metrics, 'nat_idle_timeout_seconds')).toEqual([]);
});

test('createExporterMetrics() shows an upper bound without a lower one', async () => {
  const config = makeConfig('vps', { modes: ['keepalive'] });
  const { metrics } = make([
    makeTarget(config, { modes: [makeMode('keepalive', { upper: 15, deaths: 3 })] }),
  ]);
  const text = await metrics.text();
  expect(samples(text, 'nat_idle_timeout_lower_bound_seconds')).toEqual([]);
  expect(samples(text, 'nat_idle_timeout_upper_bound_seconds')).toEqual([
    'nat_idle_timeout_upper_bound_seconds{target="vps",mode="keepalive"} 15',
  ]);
});

test('createExporterMetrics() starts the counters that can exist at 0', async () => {
  const { metrics } = make([climbingTarget('vps', { modes: ['send'] })]);
  const text = await metrics.text();
  expect(samples(text, 'nat_probe_verdicts_total')).toEqual([
    'nat_probe_verdicts_total{target="vps",mode="send",verdict="alive",reason="answered"} 0',
    'nat_probe_verdicts_total{target="vps",mode="send",verdict="dead",reason="silence"} 0',
  ]);
  expect(samples(text, 'nat_idle_timeout_changes_total')).toEqual([
    'nat_idle_timeout_changes_total{target="vps",mode="send",direction="drop"} 0',
    'nat_idle_timeout_changes_total{target="vps",mode="send",direction="rise"} 0',
  ]);
  expect(samples(text, 'nat_probe_early_deaths_total')).toEqual([
    'nat_probe_early_deaths_total{target="vps",mode="send"} 0',
  ]);
  expect(samples(text, 'nat_mapping_losses_total')).toEqual(['nat_mapping_losses_total{target="vps"} 0']);
});

test('createExporterMetrics() counts events that come before the first scrape', async () => {
  const target = climbingTarget('vps', { modes: ['send'] });
  const { metrics } = make([target]);
  metrics.observer.tested?.(target.config, 'send', makeTest(1, 15, ALIVE));
  metrics.observer.tested?.(target.config, 'send', makeTest(2, 60, INTERRUPTED));
  metrics.observer.earlyDeath?.(target.config, 'send', 10);
  metrics.observer.changed?.(target.config, 'send', 'drop');
  metrics.observer.mappingLoss?.(target.config);
  const text = await metrics.text();
  expect(text).toContain(
    'nat_probe_verdicts_total{target="vps",mode="send",verdict="alive",reason="answered"} 1\n',
  );
  expect(text).toContain(
    'nat_probe_verdicts_total{target="vps",mode="send",verdict="inconclusive",reason="interrupted"} 1\n',
  );
  expect(text).toContain('nat_probe_early_deaths_total{target="vps",mode="send"} 1\n');
  expect(text).toContain('nat_idle_timeout_changes_total{target="vps",mode="send",direction="drop"} 1\n');
  expect(text).toContain('nat_mapping_losses_total{target="vps"} 1\n');
});

test('createExporterMetrics() keeps counters over a reload only where the target is unchanged', async () => {
  const kept = climbingTarget('kept', { modes: ['send'], labels: { site: 'a' } });
  const moved = climbingTarget('moved', { modes: ['send'], labels: { site: 'b' } });
  const gone = climbingTarget('gone', { modes: ['send'], labels: { site: 'c' } });
  const { metrics, view } = make([kept, moved, gone]);
  for (const target of [kept, moved, gone]) {
    metrics.observer.tested?.(target.config, 'send', makeTest(1, 15, SILENT));
    metrics.observer.mappingLoss?.(target.config);
  }
  view.show([
    climbingTarget('kept', { modes: ['send', 'recv'], labels: { site: 'a' } }),
    climbingTarget('moved', { modes: ['send'], labels: { site: 'elsewhere' } }),
  ]);
  metrics.reload(true, SCENE_TIME);
  metrics.observer.tested?.(gone.config, 'send', makeTest(2, 15, SILENT));
  const text = await metrics.text();
  expect(text).not.toContain('target="gone"');
  expect(text).not.toContain('site="b"');
  const dead = 'verdict="dead",reason="silence"';
  const deaths = samples(text, 'nat_probe_verdicts_total').filter((line) => line.includes(dead));
  expect(deaths.sort()).toEqual([
    `nat_probe_verdicts_total{target="kept",mode="recv",site="a",${dead}} 0`,
    `nat_probe_verdicts_total{target="kept",mode="send",site="a",${dead}} 1`,
    `nat_probe_verdicts_total{target="moved",mode="send",site="elsewhere",${dead}} 0`,
  ]);
  expect(samples(text, 'nat_mapping_losses_total').sort()).toEqual([
    'nat_mapping_losses_total{target="kept",site="a"} 1',
    'nat_mapping_losses_total{target="moved",site="elsewhere"} 0',
  ]);
  expect(samples(text, 'nat_probe_idle_seconds_count')).toHaveLength(1);
});

test('createExporterMetrics() follows a reload that gives every target a new label', async () => {
  const { metrics, view } = make([forgettingTarget('vps', { modes: ['send'] })]);
  await metrics.text();
  view.show([forgettingTarget('vps', { modes: ['send'], labels: { isp: 'x' } })]);
  metrics.reload(true, SCENE_TIME);
  expect(await samplesOf(metrics, 'nat_idle_timeout_seconds')).toEqual([
    'nat_idle_timeout_seconds{target="vps",mode="send",isp="x"} 3598',
  ]);
});

test('a reload while a scrape gathers its snapshots loses no count', async () => {
  const old = [climbingTarget('kept', { modes: ['send'] }), climbingTarget('gone', { modes: ['send'] })];
  const fresh = climbingTarget('fresh', { modes: ['send'] });
  let targets = old;
  let between = (): void => undefined;
  const view = {
    targets: () => targets,
    *snapshots() {
      for (const each of targets) {
        yield each;
        between();
      }
    },
  };
  const metrics = createExporterMetrics({ view, build: BUILD, defaultMetrics: false });
  await metrics.text();
  between = () => {
    between = () => undefined;
    targets = [climbingTarget('kept', { modes: ['send'] }), fresh];
    metrics.reload(true, SCENE_TIME);
    metrics.observer.mappingLoss?.(fresh.config);
  };
  await metrics.text();
  expect((await samplesOf(metrics, 'nat_mapping_losses_total')).sort()).toEqual([
    'nat_mapping_losses_total{target="fresh"} 1',
    'nat_mapping_losses_total{target="kept"} 0',
  ]);
});

test('createExporterMetrics() says how the newest reload went, and nothing before the first', async () => {
  const { metrics } = make([]);
  const { reloadSuccessful, reloadTimestamp } = SELF_METRICS;
  expect(await samplesOf(metrics, reloadSuccessful.name)).toEqual([]);
  metrics.reload(true, 100);
  metrics.reload(false, 200);
  const text = await metrics.text();
  expect(samples(text, reloadSuccessful.name)).toEqual([`${reloadSuccessful.name} 0`]);
  expect(samples(text, reloadTimestamp.name)).toEqual([`${reloadTimestamp.name} 100`]);
});

test('moments of the program itself keep their age when the clock is set, and are absent until then', async () => {
  const { reloadTimestamp } = SELF_METRICS;
  vi.useFakeTimers({ toFake: ['Date'], now: 100_000 });
  try {
    const { metrics } = make([], true);
    metrics.reload(true, 90);
    const started = 'process_start_time_seconds';
    expect(await samplesOf(metrics, reloadTimestamp.name)).toEqual([]);
    expect(await samplesOf(metrics, started)).toEqual([]);
    vi.setSystemTime(1_800_000_000_000);
    metrics.observer.stepped?.({ from: 100, by: 1_799_999_900 });
    expect(await samplesOf(metrics, reloadTimestamp.name)).toEqual([`${reloadTimestamp.name} 1799999990`]);
    const [start = ''] = await samplesOf(metrics, started);
    const age = 1_800_000_000 - Number(start.split(' ')[1]);
    expect(Math.abs(age - process.uptime())).toBeLessThan(10);
  } finally {
    vi.useRealTimers();
  }
});

test('createExporterMetrics() shows the other targets when one cannot be read, and tells of it', async () => {
  const broken = makeTarget(makeConfig('broken'));
  Object.defineProperty(broken, 'modes', {
    get: () => {
      throw new Error('damaged');
    },
  });
  const view = new FakeView([broken, makeTarget(makeConfig('sound'), { up: true })]);
  const told: string[] = [];
  const metrics = createExporterMetrics({
    view,
    build: { version: '1', revision: '2' },
    defaultMetrics: false,
    onBroken: tellOnce((name, error) => told.push(`${name}: ${String(error)}`)),
  });
  for (let scrape = 0; scrape < 3; scrape++)
    expect(await samplesOf(metrics, METRICS.up.name)).toEqual([`${METRICS.up.name}{target="sound"} 1`]);
  expect(told).toEqual(['broken: Error: damaged']);
});

test('createExporterMetrics() drops the target label of the histogram above 200 targets and keeps counters', async () => {
  const small = fleet(200);
  const { metrics, view } = make(small);
  const first = small[0] as TargetSnapshot;
  metrics.observer.tested?.(first.config, 'send', makeTest(1, 15, ALIVE));
  const count = 'nat_probe_idle_seconds_count';
  expect((await samplesOf(metrics, count)).every((line) => line.includes('target="site-01"'))).toBe(true);
  const large = [...small, climbingTarget('one-more', { labels: { site: 's', isp: 'i' } })];
  view.show(large);
  metrics.reload(true, SCENE_TIME);
  metrics.observer.tested?.(first.config, 'send', makeTest(2, 15, ALIVE));
  const text = await metrics.text();
  expect(samples(text, count).map(sortLabels)).toEqual([
    'nat_probe_idle_seconds_count{isp="isp-0",mode="send",site="site-01",verdict="alive"} 1',
  ]);
  expect(samples(text, 'nat_probe_verdicts_total').filter((line) => line.endsWith(' 2'))).toHaveLength(1);
  view.show(large.slice(1));
  metrics.reload(true, SCENE_TIME);
  expect(await samplesOf(metrics, count)).toEqual([]);
});

test('createExporterMetrics() escapes label values', async () => {
  const { metrics } = make([downTarget('v', { labels: { note: 'a"b\\c\nd' } })]);
  expect(await samplesOf(metrics, 'nat_target_up')).toEqual([
    'nat_target_up{target="v",note="a\\"b\\\\c\\nd"} 0',
  ]);
});

test('createExporterMetrics() registers every described metric and no other', async () => {
  const { metrics } = make([forgettingTarget()]);
  const types = (await metrics.text()).split('\n').filter((line) => line.startsWith('# TYPE '));
  const names = types.map((line) => line.split(' ')[2]);
  const described = [...Object.values(METRICS), ...Object.values(SELF_METRICS)].map(({ name }) => name);
  expect(names.sort()).toEqual([...described].sort());
});

test('the metrics of a scripted fleet are those of the golden file', async () => {
  const labels = (site: string) => ({ labels: { site } });
  const targets = [
    climbingTarget('climbing', labels('home')),
    forgettingTarget('forgetting', labels('home')),
    compliantTarget('compliant', labels('office')),
    looseTarget('loose', labels('office')),
    downTarget('down', labels('far')),
    eatenTarget('eaten', labels('far')),
  ];
  const { metrics } = make(targets);
  metrics.reload(true, SCENE_TIME - 10000);
  for (const target of targets) {
    for (const mode of target.modes) {
      for (const record of mode.tests) metrics.observer.tested?.(target.config, mode.mode, record);
    }
  }
  const forgetting = targets[1] as TargetSnapshot;
  metrics.observer.changed?.(forgetting.config, 'send', 'drop');
  metrics.observer.earlyDeath?.(forgetting.config, 'recv', 900);
  metrics.observer.mappingLoss?.(forgetting.config);
  metrics.targetFiles(new Map([['/etc/nat-idle-exporter/sites/north.yaml', 0]]));
  metrics.unaccountedDescriptors(0);
  registerSiteMetrics(metrics.registry, new SiteConnections(siteShare(1024)));
  const text = await metrics.text();
  await expect(text).toMatchFileSnapshot('../golden/metrics.prom');
});

requires({ packages: ['prometheus'] }).describe('promtool check metrics', () => {
  test('finds nothing, default metrics included', async () => {
    const view = new FakeView(fleet(5));
    const metrics = createExporterMetrics({ view, build: BUILD });
    metrics.reload(true, SCENE_TIME);
    const first = view.targets()[0] as TargetSnapshot;
    metrics.observer.tested?.(first.config, 'send', makeTest(1, 15, SILENT));
    const text = await metrics.text();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(await promtoolCheck(text)).toEqual({ code: 0, output: '' });
  });
});

function promtoolCheck(text: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', ['check', 'metrics'], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
    child.stdin?.end(text);
  });
}

/** The same sample with its labels in alphabetical order. */
function sortLabels(sample: string): string {
  const match = /^([^{]+)\{(.*)\} (.*)$/.exec(sample);
  if (match === null) return sample;
  const [, name = '', labels = '', value = ''] = match;
  return `${name}{${labels.split(',').sort().join(',')}} ${value}`;
}

test('createExporterMetrics() gives other work a turn while a large fleet is written', async () => {
  const { metrics } = make(fleet(300));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await metrics.text();
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});

test('createExporterMetrics() answers scrapes of the same moment with the same text', async () => {
  const { metrics } = make(fleet(5));
  const [first, second] = await Promise.all([metrics.text(), metrics.text()]);
  expect(second).toBe(first);
  expect(first).toContain('nat_idle_timeout_seconds{');
});

test('createExporterMetrics() counts events of a target whose configuration object was copied', async () => {
  const target = climbingTarget('vps', { modes: ['send'], labels: { site: 'a' } });
  const { metrics } = make([target]);
  metrics.observer.mappingLoss?.({ ...target.config, labels: { ...target.config.labels } });
  metrics.observer.mappingLoss?.({ ...target.config, labels: { site: 'another' } });
  expect(await samplesOf(metrics, 'nat_mapping_losses_total')).toEqual([
    'nat_mapping_losses_total{target="vps",site="a"} 1',
  ]);
});

test('a fleet is written in pieces; between them others have their turn and the configuration may change', async () => {
  const { view, metrics } = make(fleet(400));
  const whole = await metrics.text();
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const pieces: string[] = [];
  for await (const piece of metrics.pieces()) pieces.push(piece);
  counting = false;
  expect(pieces.length).toBeGreaterThan(5);
  expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
  expect(pieces.join('')).toBe(whole);

  const halfway: string[] = [];
  for await (const piece of metrics.pieces()) {
    halfway.push(piece);
    if (halfway.length === 1) {
      view.show([makeTarget(makeConfig('other', { labels: { rack: 'a' } }), { up: true })]);
      metrics.reload(true, SCENE_TIME);
    }
  }
  const families = halfway.join('').split('\n\n');
  expect(families.every((family) => family.startsWith('# HELP '))).toBe(true);
  expect(new Set(families.map((family) => family.split(' ')[2])).size).toBe(families.length);
  expect(await samplesOf(metrics, 'nat_target_up')).toEqual([
    expect.stringContaining('target="other",rack="a"'),
  ]);
});
