/** `audit` of a period, of a part of the paths and as a tenant, through the built program with a real Prometheus. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuditDocument, auditSchema } from '../../src/audit/audit-document.js';
import { Bench, freePort } from '../support/program.js';
import { type PrometheusServer, startPrometheus } from '../support/prometheus.js';
import { requires } from '../support/requires.js';
import {
  type Kind,
  recordedOf,
  scrapeOf,
  type VantagePoint,
  vantagePoints,
  writeHistory,
} from '../support/vantage-points.js';

const HOUR = 3600;
const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;

requires({ packages: ['prometheus'] }).describe('audit of a period', () => {
  const names = ['same', 'worse', 'better', 'gone', 'new', 'lost', 'pool'] as const;
  type Name = (typeof names)[number];
  /** What each path is in the first two hours, and in the last two; absent: not watched. */
  const STORY: Readonly<Record<Name, readonly [first: Kind | undefined, last: Kind | undefined]>> = {
    same: ['healthy', 'healthy'],
    worse: ['healthy', 'hourly'],
    better: ['hourly', 'healthy'],
    gone: ['hourly', undefined],
    new: [undefined, 'hourly'],
    lost: ['healthy', 'unknown'],
    pool: ['loose', 'loose'],
  };
  const points = new Map(vantagePoints(names.length).map((point, index) => [names[index], point] as const));
  const instanceOf = (name: Name): string => points.get(name)?.instance ?? '';
  const fleetOf = (half: 0 | 1): VantagePoint[] =>
    names.flatMap((name) => {
      const [kind, point] = [STORY[name][half], points.get(name)];
      return kind === undefined || point === undefined ? [] : { ...point, kind };
    });
  const now = Math.floor(Date.now() / 1000);
  const half = now - 2 * HOUR;
  let bench: Bench;
  let prometheus: PrometheusServer;
  let files: readonly string[];

  /** What the exporter of the pool tells beside its timeouts. */
  function extraOf(scrape: readonly string[]): string[] {
    const line = scrape.find((one) => one.includes(instanceOf('pool')) && one.includes('mode="recv"')) ?? '';
    const labels = /\{(.*)\}/.exec(line)?.[1] ?? '';
    const ofPath = labels.replace(/,?(mode|phase)="[^"]*"/g, '');
    return [
      `nat_idle_early_death_ratio{${ofPath}} 0.05`,
      `nat_idle_early_death_ratio_lower_bound{${ofPath}} 0.036`,
      `nat_idle_early_death_ratio_upper_bound{${ofPath}} 0.077`,
      `nat_path_condition{${ofPath},condition="mixture"} 1`,
      `nat_forgetting_box_info{${ofPath},mode="recv",hop="3",kind="router",place="cgn_hop"} 1`,
    ];
  }

  beforeAll(async () => {
    bench = await Bench.open();
    files = ['first', 'last'].map((name) => join(bench.directory, name));
    const last = await scrapeOf(fleetOf(1));
    writeHistory(files[0] ?? '', await scrapeOf(fleetOf(0)), { from: now - 5 * HOUR, to: half, step: 50 });
    writeHistory(files[1] ?? '', [...last, ...extraOf(last)], { from: half, to: now + 1, step: 60 });
    prometheus = await startPrometheus({ files });
  }, 60_000);
  afterAll(async () => {
    await prometheus.close();
    await bench.close();
  });

  async function audit(
    url: string,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const run = bench.start(['audit', `--prometheus=${url}`, `--at=${now}`, '--lookback=1h', ...args]);
    const { code } = await run.exited;
    return { code, stdout: run.stdout, stderr: run.stderr };
  }

  async function auditJson(...args: readonly string[]): Promise<AuditDocument> {
    const { stdout, stderr } = await audit(prometheus.url, '--json', ...args);
    expect(stderr).toBe('');
    return auditSchema.parse(JSON.parse(stdout));
  }

  it('gives each path its share of the period and its state at the beginning', async () => {
    // 121 moments, two minutes apart, of which 60 lie in the first half; what ends there is known for five minutes more.
    const { paths, since } = await auditJson('--since=4h');
    expect(since).toBe(new Date((now - 4 * HOUR) * 1000).toISOString().replace('.000', ''));
    const found = new Map(
      paths.map(({ labels, state, period }) => [labels['instance'], { state, ...period }]),
    );
    const share = (moments: number): number => Math.round((moments / 121) * 10_000) / 10_000;
    const healthy = { before: 'compliant', timeout_before: { seconds: 7795, at_least: true } };
    const hourly = { before: 'not_compliant', timeout_before: { seconds: 3600, at_least: false } };
    const loose = { before: 'not_compliant', timeout_before: { seconds: 300, at_least: false } };
    const expected: readonly (readonly [Name, object])[] = [
      ['same', { state: 'compliant', compliant_share: 1, known_share: 1, ...healthy }],
      ['worse', { state: 'not_compliant', compliant_share: share(60), known_share: 1, ...healthy }],
      ['better', { state: 'compliant', compliant_share: share(61), known_share: 1, ...hourly }],
      ['new', { state: 'not_compliant', compliant_share: 0, known_share: share(61) }],
      ['lost', { state: 'unknown', compliant_share: 1, known_share: share(63), ...healthy }],
      ['pool', { state: 'not_compliant', compliant_share: 0, known_share: 1, ...loose }],
    ];
    expect(found).toEqual(new Map(expected.map(([name, fields]) => [instanceOf(name), fields])));
  });

  /** What the rules recorded, or something else, as a history beside that of the scrapes. */
  async function withRecorded(
    recorded: readonly {
      readonly fleet: readonly VantagePoint[];
      readonly from: number;
      readonly to: number;
    }[],
    check: (url: string) => Promise<void>,
  ): Promise<void> {
    const more = recorded.map(({ fleet, from, to }, index) => {
      const file = join(bench.directory, `recorded-${index}`);
      writeHistory(file, recordedOf(fleet), { from, to, step: from < half ? 50 : 60 });
      return file;
    });
    const other = await startPrometheus({ files: [...files, ...more] });
    try {
      await check(other.url);
    } finally {
      await other.close();
    }
  }

  it.each([
    ['the whole period', now - 5 * HOUR, now + 1],
    ['from within the period on', now - 3 * HOUR, now + 1],
    ['of a while within it', now - 3 * HOUR, now - 1.5 * HOUR],
  ])('answers the same where rules recorded %s', async (_, from, to) => {
    const recorded = [
      { fleet: fleetOf(0), from, to: half },
      { fleet: fleetOf(1), from: half, to },
    ];
    await withRecorded(recorded, async (url) => {
      const document = async (of: string): Promise<object> => {
        const { stdout } = await audit(of, '--json', '--since=4h');
        return { ...auditSchema.parse(JSON.parse(stdout)), prometheus: '', generated: '' };
      };
      expect(await document(url)).toEqual(await document(prometheus.url));
    });
  });

  it('answers the same where rules recorded now and then, with more gaps than are asked one by one', async () => {
    const minutes = (count: number): number => now - count * 60;
    const recorded = Array.from({ length: 12 }, (_, gap) => {
      const from = minutes(20 * (12 - gap));
      return { fleet: fleetOf(from < half ? 0 : 1), from, to: from + 60 };
    });
    await withRecorded(recorded, async (url) => {
      const document = async (of: string): Promise<object> => {
        const { stdout } = await audit(of, '--json', '--since=4h');
        return { ...auditSchema.parse(JSON.parse(stdout)), prometheus: '', generated: '' };
      };
      expect(await document(url)).toEqual(await document(prometheus.url));
    });
  });

  it('takes what was recorded, and the raw series only where a path was left out', async () => {
    // What was recorded contradicts the raw series in the first half; all of the second half lacks a path.
    const contrary = fleetOf(0).map((point) => ({ ...point, kind: 'hourly' }) as const);
    const lacking = fleetOf(1).filter(({ instance }) => instance !== instanceOf('pool'));
    const recorded = [
      { fleet: contrary, from: now - 5 * HOUR, to: half },
      { fleet: lacking.map((point) => ({ ...point, kind: 'loose' }) as const), from: half, to: now + 1 },
    ];
    await withRecorded(recorded, async (url) => {
      const { stdout } = await audit(url, '--json', '--since=4h', `--match=instance=${instanceOf('same')}`);
      expect(auditSchema.parse(JSON.parse(stdout)).paths[0]?.period?.compliant_share).toBe(0);
      const { stdout: all } = await audit(url, '--json', '--since=4h');
      const same = auditSchema
        .parse(JSON.parse(all))
        .paths.find(({ labels }) => labels['instance'] === instanceOf('same'));
      // The pool is missing from five minutes after the half on: what was recorded of it stands as long.
      expect(same?.period?.compliant_share).toBe(Math.round((58 / 121) * 10_000) / 10_000);
    });
  });

  it('counts what changed since the beginning, and says it', async () => {
    const { total } = await auditJson('--since=4h');
    expect(total.period).toMatchObject({
      before: { paths: 6, compliant: 3, not_compliant: 3, unknown: 0 },
      became_compliant: 1,
      became_not_compliant: 1,
      added: 1,
      gone: 1,
    });
    const { stdout } = await audit(prometheus.url, `--since=${now - 4 * HOUR}`, '--by=isp');
    expect(stdout).toMatch(
      /^Since .* UTC: compliant in .* %\); 1 got worse, 1 got better, 1 new, 1 gone\.$/m,
    );
  });

  it('compares with nothing where Prometheus knew nothing yet', async () => {
    const { total } = await auditJson('--since=7d');
    expect(total.period).not.toHaveProperty('before');
    expect(total.period?.added).toBe(6);
  });

  it('has a line for each path as CSV, with pool, condition and place', async () => {
    const file = join(bench.directory, 'paths.csv');
    const { code } = await audit(prometheus.url, `--paths=${file}`);
    expect(code).toBe(1);
    const [head = '', ...rows] = readFileSync(file, 'utf8').trimEnd().split('\r\n');
    expect(rows).toHaveLength(6);
    const pool = rows.find((row) => row.includes(instanceOf('pool')))?.split(',') ?? [];
    const cells = Object.fromEntries(head.split(',').map((name, index) => [name, pool[index]]));
    expect(cells).toMatchObject({
      state: 'not_compliant',
      timeout_seconds: '300',
      mode: 'recv',
      conditions: 'mixture',
      early_death_ratio: '0.05',
      early_death_ratio_lower: '0.036',
      early_death_ratio_upper: '0.077',
      place: 'cgn_hop',
      hop: '3',
      box_kind: 'router',
      isp: points.get('pool')?.isp,
    });
    const young = rows.find((row) => row.includes(instanceOf('lost')))?.split(',') ?? [];
    expect(young[head.split(',').indexOf('so_far_seconds')]).toBe('900');
  });

  it('looks only at paths that match', async () => {
    const of = async (...matchers: readonly string[]): Promise<string[]> => {
      const { paths } = await auditJson('--since=4h', ...matchers.map((matcher) => `--match=${matcher}`));
      return paths.map(({ labels }) => labels['instance'] ?? '').sort();
    };
    expect(await of(`instance=${instanceOf('pool')}`)).toEqual([instanceOf('pool')]);
    expect(await of(`instance=~"${instanceOf('pool')}|${instanceOf('new')}"`, 'isp!=nobody')).toEqual(
      [instanceOf('pool'), instanceOf('new')].sort(),
    );
    expect(await audit(prometheus.url, '--match=isp=nobody')).toEqual({
      code: 3,
      stdout: '',
      stderr: `${prometheus.url}: knows no path of nat-idle-exporter with isp="nobody" at that moment\n`,
    });
  });

  it('says which flag it was when Prometheus cannot read a regular expression', async () => {
    const { code, stdout, stderr } = await audit(prometheus.url, '--match=isp=~(');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^--match: http:.*refused \(status 400\): .*missing closing \).*, found isp=~"\("\n$/,
    );
  });

  it.each([
    ['--since=30s', /^--since: must be a minute or more before .*, found .*\n$/],
    [`--since=${now + 60}`, /^--since: must be a minute or more before .*, found .*\n$/],
    ['--since=100y', /^--since: must be a minute or more before .*, found 19\d\d-.*\n$/],
  ])('refuses %s in one line', async (flag, message) => {
    const { code, stdout, stderr } = await audit(prometheus.url, flag);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it('cannot write the paths into a folder that does not exist, and says so', async () => {
    const { code, stderr } = await audit(prometheus.url, '--paths=/nowhere/paths.csv');
    expect([code, stderr]).toEqual([2, '--paths: cannot be written (ENOENT), found /nowhere/paths.csv\n']);
  });

  it('sends its headers with every request, and repeats no key that the other side does', async () => {
    const headers: IncomingHttpHeaders[] = [];
    const key = 'hush-hush-hush-hush';
    const server = createServer((request, response) => {
      headers.push(request.headers);
      response.writeHead(422, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ status: 'error', error: `no tenant north with ${key}` }));
    }).listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    try {
      const outcome = await audit(url, '--header=X-Scope-OrgID: north', `--header=X-Key: ${key}`);
      expect(outcome).toEqual({
        code: 3,
        stdout: '',
        stderr: `${url}: the query was refused (status 422): no tenant north with <secret>\n`,
      });
      expect(headers).toMatchObject([{ 'x-scope-orgid': 'north', 'x-key': key }]);
    } finally {
      server.close();
    }
  });

  it('is whole in a pipe that is read slowly, however many paths there are', async () => {
    const fleet = vantagePoints(500).map((point) => ({ ...point, kind: 'healthy' }) as const);
    const file = join(bench.directory, 'many');
    writeHistory(file, await scrapeOf(fleet), { from: now - 600, to: now + 1, step: 60 });
    const many = await startPrometheus({ files: [file] });
    try {
      const command = 'node "$1" audit --json --prometheus="$2" --at="$3" | (sleep 2; cat)';
      const { stdout } = await promisify(execFile)('sh', ['-c', command, 'sh', MAIN, many.url, `${now}`], {
        maxBuffer: 100_000_000,
      });
      expect(auditSchema.parse(JSON.parse(stdout)).paths).toHaveLength(500);
    } finally {
      await many.close();
    }
  }, 60_000);
});
