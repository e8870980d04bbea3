import { execFile } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { labelSet } from '../../src/exporter/label-set.js';
import { tellOnce } from '../../src/exporter/guard.js';
import { FAMILIES } from '../../src/exporter/families.js';
import { REMOTE_WRITE_FAMILIES, SELF_FAMILIES } from '../../src/exporter/self-families.js';
import { siteShare } from '../../src/net/descriptor-shares.js';
import { SiteConnections } from '../../src/web/site-connections.js';
import { registerSiteMetrics } from '../../src/web/site-metrics.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import {
  ALIVE,
  compliantTarget,
  downTarget,
  eatenTarget,
  pooledTarget,
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
import { BRIDGE_MODEM, locating, MIXED, PROFILE } from '../support/located.js';
import { requires } from '../support/requires.js';

const RELOAD_SUCCESSFUL = 'nat_idle_exporter_config_last_reload_successful';
const RELOAD_TIMESTAMP = 'nat_idle_exporter_config_last_reload_success_timestamp_seconds';
const BUILD = { version: '1.2.3', revision: 'abcdef0', nodeVersion: 'v0.0.0' };

function make(
  targets: readonly TargetSnapshot[],
  defaultMetrics = false,
): { view: FakeView; metrics: ExporterMetrics } {
  const view = new FakeView(targets);
  return { view, metrics: new ExporterMetrics({ view, build: BUILD, defaultMetrics }) };
}

/** The samples of one metric, without HELP and TYPE. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

async function samplesOf(metrics: ExporterMetrics, name: string): Promise<string[]> {
  return samples(await metrics.text(), name);
}

test('ExporterMetrics shows nothing of a timeout while the search is climbing', async () => {
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

test('ExporterMetrics says whether the advice helps, once it was tried', async () => {
  const name = 'nat_keepalive_verified';
  const { metrics, view } = make([forgettingTarget()]);
  expect(await samplesOf(metrics, name)).toEqual([
    `${name}{target="vps",kind="keepalive"} 1`,
    `${name}{target="vps",kind="data"} 1`,
  ]);
  const { proving, ...target } = forgettingTarget();
  const [keepalive] = proving?.proofs ?? [];
  if (proving === undefined || keepalive === undefined) throw new Error('nothing was tried');
  view.show([{ ...target, proving: { ...proving, proofs: [{ ...keepalive, held: false }] } }]);
  expect(await samplesOf(metrics, name)).toEqual([`${name}{target="vps",kind="keepalive"} 0`]);
  view.show([
    { ...target, proving: { ...proving, proofs: [] } },
    { ...target, config: makeConfig('x') },
  ]);
  expect(await samplesOf(metrics, name)).toEqual([]);
});

test('ExporterMetrics says which box forgets, once it was located, and what is left without it', async () => {
  const target = forgettingTarget();
  const { metrics, view } = make([
    { ...target, locating: locating({ result: BRIDGE_MODEM, profile: PROFILE }) },
  ]);
  const text = await metrics.text();
  expect(samples(text, 'nat_forgetting_box_info')).toEqual([
    'nat_forgetting_box_info{target="vps",mode="send",hop="0-1",kind="transparent",place="before_hop_1"} 1',
  ]);
  expect(samples(text, 'nat_forgetting_hop')).toEqual([
    'nat_forgetting_hop{target="vps",mode="send",side="client"} 1',
    'nat_forgetting_hop{target="vps",mode="send",side="responder"} 4',
  ]);
  expect(samples(text, 'nat_path_hops')).toEqual([
    'nat_path_hops{target="vps",side="client"} 3',
    'nat_path_hops{target="vps",side="responder"} 3',
  ]);
  expect(samples(text, 'nat_hop_idle_timeout_seconds')).toEqual([
    'nat_hop_idle_timeout_seconds{target="vps",mode="send",hop="0-1"} 3600',
  ]);
  expect(samples(text, 'nat_hop_idle_timeout_upper_bound_seconds')).toEqual([
    'nat_hop_idle_timeout_upper_bound_seconds{target="vps",mode="send",hop="0-1"} 3602',
    'nat_hop_idle_timeout_upper_bound_seconds{target="vps",mode="send",hop="1"} +Inf',
  ]);
  expect(samples(text, 'nat_idle_timeout_behind_seconds')).toEqual([
    'nat_idle_timeout_behind_seconds{target="vps",mode="send",hop="0-1"} 7440',
  ]);
  expect(samples(text, 'nat_localization_last_confirmed_timestamp_seconds')).toEqual([
    `nat_localization_last_confirmed_timestamp_seconds{target="vps",mode="send"} ${SCENE_TIME - 3600}`,
  ]);
  // What routers told stands in no label.
  expect(text).not.toContain('100.64.2.1');
  view.show([{ ...target, locating: locating({ result: MIXED }) }]);
  const without = await metrics.text();
  expect(samples(without, 'nat_forgetting_box_info')).toEqual([]);
  expect(samples(without, 'nat_localization_last_confirmed_timestamp_seconds')).toEqual([]);
});

test('ExporterMetrics counts the tests of localisations, by who kept the connection fresh', async () => {
  const { metrics, view } = make([forgettingTarget()]);
  const [{ config } = forgettingTarget()] = view.targets();
  for (const side of ['client', 'client', 'both'] as const)
    metrics.observer.localized?.(config, 'send', side, ALIVE);
  expect(await samplesOf(metrics, 'nat_localization_tests_total')).toEqual([
    'nat_localization_tests_total{target="vps",mode="send",side="client",verdict="alive"} 2',
    'nat_localization_tests_total{target="vps",mode="send",side="both",verdict="alive"} 1',
  ]);
});

test('ExporterMetrics leaves both bounds away while nothing is known', async () => {
  const { metrics } = make([downTarget('gone', { modes: ['send'] })]);
  const text = await metrics.text();
  expect(samples(text, 'nat_idle_timeout_lower_bound_seconds')).toEqual([]);
  expect(samples(text, 'nat_idle_timeout_upper_bound_seconds')).toEqual([]);
  expect(samples(text, 'nat_detected')).toEqual([]);
  expect(samples(text, 'nat_target_up')).toEqual(['nat_target_up{target="gone"} 0']);
});

test('ExporterMetrics leaves nat_target_up away before the first try ended', async () => {
  const { metrics } = make([makeTarget(makeConfig('new'))]);
  expect(await samplesOf(metrics, 'nat_target_up')).toEqual([]);
});

test('ExporterMetrics takes a gauge away when its value becomes unknown', async () => {
  const { metrics, view } = make([forgettingTarget('vps', { modes: ['send'] })]);
  expect(await samplesOf(metrics, 'nat_idle_timeout_seconds')).toHaveLength(1);
  view.show([climbingTarget('vps', { modes: ['send'] })]);
  expect(await samplesOf(metrics, 'nat_idle_timeout_seconds')).toEqual([]);
});

test('ExporterMetrics shows an upper bound without a lower one', async () => {
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

test('ExporterMetrics starts the counters that can exist at 0', async () => {
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

test('ExporterMetrics counts events that come before the first scrape', async () => {
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

test('ExporterMetrics keeps counters over a reload only where the target is unchanged', async () => {
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

test('ExporterMetrics keeps counters of a target whose labels are written in another order', async () => {
  const { metrics, view } = make([climbingTarget('vps', { labels: { site: 'a', isp: 'x' } })]);
  const [before] = view.targets();
  if (before === undefined) throw new Error('no target');
  metrics.observer.mappingLoss?.(before.config);
  metrics.observer.tested?.(before.config, 'send', makeTest(1, 15, ALIVE));
  view.show([climbingTarget('vps', { labels: { isp: 'x', site: 'a' } })]);
  metrics.reload(true, SCENE_TIME);
  const text = await metrics.text();
  expect(samples(text, 'nat_mapping_losses_total')).toEqual([expect.stringMatching(/ 1$/)]);
  expect(samples(text, 'nat_probe_idle_seconds_count')).toEqual([expect.stringMatching(/ 1$/)]);
});

test('ExporterMetrics has no series of remote write while it is not configured', async () => {
  const { metrics } = make([]);
  const stats = { samples: 1, dropped: { queue_full: 0, refused: 0 }, pending: 0, failures: 0 };
  const count = async () => (await metrics.text()).split('nat_idle_exporter_remote_write_').length - 1;
  expect(await count()).toBe(0);
  metrics.remoteWrite(() => ({ ...stats, lastSuccess: undefined }));
  const text = await metrics.text();
  expect(samples(text, 'nat_idle_exporter_remote_write_samples_total')).toHaveLength(1);
  expect(samples(text, 'nat_idle_exporter_remote_write_last_success_timestamp_seconds')).toEqual([]);
  metrics.remoteWrite(() => ({ ...stats, samples: 2, lastSuccess: 5 }));
  expect(await samplesOf(metrics, 'nat_idle_exporter_remote_write_samples_total')).toEqual([
    'nat_idle_exporter_remote_write_samples_total 2',
  ]);
  metrics.remoteWrite(undefined);
  expect(await count()).toBe(0);
});

test('ExporterMetrics follows a reload that gives every target a new label', async () => {
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
  const metrics = new ExporterMetrics({ view, build: BUILD, defaultMetrics: false });
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

test('ExporterMetrics says how the newest reload went, and nothing before the first', async () => {
  const { metrics } = make([]);
  expect(await samplesOf(metrics, RELOAD_SUCCESSFUL)).toEqual([]);
  metrics.reload(true, 100);
  metrics.reload(false, 200);
  const text = await metrics.text();
  expect(samples(text, RELOAD_SUCCESSFUL)).toEqual([`${RELOAD_SUCCESSFUL} 0`]);
  expect(samples(text, RELOAD_TIMESTAMP)).toEqual([`${RELOAD_TIMESTAMP} 100`]);
});

test('moments of the program itself keep their age when the clock is set, and are absent until then', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 100_000 });
  try {
    const { metrics } = make([], true);
    metrics.reload(true, 90);
    const started = 'process_start_time_seconds';
    expect(await samplesOf(metrics, RELOAD_TIMESTAMP)).toEqual([]);
    expect(await samplesOf(metrics, started)).toEqual([]);
    vi.setSystemTime(1_800_000_000_000);
    metrics.observer.stepped?.({ from: 100, by: 1_799_999_900 });
    expect(await samplesOf(metrics, RELOAD_TIMESTAMP)).toEqual([`${RELOAD_TIMESTAMP} 1799999990`]);
    const [start = ''] = await samplesOf(metrics, started);
    const age = 1_800_000_000 - Number(start.split(' ')[1]);
    expect(Math.abs(age - process.uptime())).toBeLessThan(10);
  } finally {
    vi.useRealTimers();
  }
});

test('ExporterMetrics shows the other targets when one cannot be read, and tells of it', async () => {
  const broken = makeTarget(makeConfig('broken'));
  Object.defineProperty(broken, 'modes', {
    get: () => {
      throw new Error('damaged');
    },
  });
  const view = new FakeView([broken, makeTarget(makeConfig('sound'), { up: true })]);
  const told: string[] = [];
  const metrics = new ExporterMetrics({
    view,
    build: { version: '1', revision: '2' },
    defaultMetrics: false,
    onBroken: tellOnce((name, error) => told.push(`${name}: ${String(error)}`)),
  });
  for (let scrape = 0; scrape < 3; scrape++)
    expect(await samplesOf(metrics, 'nat_target_up')).toEqual(['nat_target_up{target="sound"} 1']);
  expect(told).toEqual(['broken: Error: damaged']);
});

test('ExporterMetrics drops the target label of the histogram above 200 targets and keeps counters', async () => {
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

test('ExporterMetrics escapes label values', async () => {
  const { metrics } = make([downTarget('v', { labels: { note: 'a"b\\c\nd' } })]);
  expect(await samplesOf(metrics, 'nat_target_up')).toEqual([
    'nat_target_up{target="v",note="a\\"b\\\\c\\nd"} 0',
  ]);
});

test('ExporterMetrics registers every described metric and no other', async () => {
  const { metrics } = make([forgettingTarget()]);
  const types = (await metrics.text()).split('\n').filter((line) => line.startsWith('# TYPE '));
  const names = types.map((line) => line.split(' ')[2]);
  const described = [...FAMILIES, ...SELF_FAMILIES].map(({ name }) => name);
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

/** A fleet of odd labels in which everything has happened, so that every family has a sample. */
function everything(): ExporterMetrics {
  const odd = { labels: { note: 'a"b\\c\nd\u2028', site: 'ü, {1} 2' } };
  const targets = [
    forgettingTarget('one', odd),
    eatenTarget('two', odd),
    climbingTarget('three', odd),
    pooledTarget('four', odd),
  ].map((target) => ({
    ...target,
    announced: true,
    conntrack: { local: 432_000, responder: 600 },
    locating: locating({ result: BRIDGE_MODEM, profile: PROFILE }),
  }));
  const build = { ...BUILD, demo: true };
  const metrics = new ExporterMetrics({ view: new FakeView(targets), build, defaultMetrics: false });
  metrics.reload(true, SCENE_TIME);
  metrics.targetFiles(new Map([['/etc/a"b.yaml', 2]]));
  metrics.unaccountedDescriptors(3);
  for (const { config, modes } of targets) {
    for (const { mode, tests } of modes)
      for (const record of tests) metrics.observer.tested?.(config, mode, record);
  }
  for (const { config } of targets) metrics.observer.localized?.(config, 'send', 'client', ALIVE);
  metrics.remoteWrite(() => ({
    samples: 10,
    dropped: { queue_full: 1, refused: 2 },
    pending: 3,
    failures: 4,
    lastSuccess: 1_700_000_000.5,
  }));
  registerSiteMetrics(metrics.registry, new SiteConnections(siteShare(1024)));
  return metrics;
}

test('series() has the samples of text(), name by name, label by label, value by value', async () => {
  const metrics = everything();
  const text = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const series = await metrics.series();
  const lines = series.map(({ labels: { __name__: name = '', ...labels }, value }) => {
    const of = Object.keys(labels).length === 0 ? '' : `{${labelSet(labels).text}}`;
    return `${name}${of} ${value === Infinity ? '+Inf' : value}`;
  });
  expect(lines.length).toBeGreaterThan(200);
  expect(lines).toEqual(text);
});

test('every family has the labels that its row says, and those of the target', async () => {
  const series = await everything().series();
  for (const { name, labels, type } of [...FAMILIES, ...SELF_FAMILIES, ...REMOTE_WRITE_FAMILIES]) {
    const samples = series.filter(({ labels: { __name__: of = '' } }) =>
      type === 'histogram' ? of === `${name}_count` : of === name,
    );
    expect(samples, name).not.toEqual([]);
    const own = labels.includes('target') ? ['note', 'site'] : [];
    for (const sample of samples)
      expect(Object.keys(sample.labels).sort(), name).toEqual(['__name__', ...labels, ...own].sort());
  }
});

requires({ packages: ['prometheus'] }).describe('promtool check metrics', () => {
  test('finds nothing, default metrics included', async () => {
    const view = new FakeView(fleet(5));
    const metrics = new ExporterMetrics({ view, build: BUILD });
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

test('ExporterMetrics gives other work a turn while a large fleet is written', async () => {
  const { metrics } = make(fleet(300));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await metrics.text();
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});

test('ExporterMetrics answers scrapes of the same moment with the same text', async () => {
  const { metrics } = make(fleet(5));
  const [first, second] = await Promise.all([metrics.text(), metrics.text()]);
  expect(second).toBe(first);
  expect(first).toContain('nat_idle_timeout_seconds{');
});

test('ExporterMetrics counts events of a target whose configuration object was copied', async () => {
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
