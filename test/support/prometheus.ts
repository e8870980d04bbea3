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

/** Starts a Prometheus that scrapes nothing and knows `history` (OpenMetrics text with timestamps). */
export async function startPrometheus(history: string): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'nat-idle-prometheus-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  writeFileSync(join(folder, 'history.txt'), history);
  writeFileSync(join(folder, 'prometheus.yml'), 'scrape_configs: []\n');
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'history.txt'), data]);
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
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('Prometheus is ready', 30_000, async () => (await fetch(`${url}/-/ready`)).ok);
  } catch (error) {
    await close();
    throw error;
  }
  return { ...prometheusApi(url), close };
}
