/** Every query of every dashboard runs on a real Prometheus and shows something of the scripted story. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderRecordingRules } from '../../prometheus/src/render.js';
import { defined } from '../../src/defined.js';
import { until } from '../netns/until.js';
import {
  dashboardFiles,
  emptyQueries,
  type PanelJson,
  panelsOf,
  queriesOf,
  readDashboard,
} from '../support/panels.js';
import { type PrometheusServer, startPrometheus } from '../support/prometheus.js';
import { requires } from '../support/requires.js';
import { CHAPTERS, tellStory } from '../support/story.js';
import { besidesOf, COMPLIANT, scrapeOf, vantagePoints, writeHistory } from '../support/vantage-points.js';

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

  it("have one line for each path in the fleet's table, the worst first", async () => {
    const fleet = readDashboard('nat-idle-fleet.json');
    const panel = panelsOf(fleet).find(({ title }) => title === 'Paths, the worst first');
    const columns = columnsOf(panel);
    const at = begin + CHAPTERS.drop;
    const lines = new Map<string, Record<string, string>>();
    for (const { where, expr } of queriesOf(fleet).filter((one) => one.where.includes('the worst first'))) {
      for (const { metric, value } of await prometheus.query(expr, at)) {
        // Grafana merges the answers where the labels agree that all of them have, the name of the metric included.
        const { exporter_url, ...shared } = metric;
        const key = JSON.stringify(Object.entries(shared).sort());
        const column = `Value #${where.at(-1) ?? ''}`;
        const cell = { [columns[column] ?? column]: value?.[1] ?? '' };
        const named = { target: metric['target'] ?? '', ...defined({ pages: exporter_url }) };
        lines.set(key, { ...named, ...lines.get(key), ...cell });
      }
    }
    const order = rankColumn(panel);
    const sorted = [...lines.values()].sort(
      // Those that are equally bad stand in any order.
      (one, two) =>
        Number(one[order]) - Number(two[order]) || String(one['target']).localeCompare(String(two['target'])),
    );
    const seen = sorted.map((line) => ['target', 'REQ-5', 'Idle timeout', 'recv'].map((cell) => line[cell]));
    expect(seen).toEqual([
      ['loose', '0', '300', '300'],
      ['pool', '0', '300', '300'],
      ['vps', '0', '3600', '3600'],
      ['young', undefined, undefined, undefined],
      ['eaten', '1', '7795', '7795'],
    ]);
    const [first, second, third, fourth, fifth] = sorted;
    expect(first).toMatchObject({ send: '7795', Survived: '299', pages: 'http://home:15382' });
    // The numbers of the words that the columns have for them.
    expect(wordOf(panel, 'Where the box stands', first)).toBe('a router in 100.64.0.0/10');
    expect(wordOf(panel, 'Where the box stands', third)).toMatch(/^before the first router/);
    expect(second?.['Forgotten early']).toBe('0.05');
    expect(wordOf(panel, 'Found beside it', second)).toBe('mixture');
    expect(fourth?.['Survived']).toBe('1815');
    // Eaten keepalives say nothing of the path, although nothing of theirs survived.
    expect(wordOf(panel, 'Found beside it', fifth)).toBe('keepalives eaten');
    expect(fifth?.['keepalive']).toBeUndefined();
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
    expect(await ask('Idle connections')).toEqual([['vps', 3600]]);
    expect(await ask('In each mode, the worst first')).toEqual([
      ['keepalive', 3600],
      ['recv', 3600],
      ['send', 3600],
    ]);
    expect(await ask('Idle connections', 'B')).toEqual([]);
    // Known to be compliant from 02:10 to 08:00, and not to be from then to 12:00; a range is a day here.
    const [share] = await ask('Compliant in this range');
    expect(Number(share?.[1])).toBeCloseTo(70 / 119, 2);
    // The counter went up in the five minutes before 08:05.
    expect(await ask('Last change')).toEqual([['', 4 * 3600 - 300]]);
    expect(await ask('RFC 5382 REQ-5')).toEqual([['vps', 0]]);
    expect(await ask('Recommended keepalive interval')).toEqual([['vps', 1797]]);
  });
});

/** What a table calls the columns of its queries. */
function columnsOf(panel: PanelJson | undefined): Readonly<Record<string, string>> {
  const organize = panel?.transformations?.find(({ id }) => id === 'organize')?.options;
  return (organize as { renameByName: Record<string, string> }).renameByName;
}

/** The column by which a table is sorted. */
function rankColumn(panel: PanelJson | undefined): string {
  const sort = panel?.transformations?.find(({ id }) => id === 'sortBy')?.options;
  return (sort as { sort: { field: string }[] }).sort[0]?.field ?? '';
}

/** What a table shows in the place of a number. */
function wordOf(
  panel: PanelJson | undefined,
  column: string,
  line: Readonly<Record<string, string>> | undefined,
): string | undefined {
  type Override = { matcher: { options: string }; properties: { id: string; value: unknown }[] };
  const overrides = (panel?.fieldConfig?.overrides ?? []) as Override[];
  const mappings = overrides
    .filter(({ matcher }) => matcher.options === column)
    .flatMap(({ properties }) => properties.filter(({ id }) => id === 'mappings'));
  const [mapping] = mappings[0]?.value as { options: Record<string, { text: string }> }[];
  return mapping?.options[line?.[column] ?? '']?.text;
}

requires({ packages: ['prometheus'] }).describe('the fleet dashboard with 500 vantage points', () => {
  const fleet = vantagePoints(500);
  const dashboard = readDashboard('nat-idle-fleet.json');
  let prometheus: PrometheusServer;
  let at: number;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nat-idle-fleet-'));
    const now = Math.floor(Date.now() / 1000);
    const file = join(folder, 'fleet.txt');
    writeHistory(file, [...(await scrapeOf(fleet)), ...besidesOf(fleet)], {
      from: now - 180,
      to: now,
      step: 60,
    });
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
    const expected = [count(0), count(1), count(undefined)].map((paths) => paths / fleet.length);
    const panel = (title: string) =>
      queriesOf(dashboard).filter(({ where }) => where.includes(`/ ${title} /`));
    const now = await Promise.all(panel('Paths').map(({ expr }) => prometheus.query(expr, at)));
    expect(now.map(([series]) => Number(series?.value?.[1]))).toEqual(expected);
    const [watched] = await Promise.all(panel('Watched').map(({ expr }) => prometheus.query(expr, at)));
    expect(watched?.[0]?.value?.[1]).toBe(String(fleet.length));
    const then = await Promise.all(
      panel('Shares over time').map(({ expr }) => prometheus.queryRange(expr, at, at, 1)),
    );
    expect(then).toHaveLength(3);
    for (const [index, [series]] of then.entries())
      expect(Number(series?.values?.at(-1)?.[1])).toBeCloseTo(expected[index] ?? NaN, 10);
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
