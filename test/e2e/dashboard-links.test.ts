/** Every link of a table of the dashboards is followed as Grafana resolves it, from rows of a real Prometheus that scrapes a real exporter. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alerts, runbookAnchor } from '../../prometheus/src/alerts.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { until } from '../netns/until.js';
import {
  type DashboardJson,
  dashboardFiles,
  fillIn,
  type PanelJson,
  panelsOf,
  readDashboard,
} from '../support/panels.js';
import { prometheusApi, type Series } from '../support/prometheus.js';
import { Bench, freePort } from '../support/program.js';
import { requires } from '../support/requires.js';

/** Everything that a link or a regular expression may trip over. */
const TARGET = 'vps (1) & co/50%+?';
const RANGE = 'from=now-7d&to=now';
const RUNBOOK = readFileSync(new URL('../../docs/RUNBOOK.md', import.meta.url), 'utf8');

type Row = Readonly<Record<string, string>>;
interface Link {
  readonly title: string;
  readonly url: string;
}
/** A link of a row, with the place that has it. */
interface Resolved extends Link {
  readonly where: string;
}

const dashboards = dashboardFiles.map(readDashboard);

/** The rows of a table: what the queries answer, merged where the labels agree, with the columns as they are called. */
function rowsOf(panel: PanelJson, answers: readonly (readonly Series[])[]): Row[] {
  const organize = panel.transformations?.find(({ id }) => id === 'organize')?.options as
    | { renameByName: Record<string, string> }
    | undefined;
  const rows = new Map<string, Record<string, string>>();
  for (const { metric } of answers.flat()) {
    const key = `${metric['instance'] ?? ''} ${metric['target'] ?? ''}`;
    const named = Object.entries(metric).map(([label, value]) => [
      organize?.renameByName[label] ?? label,
      value,
    ]);
    rows.set(key, { ...rows.get(key), ...(Object.fromEntries(named) as Row) });
  }
  return [...rows.values()];
}

/** The links of each column, by its name. */
function linksOf(panel: PanelJson): (readonly [column: string, links: readonly Link[]])[] {
  type Override = { matcher: { options: string }; properties: { id: string; value: unknown }[] };
  return ((panel.fieldConfig?.overrides ?? []) as Override[]).flatMap(({ matcher, properties }) =>
    properties
      .filter(({ id }) => id === 'links')
      .map(({ value }) => [matcher.options, value as readonly Link[]] as const),
  );
}

/**
 * A link as Grafana fills it in: a value without a format keeps what an address is made of.
 * @throws when it names something that the row does not have
 */
function resolve({ url }: Link, column: string, row: Row): string {
  return url.replace(/\$\{([\w.]+)(?::(\w+))?\}/g, (_, name: string, format?: string) => {
    if (name === '__url_time_range') return RANGE;
    const field = name === '__value.raw' ? column : name.replace(/^__data\.fields\./, '');
    const value = name === 'datasource' ? 'the-uid' : row[field];
    if (value === undefined) throw new Error(`no ${name} in ${JSON.stringify(row)}`);
    if (format !== undefined) expect(format).toBe('percentencode');
    return format === undefined ? encodeURI(value) : encodeURIComponent(value);
  });
}

requires({ packages: ['prometheus'] }).describe('the links of the dashboards', () => {
  let bench: Bench;
  let ended: Promise<unknown>;
  let stop: () => void;
  let instance = '';
  let api: ReturnType<typeof prometheusApi>;
  let links: readonly Resolved[];

  beforeAll(async () => {
    bench = await Bench.open();
    const far = await freePort();
    await bench.responder(far);
    const target = { name: TARGET, host: '127.0.0.1', port: far };
    const exporter = await bench.exporter(await bench.write('config.yaml', dump({ targets: [target] })));
    instance = new URL(exporter.url).host;
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'nat-idle-exporter', static_configs: [{ targets: [instance] }] }],
    };
    const port = await freePort();
    const server = spawn(
      'prometheus',
      [
        `--config.file=${await bench.write('prometheus.yml', dump(config))}`,
        `--storage.tsdb.path=${join(bench.directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    ended = new Promise((resolved) => server.once('exit', resolved));
    stop = () => server.kill('SIGTERM');
    api = prometheusApi(`http://127.0.0.1:${port}`);
    await until('the exporter is scraped', 60_000, async () => {
      const up = await api.query('nat_target_up == 1', Date.now() / 1000).catch(() => []);
      return up.length > 0;
    });
    const found = await Promise.all(dashboards.map(allLinks));
    links = found.flat();
  }, 120_000);
  afterAll(async () => {
    stop();
    await ended;
    await bench.close();
  });

  /** Every link of every row of a dashboard's tables. */
  async function allLinks(dashboard: DashboardJson): Promise<Resolved[]> {
    const panels = panelsOf(dashboard).filter((panel) => linksOf(panel).length > 0);
    const found = panels.map(async (panel) => {
      const now = Date.now() / 1000;
      const queries = (panel.targets ?? []).map(({ expr }) => api.query(fillIn(expr), now));
      const rows = rowsOf(panel, await Promise.all(queries));
      expect(rows, panel.title).toHaveLength(1);
      return rows.flatMap((row) =>
        linksOf(panel).flatMap(([column, each]) =>
          each.map((link) => ({
            where: `${dashboard.uid} / ${panel.title}`,
            title: link.title,
            url: resolve(link, column, row),
          })),
        ),
      );
    });
    return (await Promise.all(found)).flat();
  }

  const named = (title: string): readonly Resolved[] => {
    const found = links.filter((link) => link.title === title);
    expect(found, title).not.toEqual([]);
    return found;
  };

  it('are these, and no others', () => {
    expect(links.map(({ where, title }) => `${where}: ${title}`).sort()).toEqual(
      [
        'nat-idle-fleet / Paths, the worst first: Open the report',
        'nat-idle-fleet / Paths, the worst first: Open the runbook',
        'nat-idle-fleet / Paths, the worst first: Open the status page',
        'nat-idle-fleet / Paths, the worst first: Show this path',
        'nat-idle-timeout / The exporter tells more: Open the report',
        'nat-idle-timeout / The exporter tells more: Open the runbook',
        'nat-idle-timeout / The exporter tells more: Open the status page',
      ].sort(),
    );
  });

  it("lead to the path's card on the status page, and to its report", async () => {
    const escaped = TARGET.replace('&', '&amp;');
    for (const { url } of named('Open the status page')) {
      const answer = await fetch(url);
      expect([answer.status, new URL(url).host]).toEqual([200, instance]);
      expect(await answer.text()).toContain(`data-target="${escaped}"`);
    }
    for (const { url } of named('Open the report')) {
      const answer = await fetch(url);
      expect(answer.status, url).toBe(200);
      expect(await answer.text()).toContain(escaped);
    }
  });

  it('lead to the runbook, which has a heading for every alert', async () => {
    for (const { url } of named('Open the runbook')) {
      const answer = await fetch(url);
      expect(answer.status, url).toBe(200);
      const page = await answer.text();
      for (const { name } of alerts(SHIPPED_THRESHOLDS)) {
        expect(page).toContain(` id="${runbookAnchor(name)}"`);
        expect(RUNBOOK).toMatch(new RegExp(`^#+ ${name}$`, 'm'));
      }
    }
  });

  it('lead to the dashboard of the path, whose variables they set and whose panels find it', async () => {
    for (const { url } of named('Show this path')) {
      const { pathname, searchParams } = new URL(url, 'http://grafana');
      const dashboard = dashboards.find(({ uid }) => pathname === `/d/${uid}`);
      const variables = Object.fromEntries(
        [...searchParams]
          .filter(([name]) => name.startsWith('var-'))
          .map(([name, value]) => [name.slice('var-'.length), value]),
      );
      expect(variables).toEqual({ datasource: 'the-uid', instance, target: TARGET });
      const known = dashboard?.templating.list.map(({ name }) => name);
      expect(known).toEqual(expect.arrayContaining(Object.keys(variables)));
      expect(searchParams.get('from')).toBe('now-7d');
      const panel = dashboard && panelsOf(dashboard).find(({ title }) => title.includes('tells more'));
      const found = await api.query(fillIn(panel?.targets?.[0]?.expr ?? '', variables), Date.now() / 1000);
      expect(found.map(({ metric }) => metric['target'])).toEqual([TARGET]);
    }
  });
});
