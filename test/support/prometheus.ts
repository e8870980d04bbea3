/** A real Prometheus as a child process on a loopback port, with a history that it loads before it starts. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../netns/until.js';
import { freePort } from './program.js';

/** One series of an answer; a value is `[Unix time, text]`. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export interface PrometheusServer {
  readonly url: string;
  query(expr: string, at: number): Promise<readonly Series[]>;
  queryRange(expr: string, from: number, to: number, step: number): Promise<readonly Series[]>;
  close(): Promise<void>;
}

/** Fetches an address and gives the body, whatever the status: an API tells its errors in the body. */
export type FetchText = (url: string) => Promise<string>;

const fetchText: FetchText = async (url) => (await fetch(url)).text();

/** The HTTP API of a running Prometheus, also of one that only `read` can reach. */
export function prometheusApi(url: string, read: FetchText = fetchText): Omit<PrometheusServer, 'close'> {
  const ask = async (path: string, form: Record<string, string>): Promise<readonly Series[]> => {
    const answer = JSON.parse(
      await read(`${url}/api/v1/${path}?${new URLSearchParams(form).toString()}`),
    ) as {
      status: string;
      error?: string;
      data?: { resultType: string; result: readonly Series[] };
    };
    if (answer.status !== 'success' || answer.data === undefined) {
      throw new Error(`${form['query'] ?? ''}: ${answer.error ?? 'no data'}`);
    }
    return answer.data.result;
  };
  return {
    url,
    query: (expr, at) => ask('query', { query: expr, time: String(at) }),
    queryRange: (expr, from, to, step) =>
      ask('query_range', { query: expr, start: String(from), end: String(to), step: String(step) }),
  };
}

/** Runs promtool; what it says is only shown when it fails. */
function promtool(args: readonly string[]): void {
  execFileSync('promtool', args, { stdio: 'pipe' });
}

/** What such a Prometheus knows besides its history. */
export interface Knowledge {
  /** Text of a file of rules, which it evaluates from its start on. */
  readonly rules?: string;
  /** The rules are evaluated over this past as well, Unix times; rules that read other rules give nothing there. */
  readonly past?: { readonly from: number; readonly to: number; readonly step: number };
}

/**
 * Starts a Prometheus that scrapes nothing and knows `history`: OpenMetrics text with timestamps, or files of it,
 * each of which becomes a block of its own before the next one is asked for.
 */
export async function startPrometheus(
  history: string | { readonly files: Iterable<string> },
  { rules, past }: Knowledge = {},
): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'nat-idle-prometheus-'));
  const data = join(folder, 'data');
  const ruleFile = join(folder, 'rules.yml');
  mkdirSync(data);
  if (typeof history === 'string') writeFileSync(join(folder, 'history.txt'), history);
  for (const file of typeof history === 'string' ? [join(folder, 'history.txt')] : history.files)
    promtool([
      'tsdb',
      'create-blocks-from',
      'openmetrics',
      ...(typeof history === 'string' ? [] : ['--max-block-duration=720h']),
      file,
      data,
    ]);
  writeFileSync(join(folder, 'prometheus.yml'), 'scrape_configs: []\n');
  if (rules !== undefined) writeFileSync(ruleFile, rules);
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    if (past !== undefined) {
      const first = await run(folder, data);
      try {
        promtool([
          ...['tsdb', 'create-blocks-from', 'rules', `--url=${first.url}`, `--output-dir=${data}`],
          ...[`--start=${past.from}`, `--end=${past.to}`, `--eval-interval=${past.step}s`, ruleFile],
        ]);
      } finally {
        await first.stop();
      }
    }
    if (rules !== undefined)
      writeFileSync(
        join(folder, 'prometheus.yml'),
        `global: {evaluation_interval: 2s}\nrule_files: [${ruleFile}]\nscrape_configs: []\n`,
      );
    const { url, stop } = await run(folder, data);
    return {
      ...prometheusApi(url),
      close: async () => {
        await stop();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Starts the program on its data and waits until it is ready. */
async function run(folder: string, data: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await until('Prometheus is ready', 30_000, async () => (await fetch(`${url}/-/ready`)).ok);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}
