/** How long the whole command `audit` takes for thousands of paths on a real Prometheus, of a moment and of a month. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditSchema } from '../src/audit/audit-document.js';
import { startPrometheus } from '../test/support/prometheus.js';
import {
  COMPLIANT,
  recordedOf,
  scrapeOf,
  type VantagePoint,
  vantagePoints,
  writeHistory,
} from '../test/support/vantage-points.js';
import { table, writeSection } from './document.js';

const POINTS = 2000;
const DAY = 86_400;
const DAYS = 30;
/** Scrapes at both ends of the month, seconds: what the queries of a moment look back at, and more. */
const SCRAPED = 1800;
const SCRAPE_EVERY = 60;
/** Time between two values of the month, seconds: a minute apart it takes promtool hours. The moments are on them. */
const HISTORY_EVERY = 3600;
/** What a verdict is made of: it is looked at in the whole month. */
const OF_A_VERDICT = /^(rfc5382_req5_compliant\{|nat_search_phase\{.*phase="track")/;
/** How often Prometheus looks for something to compact, and a while more, milliseconds. */
const COMPACTS_EVERY = 75_000;
const ONE_PROVIDER = '--match=isp=isp-3';
const RUNS = 5;
/** The audit must be there within this time, seconds. */
const GOAL = 5;

/** A month of a fleet. */
interface Month {
  /** The series of a scrape of all, each with its value. */
  readonly scrape: readonly string[];
  /** Those that the recording rules make of it; none where they are not loaded. */
  readonly recorded: readonly string[];
  /** Unix time, seconds. */
  readonly end: number;
}

/** Writes the month day by day, since no disk has room for all of its text; each file is gone when the next is asked for. */
function* history(
  folder: string,
  { scrape, recorded, end }: Month,
  count: (samples: number) => void,
): Generator<string> {
  const begin = end - DAYS * DAY;
  const always = [...scrape.filter((line) => OF_A_VERDICT.test(line)), ...recorded];
  const others = scrape.filter((line) => !OF_A_VERDICT.test(line));
  const file = join(folder, 'part.txt');
  for (const from of [begin - SCRAPED, end - SCRAPED]) {
    count(writeHistory(file, others, { from, to: from + SCRAPED + 1, step: SCRAPE_EVERY }));
    yield file;
  }
  for (let day = 0; day < DAYS; day++) {
    const from = begin + day * DAY;
    const to = from + DAY + (day === DAYS - 1 ? 1 : 0);
    count(writeHistory(file, always, { from, to, step: HISTORY_EVERY }));
    yield file;
  }
}

/** Runs the command once. @returns its time in seconds and what it printed */
async function audit(args: readonly string[]): Promise<{ readonly time: number; readonly stdout: string }> {
  const begin = performance.now();
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile('node', ['dist/main.js', 'audit', ...args], { maxBuffer: 2 ** 28 }, (error, out, err) => {
      // 1: some path is not compliant.
      if (error !== null && error.code !== 1) reject(new Error(err));
      else resolve(out);
    });
  });
  return { time: (performance.now() - begin) / 1000, stdout };
}

/** The value of a metric that a Prometheus tells about itself. */
async function ownMetric(url: string, name: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(page)?.[1]);
}

/** Waits until a Prometheus has compacted what it was given, as one that has run for a month has. */
async function compacted(url: string): Promise<void> {
  const compactions = (): Promise<number> => ownMetric(url, 'prometheus_tsdb_compactions_total');
  for (let before = -1, now = 0; now !== before; ) {
    before = now;
    await sleep(COMPACTS_EVERY);
    now = await compactions();
  }
}

/** An audit that is timed: what it is called, and its flags. */
type Kind = readonly [name: string, flags: readonly string[]];

/** Times audits of a fleet on a Prometheus that knows a month of it. */
async function figuresOf(
  fleet: readonly VantagePoint[],
  month: Month,
  kinds: (folder: string) => readonly Kind[],
): Promise<{ readonly samples: number; readonly figures: readonly Figure[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'nat-idle-bench-'));
  let samples = 0;
  const prometheus = await startPrometheus({
    files: history(folder, month, (more) => (samples += more)),
  });
  try {
    await compacted(prometheus.url);
    const figures: Figure[] = [];
    for (const [name, flags] of kinds(folder)) {
      const times: number[] = [];
      const used = (): Promise<number> => ownMetric(prometheus.url, 'process_cpu_seconds_total');
      const before = await used();
      for (let run = 0; run < RUNS; run++) {
        const { time, stdout } = await audit([
          `--prometheus=${prometheus.url}`,
          `--at=${month.end}`,
          '--by=isp',
          '--json',
          ...flags,
        ]);
        check(
          stdout,
          fleet.filter(({ isp }) => !flags.includes(ONE_PROVIDER) || isp === 'isp-3'),
        );
        times.push(time);
      }
      figures.push({ name, time: Math.max(...times), used: ((await used()) - before) / RUNS });
    }
    return { samples, figures };
  } finally {
    await prometheus.close();
    rmSync(folder, { recursive: true });
  }
}

/** Measures, prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchAudit(args: readonly string[]): Promise<void> {
  const points = args[0] === undefined ? POINTS : Number(args[0]);
  const fleet = vantagePoints(points);
  const scrape = await scrapeOf(fleet);
  // A round hour of the past: the same blocks whenever it runs.
  const end = Math.floor(Date.now() / 7_200_000) * 7200;
  const ofAMonth = (folder: string): string[] => [
    `--since=${DAYS}d`,
    `--paths=${join(folder, 'paths.csv')}`,
    `--report=${join(folder, 'audit.html')}`,
  ];
  const plain = await figuresOf(fleet, { scrape, recorded: [], end }, (folder) => [
    ['of a moment', []],
    ['of a moment, one provider of eight', [ONE_PROVIDER]],
    ['of a month, with report and paths written, the recording rules not loaded', ofAMonth(folder)],
  ]);
  const ruled = await figuresOf(fleet, { scrape, recorded: recordedOf(fleet), end }, (folder) => [
    ['the same, the recording rules loaded for all of the month', ofAMonth(folder)],
  ]);
  const figures = [...plain.figures, ...ruled.figures];
  const text = format({ points, series: scrape.length, samples: plain.samples, figures });
  console.log(text);
  writeSection('audit', text);
}

/** Figures of a wrong answer would say nothing. */
function check(stdout: string, fleet: ReturnType<typeof vantagePoints>): void {
  const { total } = auditSchema.parse(JSON.parse(stdout));
  const known = fleet.filter(({ kind }) => COMPLIANT[kind] !== undefined);
  const good = known.filter(({ kind }) => COMPLIANT[kind] === 1).length;
  const { paths, compliant, not_compliant: bad, period } = total;
  const share = period?.compliant_share ?? good / known.length;
  const asExpected =
    paths === fleet.length &&
    compliant === good &&
    bad === known.length - good &&
    Math.abs(share - good / known.length) < 0.001 &&
    (period?.before === undefined || period.before.compliant === good);
  if (!asExpected) throw new Error(`the audit is wrong: ${JSON.stringify(total)}`);
}

interface Figure {
  readonly name: string;
  /** The longest run, and the processor time of Prometheus for one on average, seconds. */
  readonly time: number;
  readonly used: number;
}

interface Figures {
  readonly points: number;
  readonly series: number;
  readonly samples: number;
  readonly figures: readonly Figure[];
}

function format({ points, series, samples, figures }: Figures): string {
  const time = (value: number): string => `${value.toFixed(2)} s`;
  const worst = Math.max(...figures.map((figure) => figure.time));
  return [
    `Measured by \`npm run bench -- audit\`: ${points} simulated vantage points (an exporter with one path of three`,
    `modes each), ${series} series, loaded with promtool into a real Prometheus: ${samples} samples. What a verdict is`,
    `made of is there for ${DAYS} days every ${HISTORY_EVERY} s, the rest for the ${SCRAPED / 60} minutes at both ends every`,
    `${SCRAPE_EVERY} s. It is asked when Prometheus has compacted them. The whole command, from its start to its end, the`,
    `longest of ${RUNS} runs; every answer is compared with the fleet. The processor time is the mean. With a scrape a minute`,
    'Prometheus has more to decode for the month.',
    `The machine has ${cpus().length} cores, which Prometheus shares with the command; its load average was`,
    `${loadavg()[0]?.toFixed(1) ?? '?'} at the end.`,
    '',
    table(
      ['audit', 'time', 'processor time of Prometheus'],
      figures.map((figure) => [figure.name, time(figure.time), time(figure.used)]),
    ),
    '',
    `The slowest takes ${time(worst)}; the goal is ${GOAL} s: ${worst < GOAL ? 'PASS' : 'FAIL'}.`,
  ].join('\n');
}
