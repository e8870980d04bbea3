/** How long a real Prometheus takes for every panel of the fleet dashboard, with thousands of vantage points. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingRules } from '../prometheus/src/recording.js';
import { auditExpressions } from '../src/audit/ask-prometheus.js';
import { fillIn, panelsOf, readDashboard } from '../test/support/panels.js';
import { type PrometheusServer, startPrometheus } from '../test/support/prometheus.js';
import {
  besidesOf,
  recordedOf,
  scrapeOf,
  vantagePoints,
  writeHistory,
} from '../test/support/vantage-points.js';
import { table, writeSection } from './document.js';

const POINTS = 2000;
const DAY = 86_400;
/** The dashboard's default time range, seconds. */
const RANGE = 7 * DAY;
/** Width of a panel, pixels: as many steps as Grafana asks for, unless the panel says otherwise. */
const WIDTH = 1600;
/** Scrapes at the end of the range: what the queries of a moment look back at, and more. */
const SCRAPED = 1800;
const SCRAPE_EVERY = 60;
/** Time between two values of the recorded history: seven days a minute apart take promtool too long. */
const RECORDED_EVERY = 300;
const RUNS = 5;
/** Every panel must be there within this time, seconds. */
const GOAL = 2;

/** The steps that Grafana rounds an interval to, each with the interval from which on the next one is taken. */
const STEPS: readonly (readonly [below: number, step: number])[] = [
  [15, 10],
  [25, 20],
  [45, 30],
  [90, 60],
  [210, 120],
  [450, 300],
  [750, 600],
  [1050, 900],
  [1500, 1200],
  [2700, 1800],
  [5400, 3600],
];

interface Figure {
  readonly name: string;
  readonly kind: string;
  /** Seconds from the questions to all answers, the longest of the runs. */
  readonly time: number;
}

/** Measures every panel, prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchDashboards(args: readonly string[]): Promise<void> {
  const points = args[0] === undefined ? POINTS : Number(args[0]);
  const fleet = vantagePoints(points);
  // A round hour of the past: the same blocks whenever it runs.
  const end = Math.floor(Date.now() / 7_200_000) * 7200;
  const folder = mkdtempSync(join(tmpdir(), 'nat-idle-bench-'));
  const scraped = join(folder, 'scraped.txt');
  const recorded = join(folder, 'recorded.txt');
  const scrape = [...(await scrapeOf(fleet)), ...besidesOf(fleet)];
  let samples = writeHistory(scraped, scrape, { from: end - SCRAPED, to: end, step: SCRAPE_EVERY });
  samples += writeHistory(recorded, recordedOf(fleet), { from: end - RANGE, to: end, step: RECORDED_EVERY });
  let prometheus: PrometheusServer;
  try {
    prometheus = await startPrometheus({ files: [scraped, recorded] });
  } finally {
    rmSync(folder, { recursive: true });
  }
  try {
    const at = end - SCRAPE_EVERY;
    await checkRecorded(prometheus, at);
    const figures = await panelFigures(prometheus, at);
    const rules = await rulesFigure(prometheus, at);
    const audit = await auditFigure(prometheus, at);
    const text = format({ points, series: scrape.length, samples, figures, rules, audit });
    console.log(text);
    writeSection('dashboards', text);
  } finally {
    await prometheus.close();
  }
}

/** The recorded history must be what the rules make of the scraped one, or the figures would be of something else. */
async function checkRecorded(prometheus: PrometheusServer, at: number): Promise<void> {
  for (const { record, expr } of recordingRules().slice(0, 2)) {
    const values = async (query: string): Promise<string[]> =>
      (await prometheus.query(query, at))
        .map(({ metric: { __name__: _, ...labels }, value }) =>
          JSON.stringify([Object.entries(labels).sort(), value?.[1]]),
        )
        .sort();
    const [written, evaluated] = [await values(record), await values(expr)];
    if (evaluated.length === 0 || JSON.stringify(written) !== JSON.stringify(evaluated))
      throw new Error(`the history of ${record} is not what the rule gives`);
  }
}

/** The longest of several runs. */
async function seconds(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    await work();
    times.push((performance.now() - begin) / 1000);
  }
  return Math.max(...times);
}

/** Grafana sends the queries of a panel together. */
async function panelFigures(prometheus: PrometheusServer, at: number): Promise<Figure[]> {
  const dashboard = readDashboard('nat-idle-fleet.json');
  const figures: Figure[] = [];
  for (const panel of panelsOf(dashboard)) {
    const targets = panel.targets ?? [];
    const most = Math.min(WIDTH, panel.maxDataPoints ?? WIDTH);
    const step = STEPS.find(([below]) => RANGE / most < below)?.[1] ?? 7200;
    const labels = panel.title.includes('$label') ? ['isp', 'site', 'access'] : ['isp'];
    for (const label of labels) {
      const ask = async (): Promise<void> => {
        const answers = await Promise.all(
          targets.map(({ expr, instant }) =>
            instant === true
              ? prometheus.query(fillIn(expr, { label }), at)
              : prometheus.queryRange(fillIn(expr, { label }), at - RANGE, at, step),
          ),
        );
        if (answers.some((series) => series.length === 0)) throw new Error(`${panel.title}: no data`);
      };
      const range = targets.some(({ instant }) => instant !== true);
      figures.push({
        name: panel.title.replace('$label', label),
        kind: `${targets.length} ${range ? `over 7 days, a step of ${step} s` : 'of a moment'}`,
        time: await seconds(ask),
      });
    }
  }
  return figures;
}

/** Prometheus evaluates the rules of a group one after the other. */
async function rulesFigure(prometheus: PrometheusServer, at: number): Promise<number> {
  return seconds(async () => {
    for (const { expr } of recordingRules()) await prometheus.query(expr, at);
  });
}

async function auditFigure(prometheus: PrometheusServer, at: number): Promise<number> {
  return seconds(async () => {
    for (const expr of Object.values(auditExpressions(DAY))) await prometheus.query(expr, at);
  });
}

interface Figures {
  readonly points: number;
  readonly series: number;
  readonly samples: number;
  readonly figures: readonly Figure[];
  readonly rules: number;
  readonly audit: number;
}

function format({ points, series, samples, figures, rules, audit }: Figures): string {
  const time = (value: number): string => `${value.toFixed(2)} s`;
  const worst = Math.max(...figures.map((figure) => figure.time));
  return [
    `Measured by \`npm run bench -- dashboards\`: ${points} simulated vantage points (an exporter with one path of three`,
    `modes each; \`isp\`, \`site\`, \`access\`; healthy, an hour, loose, unknown), ${series} series in all, loaded with`,
    `promtool into a real Prometheus: ${samples} samples, the last ${SCRAPED / 60} minutes a scrape every ${SCRAPE_EVERY} s, and`,
    `7 days of the path's recorded series every ${RECORDED_EVERY} s, which are checked against the rules. Each panel is asked`,
    `as Grafana does at a width of ${WIDTH} px, its queries at once; the time is until all of them are answered,`,
    `the longest of ${RUNS} runs. The machine has ${cpus().length} cores, its load average was ${loadavg()[0]?.toFixed(1) ?? '?'} at the end.`,
    '',
    table(
      ['panel', 'queries', 'time'],
      [...figures]
        .sort((a, b) => b.time - a.time)
        .map(({ name, kind, time: value }) => [name, kind, time(value)]),
    ),
    '',
    `The slowest panel takes ${time(worst)}; the goal is ${GOAL} s: ${worst < GOAL ? 'PASS' : 'FAIL'}. One evaluation of all`,
    `recording rules takes ${time(rules)} (those by label without the work of the path's), the queries of an audit ${time(audit)}`,
    '(with half an hour of scrapes to look back at).',
  ].join('\n');
}
