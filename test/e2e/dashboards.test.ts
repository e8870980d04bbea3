/** Every query of every dashboard runs on a real Prometheus and shows something of the scripted story. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderRecordingRules } from '../../prometheus/src/render.js';
import { until } from '../netns/until.js';
import { dashboardFiles, emptyQueries, panelsOf, queriesOf, readDashboard } from '../support/panels.js';
import { type PrometheusServer, startPrometheus } from '../support/prometheus.js';
import { requires } from '../support/requires.js';
import { CHAPTERS, tellStory } from '../support/story.js';
import { COMPLIANT, scrapeOf, vantagePoints, writeHistory } from '../support/vantage-points.js';

requires({ packages: ['prometheus'] }).describe('the dashboards on a Prometheus that knows the story', () => {
  // A past day on a round hour: blocks are cut at even hours.
  const begin = Math.floor(Date.now() / 86_400_000) * 86_400 - 2 * 86_400;
  const moments = Object.values(CHAPTERS).map((chapter) => begin + chapter);
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    prometheus = await startPrometheus(await tellStory(begin), {
      rules: renderRecordingRules(),
      past: { from: begin, to: begin + CHAPTERS.end, step: 300 },
    });
  }, 60_000);
  afterAll(async () => prometheus.close());

  it('leave no query empty', async () => {
    const story = { from: begin, to: begin + CHAPTERS.end, step: 300, moments };
    expect(await emptyQueries(prometheus, story)).toEqual([]);
  });

  it('show nothing, without errors, where nothing is known', async () => {
    const queries = dashboardFiles.flatMap((file) => queriesOf(readDashboard(file), { target: 'nobody' }));
    expect(queries.length).toBeGreaterThan(40);
    for (const { expr } of queries) await prometheus.query(expr, begin + CHAPTERS.healthy);
  });

  it("have one line for each path and mode in the fleet's table, the worst first", async () => {
    const fleet = readDashboard('nat-idle-fleet.json');
    const at = begin + CHAPTERS.drop;
    const lines = new Map<string, Record<string, string>>();
    for (const { where, expr } of queriesOf(fleet).filter((one) => one.where.includes('the worst first'))) {
      for (const { metric, value } of await prometheus.query(expr, at)) {
        // Grafana merges the answers where all labels agree, the name of the metric included.
        const key = JSON.stringify(Object.entries(metric).sort());
        const named = { target: metric['target'] ?? '', mode: metric['mode'] ?? '' };
        lines.set(key, { ...named, ...lines.get(key), [where.at(-1) ?? '']: value?.[1] ?? '' });
      }
    }
    const rank = (line: Record<string, string>): number => Number(line['E'] ?? NaN);
    const sorted = [...lines.values()].sort((a, b) => rank(a) - rank(b));
    expect(sorted.map(({ target, C, D }) => [target, C, D])).toEqual([
      ['loose', '300', '0'],
      ['vps', '3600', '0'],
      ['vps', '3600', '0'],
      ['vps', '3600', '0'],
      ['young', undefined, undefined],
      ['young', undefined, undefined],
      ['young', undefined, undefined],
      ['loose', '7795', '1'],
      ['loose', '7795', '1'],
    ]);
    expect(sorted[0]).toMatchObject({ mode: 'recv', A: '299', B: '301' });
  });

  it('tell the drop: forgets after an hour, violated, keepalive below half of it', async () => {
    const at = begin + CHAPTERS.drop;
    const ask = async (title: string, refId = 'A') => {
      const panel = panelsOf(readDashboard('nat-idle-timeout.json')).find((one) => one.title === title);
      const dashboard = readDashboard('nat-idle-timeout.json');
      const where = `${dashboard.title} / ${panel?.title ?? 'missing'} / ${refId}`;
      const query = queriesOf(dashboard, { target: 'vps' }).find((one) => one.where === where);
      const series = await prometheus.query(query?.expr ?? '', at);
      return series.map(({ metric, value }) => [
        metric['mode'] ?? metric['target'] ?? '',
        Number(value?.[1]),
      ]);
    };
    expect(await ask('Idle connections')).toEqual([
      ['keepalive', 3600],
      ['recv', 3600],
      ['send', 3600],
    ]);
    expect(await ask('Idle connections', 'B')).toEqual([]);
    expect(await ask('RFC 5382 REQ-5')).toEqual([['vps', 0]]);
    expect(await ask('Recommended keepalive interval')).toEqual([['vps', 1797]]);
  });
});

requires({ packages: ['prometheus'] }).describe('the fleet dashboard with 500 vantage points', () => {
  const fleet = vantagePoints(500);
  const dashboard = readDashboard('nat-idle-fleet.json');
  let prometheus: PrometheusServer;
  let at: number;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nat-idle-fleet-'));
    const now = Math.floor(Date.now() / 1000);
    const file = join(folder, 'fleet.txt');
    writeHistory(file, await scrapeOf(fleet), { from: now - 180, to: now, step: 60 });
    try {
      // The rules look back five minutes, and what they find is of now.
      prometheus = await startPrometheus({ files: [file] }, { rules: renderRecordingRules() });
    } finally {
      rmSync(folder, { recursive: true });
    }
    await until('every rule has been evaluated', 120_000, async () => {
      at = Date.now() / 1000;
      return (await prometheus.query('access:nat_paths:ratio{compliance="unknown"}', at)).length === 4;
    });
  }, 180_000);
  afterAll(async () => prometheus.close());

  it.each(['isp', 'site', 'access'])('returns data in every panel, compared by %s', async (label) => {
    const empty: string[] = [];
    for (const { where, expr, instant } of queriesOf(dashboard, { label })) {
      const series = instant
        ? await prometheus.query(expr, at)
        : await prometheus.queryRange(expr, at - 60, at, 5);
      if (series.length === 0) empty.push(where);
    }
    expect(empty).toEqual([]);
  });

  it('counts every path once, now and over time, as the recording rules do', async () => {
    const count = (wanted: 0 | 1 | undefined): number =>
      fleet.filter(({ kind }) => COMPLIANT[kind] === wanted).length;
    const expected = [count(0), count(1), count(undefined)].map(String);
    const panel = (title: string) =>
      queriesOf(dashboard).filter(({ where }) => where.includes(`/ ${title} /`));
    const now = await Promise.all(panel('Paths').map(({ expr }) => prometheus.query(expr, at)));
    expect(now.map(([series]) => series?.value?.[1])).toEqual(expected);
    const then = await Promise.all(
      panel('Paths over time').map(({ expr }) => prometheus.queryRange(expr, at, at, 1)),
    );
    expect(then.map(([series]) => series?.values?.at(-1)?.[1])).toEqual(expected);
    const shares = await prometheus.query(
      'sum by (compliance) (isp:nat_paths:ratio * on (isp) group_left () isp:nat_paths:count)',
      at,
    );
    expect(
      Object.fromEntries(
        shares.map(({ metric, value }) => [metric['compliance'], Math.round(Number(value?.[1]))]),
      ),
    ).toEqual({
      non_compliant: count(0),
      compliant: count(1),
      unknown: count(undefined),
    });
  });
});
