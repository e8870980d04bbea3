/** How long the whole command `audit` takes for thousands of paths on a real Prometheus, of a moment and of a month. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditSchema } from '../src/audit/audit-document.js';
import { startPrometheus } from '../test/support/prometheus.js';
import { COMPLIANT, scrapeOf, vantagePoints, writeHistory } from '../test/support/vantage-points.js';
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
const RUNS = 5;
/** The audit must be there within this time, seconds. */
const GOAL = 5;

/** Writes the month day by day, since no disk has room for all of its text; each file is gone when the next is asked for. */
function* history(
  folder: string,
  scrape: readonly string[],
  end: number,
  count: (samples: number) => void,
): Generator<string> {
  const begin = end - DAYS * DAY;
  const verdicts = scrape.filter((line) => OF_A_VERDICT.test(line));
  const others = scrape.filter((line) => !OF_A_VERDICT.test(line));
  const file = join(folder, 'part.txt');
  for (const from of [begin - SCRAPED, end - SCRAPED]) {
    count(writeHistory(file, others, { from, to: from + SCRAPED + 1, step: SCRAPE_EVERY }));
    yield file;
  }
  for (let day = 0; day < DAYS; day++) {
    const from = begin + day * DAY;
    const to = from + DAY + (day === DAYS - 1 ? 1 : 0);
    count(writeHistory(file, verdicts, { from, to, step: HISTORY_EVERY }));
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

/** Seconds of a processor that a Prometheus has used since its start. */
async function processorTime(url: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (.*)$/m.exec(page)?.[1]);
}

/** Measures, prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchAudit(args: readonly string[]): Promise<void> {
  const points = args[0] === undefined ? POINTS : Number(args[0]);
  const fleet = vantagePoints(points);
  const scrape = await scrapeOf(fleet);
  // A round hour of the past: the same blocks whenever it runs.
  const end = Math.floor(Date.now() / 7_200_000) * 7200;
  const folder = mkdtempSync(join(tmpdir(), 'nat-idle-bench-'));
  let samples = 0;
  const files = history(folder, scrape, end, (more) => (samples += more));
  const prometheus = await startPrometheus({ files });
  try {
    const common = [`--prometheus=${prometheus.url}`, `--at=${end}`, '--by=isp', '--json'];
    const written = [`--paths=${join(folder, 'paths.csv')}`, `--report=${join(folder, 'audit.html')}`];
    const kinds = [
      ['of a moment', common],
      ['of a moment, one provider of eight', [...common, '--match=isp=isp-3']],
      ['of a month, with report and paths written', [...common, `--since=${DAYS}d`, ...written]],
    ] as const;
    const figures: Figure[] = [];
    for (const [name, flags] of kinds) {
      const times: number[] = [];
      const before = await processorTime(prometheus.url);
      for (let run = 0; run < RUNS; run++) {
        const { time, stdout } = await audit(flags);
        check(
          stdout,
          fleet.filter(({ isp }) => !flags.includes('--match=isp=isp-3') || isp === 'isp-3'),
        );
        times.push(time);
      }
      const used = ((await processorTime(prometheus.url)) - before) / RUNS;
      figures.push({ name, time: Math.max(...times), used });
    }
    const text = format({ points, series: scrape.length, samples, figures });
    console.log(text);
    writeSection('audit', text);
  } finally {
    await prometheus.close();
    rmSync(folder, { recursive: true });
  }
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
    `${SCRAPE_EVERY} s. The whole command, from its start to its end, the longest of ${RUNS} runs; every answer is compared`,
    'with the fleet. The processor time is the mean. With a scrape a minute Prometheus has more to decode for the month.',
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
