/** `audit` through the built program, with a real Prometheus that knows a history and no recording rules. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { hash } from 'bcryptjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuditDocument, auditSchema } from '../../src/audit/audit-document.js';
import { Bench, freePort } from '../support/program.js';
import { type PrometheusServer, startPrometheus } from '../support/prometheus.js';
import { requires } from '../support/requires.js';
import { startServer } from '../support/servers.js';
import {
  COMPLIANT,
  scrapeOf,
  type VantagePoint,
  vantagePoints,
  writeHistory,
} from '../support/vantage-points.js';

const HOUR = 3600;

requires({ packages: ['prometheus'] }).describe('audit', () => {
  const fleet = vantagePoints(160);
  /** The last site fell silent half an hour ago. */
  const isStale = ({ site }: VantagePoint): boolean => site === 'site-03';
  const live = fleet.filter((point) => !isStale(point));
  const now = Math.floor(Date.now() / 1000);
  let bench: Bench;
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    bench = await Bench.open();
    const files = ['earlier', 'lately'].map((name) => join(bench.directory, name));
    const [earlier = '', lately = ''] = files;
    writeHistory(earlier, await scrapeOf(fleet), { from: now - HOUR, to: now - HOUR / 2, step: 60 });
    writeHistory(lately, await scrapeOf(live), { from: now - HOUR / 2, to: now, step: 60 });
    prometheus = await startPrometheus({ files });
  }, 60_000);
  afterAll(async () => {
    await prometheus.close();
    await bench.close();
  });

  interface Outcome {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }

  async function audit(url: string, ...args: readonly string[]): Promise<Outcome> {
    const run = bench.start(['audit', `--prometheus=${url}`, ...args]);
    const { code } = await run.exited;
    return { code, stdout: run.stdout, stderr: run.stderr };
  }

  async function auditJson(...args: readonly string[]): Promise<AuditDocument> {
    const { stdout, stderr } = await audit(prometheus.url, `--at=${now}`, '--json', ...args);
    expect(stderr).toBe('');
    return auditSchema.parse(JSON.parse(stdout));
  }

  const count = (points: readonly VantagePoint[], wanted: 0 | 1 | undefined): number =>
    points.filter((point) => !isStale(point) && COMPLIANT[point.kind] === wanted).length;

  it('counts each path of each group once, the silent ones as unknown', async () => {
    const document = await auditJson('--by=isp');
    expect(document.groups).toHaveLength(8);
    for (const group of document.groups) {
      const mine = fleet.filter(({ isp }) => isp === group.name);
      const stale = mine.filter(isStale).length;
      expect(group).toMatchObject({
        labels: { isp: group.name },
        paths: mine.length,
        compliant: count(mine, 1),
        not_compliant: count(mine, 0),
        unknown: count(mine, undefined) + stale,
        stale,
        compliant_share: count(mine, 1) / mine.length,
      });
    }
    expect(document.total.stale).toBe(40);
    // One provider's carrier-grade NAT forgets after an hour, another provider is without a fault.
    const [worst] = document.groups;
    expect([worst?.name, worst?.median]).toEqual(['isp-6', { seconds: 3600, at_least: false }]);
    const best = document.groups.find(({ name }) => name === 'isp-2');
    expect([best?.minimum, best?.worst]).toEqual([{ seconds: 7795, at_least: true }, []]);
  });

  it('names the worst paths with timeout and mode, and leaves the minimum of the unknown empty', async () => {
    const document = await auditJson('--by=isp,site', '--worst=2');
    const [loose] = live.filter(({ kind }) => kind === 'loose');
    const group = document.groups.find(({ name }) => name === `${loose?.isp ?? ''} / ${loose?.site ?? ''}`);
    expect(group?.worst[0]).toMatchObject({
      name: expect.stringMatching(/^vantage-\d{4}:15382 → responder$/) as string,
      mode: 'recv',
      timeout_seconds: 300,
    });
    const silent = document.groups.filter(({ labels }) => labels['site'] === 'site-03');
    expect(silent).toHaveLength(8);
    for (const each of silent) {
      expect(each).toMatchObject({ compliant: 0, not_compliant: 0, timeouts: 0, worst: [] });
      expect(each).not.toHaveProperty('minimum');
      expect(each).not.toHaveProperty('median');
    }
  });

  it('agrees with the recording rules at an earlier moment, when every path was watched', async () => {
    const { total } = await auditJson('--by=access', `--at=${new Date((now - 2400) * 1000).toISOString()}`);
    const all = (wanted: 0 | 1 | undefined): number =>
      fleet.filter(({ kind }) => COMPLIANT[kind] === wanted).length;
    expect(total).toMatchObject({
      compliant: all(1),
      not_compliant: all(0),
      unknown: all(undefined),
      stale: 0,
    });
  });

  it('forgets a silent path beyond the look-back', async () => {
    const { total } = await auditJson('--lookback=10m');
    expect(total).toMatchObject({ paths: live.length, stale: 0 });
  });

  it('prints a table with a line for each group, writes the report, and exits with 1 for a violation', async () => {
    const file = join(bench.directory, 'report.html');
    const { code, stdout } = await audit(prometheus.url, '--by=access', `--at=${now}`, `--report=${file}`);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^access +paths +compliant +share +of the known +not compliant +unknown +of these stale +minimum +median +conditions$/m,
    );
    expect(stdout).toMatch(/^mobile +40 .* +300 s +≥ 7795 s *$/m);
    expect(stdout).toMatch(/^all +160 /m);
    expect(stdout).toMatch(/^Not compliant: of 160 paths /m);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain(prometheus.url);
    expect(page).toMatch(/<svg /);
    expect(page).toContain('<th scope="row">mobile</th>');
  });

  it('takes its flags from the environment, too, and writes CSV', async () => {
    const file = join(bench.directory, 'report.csv');
    const run = bench.start(['audit'], {
      env: { NAT_IDLE_PROMETHEUS: prometheus.url, NAT_IDLE_BY: 'isp, access', NAT_IDLE_REPORT: file },
    });
    expect((await run.exited).code).toBe(1);
    const lines = readFileSync(file, 'utf8').split('\r\n');
    expect(lines[0]).toMatch(/^isp,access,paths,compliant,/);
    expect(lines.filter((line) => line.startsWith('isp-'))).toHaveLength(
      new Set(fleet.map(({ isp, access }) => `${isp} ${access}`)).size,
    );
  });

  it('refuses a label that no path has, and writes no report of it', async () => {
    const file = join(bench.directory, 'none.csv');
    expect(await audit(prometheus.url, '--by=ips', `--report=${file}`)).toEqual({
      code: 2,
      stdout: '',
      stderr: '--by: no path has the label ips, did you mean isp?\n',
    });
    expect(existsSync(file)).toBe(false);
  });

  it('has no verdict where Prometheus knew nothing yet', async () => {
    expect(await audit(prometheus.url, '--at=1000000000')).toEqual({
      code: 3,
      stdout: '',
      stderr: `${prometheus.url}: knows no path of nat-idle-exporter at that moment\n`,
    });
  });

  it('says in one line that nobody answers, or somebody else does', async () => {
    const port = await freePort();
    expect(await audit(`http://127.0.0.1:${port}`)).toEqual({
      code: 3,
      stdout: '',
      stderr: `http://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    });
    const server = createServer((_, response) => response.end('<h1>hello</h1>')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    try {
      expect(await audit(url)).toEqual({
        code: 3,
        stdout: '',
        stderr: `${url}: the answer is not that of a Prometheus: is the address right?\n`,
      });
      // The path of the API does not exist below the address of a page.
      const { code, stderr } = await audit(`${prometheus.url}/graph`);
      expect([code, stderr]).toEqual([3, expect.stringContaining('status 404')]);
    } finally {
      server.close();
    }
  });

  it('calls nothing compliant when the answer may be incomplete', async () => {
    const metric = { job: 'nat', instance: 'a:15382', target: 'vps' };
    let warnings: readonly string[] = [];
    // As Thanos answers while one of its stores is away: with what it has.
    const server = createServer((request, response) => {
      let form = '';
      request.on('data', (part) => (form += String(part)));
      request.on('end', () => {
        const expr = new URLSearchParams(form).get('query') ?? '';
        // No path is stale, and none is proven to be short.
        const isEmpty = expr.includes('over_time') || /^nat_idle_timeout_upper_bound.* and /.test(expr);
        const result = isEmpty ? [] : [{ metric, value: [1, '1'] }];
        response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result }, warnings }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    try {
      expect(await audit(url)).toMatchObject({ code: 0, stderr: '' });
      warnings = ['no store matched for this query'];
      const { code, stdout, stderr } = await audit(url);
      expect([code, stderr]).toEqual([
        3,
        `${url}: the answer may be incomplete: no store matched for this query\n`,
      ]);
      expect(stdout).toContain('vps');
    } finally {
      server.close();
    }
  });

  it('names a file of credentials that is a folder', async () => {
    for (const flag of ['--tls-ca-file', '--bearer-token-file'])
      expect(await audit(prometheus.url, `${flag}=${bench.directory}`)).toEqual({
        code: 2,
        stdout: '',
        stderr: `${bench.directory}: cannot be read (EISDIR)\n`,
      });
  });

  it('shows its credentials to a Prometheus that asks for them, and never prints them', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const users = `basic_auth_users: {auditor: ${JSON.stringify(await hash('sesame-street', 4))}}\n`;
    const protectedServer = await startServer(
      [
        'prometheus',
        `--config.file=${await bench.write('empty.yml', 'scrape_configs: []\n')}`,
        `--web.config.file=${await bench.write('web.yml', users)}`,
        `--storage.tsdb.path=${join(bench.directory, 'protected')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      url,
      async () => (await fetch(`${url}/-/ready`)).status === 401,
    );
    try {
      const wrong = await bench.write('wrong', 'open\n');
      const right = await bench.write('right', 'sesame-street\n');
      const refused = `${url}: the credentials were refused (status 401): see --username with --password-file, and --bearer-token-file\n`;
      expect(await audit(url)).toEqual({ code: 3, stdout: '', stderr: refused });
      expect(await audit(url, '--username=auditor', `--password-file=${wrong}`)).toEqual({
        code: 3,
        stdout: '',
        stderr: refused,
      });
      const { code, stderr } = await audit(url, '--username=auditor', `--password-file=${right}`);
      expect([code, stderr]).toEqual([3, expect.stringContaining('knows no path')]);
      const missing = await audit(url, '--username=auditor', '--password-file=/nowhere/password');
      expect(missing).toEqual({
        code: 2,
        stdout: '',
        stderr: '/nowhere/password: cannot be read (ENOENT)\n',
      });
    } finally {
      await protectedServer.stop('SIGKILL');
    }
  });

  it('cannot write a report into a folder that does not exist, and says so', async () => {
    const { code, stderr } = await audit(prometheus.url, '--report=/nowhere/report.csv');
    expect([code, stderr]).toEqual([2, '--report: cannot be written (ENOENT), found /nowhere/report.csv\n']);
  });
});
