/** Exporters that nobody scrapes: a real Prometheus receives, is stopped and started; Prometheus in agent mode. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { load } from 'js-yaml';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { allSeries, series } from '../netns/metrics.js';
import type { LabProcess } from '../netns/process.js';
import { until } from '../netns/until.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { Bench, freePort } from '../support/program.js';
import { prometheusApi } from '../support/prometheus.js';
import { requires } from '../support/requires.js';
import { startServer } from '../support/servers.js';

const PASSWORD = 'swordfish-and-chips';
const PREFIX = 'nat_idle_exporter_remote_write_';

let bench: Bench;
const servers: LabProcess[] = [];

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop('SIGKILL')));
  await bench.close();
});

/** Fetches over TLS with our own CA and the receiver's user. */
function fetchSecurely(url: string, ca: string): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca, auth: `me:${PASSWORD}`, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ ok: response.statusCode === 200, text }));
    });
    sent.once('error', reject);
    sent.end();
  });
}

requires({ packages: ['prometheus', 'openssl'] }).describe('remote_write', () => {
  it('delivers every sample once and with its own moment although the receiver was away', async () => {
    const port = await freePort();
    const url = `https://localhost:${port}`;
    const ca = makeCa(bench.directory, 'ca');
    const pair = makeCertificate(bench.directory, 'localhost', ca, 'DNS:localhost');
    const trusted = readFileSync(ca.cert, 'utf8');
    const hash = hashSync(PASSWORD, 4);
    const web = await bench.write(
      'web.yml',
      `tls_server_config: {cert_file: ${pair.cert}, key_file: ${pair.key}}\nbasic_auth_users: {me: '${hash}'}\n`,
    );
    const prometheusConfig = await bench.write('prometheus.yml', 'scrape_configs: []\n');
    const startReceiver = async (): Promise<LabProcess> => {
      const server = await startServer(
        [
          'prometheus',
          `--config.file=${prometheusConfig}`,
          `--storage.tsdb.path=${join(bench.directory, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          `--web.config.file=${web}`,
          '--web.enable-remote-write-receiver',
        ],
        url,
        async () => (await fetchSecurely(`${url}/-/ready`, trusted)).ok,
      );
      servers.push(server);
      return server;
    };
    const api = prometheusApi(url, async (address) => (await fetchSecurely(address, trusted)).text);
    const now = (): number => Date.now() / 1000;

    const password = await bench.write('password', `${PASSWORD}\n`);
    const section = `
remote_write:
  url: ${url}/api/v1/write
  basic_auth: {username: me, password_file: ${password}}
  tls_config: {ca_file: ${ca.cert}}
  interval: 1s
  external_labels: {instance: vantage-7, region: north}
`;
    const targets = 'targets: [{name: embedded, embedded: {}}]\n';
    const config = await bench.write('config.yaml', targets + section);

    const receiver = await startReceiver();
    const exporter = await bench.exporter(config);
    const metric = async (name: string): Promise<number> =>
      series(await exporter.metrics(), `${PREFIX}${name}`, {}) ?? 0;
    await until('some samples have arrived', 20_000, async () => (await metric('samples_total')) > 200);

    const stopped = now();
    await receiver.stop();
    await until('samples wait', 20_000, async () => (await metric('samples_pending')) > 1000);
    // A reload that leaves the section alone leaves the queue alone.
    const waiting = await metric('samples_pending');
    const mark = exporter.process.stderr.length;
    await bench.write('config.yaml', `schedule: "*/7 * * * *"\n${targets}${section}`);
    exporter.process.signal('SIGHUP');
    await until('the reload', 10_000, () =>
      exporter.process.stderr.slice(mark).includes('configuration loaded'),
    );
    expect(await metric('samples_pending')).toBeGreaterThanOrEqual(waiting);
    expect(await metric('failures_total')).toBeGreaterThan(0);
    await startReceiver();
    const started = now();

    const mine = '{job="nat-idle-exporter", instance="vantage-7", region="north"}';
    const taken = await until('as many samples in the database as were taken', 60_000, async () => {
      if ((await metric('samples_pending')) > 0) return false;
      const sent = await metric('samples_total');
      const found = await api.query(`${mine}[10m]`, now() + 1);
      const kept = found.reduce((sum, { values = [] }) => sum + values.length, 0);
      if (kept !== sent) throw new Error(`${kept} samples in the database, ${sent} taken`);
      return sent;
    });
    expect(taken).toBeGreaterThan(500);
    for (const { value } of allSeries(await exporter.metrics(), `${PREFIX}samples_dropped_total`, {}))
      expect(value).toBe(0);

    // What was taken while the receiver was away stands at its own moments.
    const [up] = await api.query(`up${mine}[10m]`, now() + 1);
    const missed = (up?.values ?? []).filter(([moment]) => moment > stopped && moment < started);
    expect(missed.length).toBeGreaterThanOrEqual(2);

    // A clean stop delivers the last samples and ends every series.
    const [signalled, stopping] = [now(), performance.now()];
    expect(await exporter.process.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - stopping).toBeLessThan(5000);
    expect(exporter.process.stderr).not.toMatch(/could not be delivered|refused|level=error/);
    const [last] = await api.query(`up${mine}[10m]`, now() + 1);
    expect(last?.values?.at(-1)?.[0]).toBeGreaterThanOrEqual(Math.floor(signalled * 1000) / 1000);
    expect(await api.query(mine, now() + 1)).toEqual([]);
    expect(exporter.process.stderr).not.toContain(PASSWORD);
    expect(exporter.process.stderr).not.toMatch(/level=error/);
    expect(exporter.process.stderr).toContain('the receiver of remote write takes samples again');
  });

  it('shows the password nowhere', async () => {
    const password = await bench.write('password', PASSWORD);
    const config = await bench.write(
      'config.yaml',
      `targets: [{name: embedded, embedded: {}}]
remote_write: {url: 'http://127.0.0.1:${await freePort()}/w', basic_auth: {username: me, password_file: ${password}}}
`,
    );
    const exporter = await bench.exporter(config);
    await exporter.process.waitForLine(/takes no samples; they wait/, 20_000);
    const shown = await (await exporter.get('/config')).text();
    expect(shown).toContain(`password_file: ${password}`);
    expect(shown + exporter.process.stderr + (await exporter.metrics())).not.toContain(PASSWORD);
  });
});

requires({ packages: ['prometheus'] }).describe(
  'Prometheus in agent mode, as docs/OPERATORS.md has it',
  () => {
    it('scrapes the exporter and sends everything on with its labels', async () => {
      const text = readFileSync(new URL('../../docs/OPERATORS.md', import.meta.url), 'utf8');
      const [, documented = ''] = /```yaml\n(# agent\.yml[^]*?)```/.exec(text) ?? [];
      const config = load(documented) as {
        global: { scrape_interval: string };
        scrape_configs: { static_configs: { targets: string[] }[] }[];
        remote_write: { url: string; basic_auth?: unknown }[];
      };
      const exporter = await bench.exporter(
        await bench.write('config.yaml', 'targets: [{name: embedded, embedded: {}}]\n'),
      );
      const [receiverPort, agentPort] = [await freePort(), await freePort()];
      const receiver = `http://127.0.0.1:${receiverPort}`;
      servers.push(
        await startServer(
          [
            'prometheus',
            `--config.file=${await bench.write('prometheus.yml', 'scrape_configs: []\n')}`,
            `--storage.tsdb.path=${join(bench.directory, 'data')}`,
            `--web.listen-address=127.0.0.1:${receiverPort}`,
            '--web.enable-remote-write-receiver',
          ],
          receiver,
        ),
      );
      // Only what must differ here: the places, the pace, and the password that this receiver does not ask for.
      config.global.scrape_interval = '1s';
      for (const scrape of config.scrape_configs)
        for (const each of scrape.static_configs) each.targets = [new URL(exporter.url).host];
      for (const remote of config.remote_write) {
        remote.url = `${receiver}/api/v1/write`;
        delete remote.basic_auth;
      }
      servers.push(
        await startServer(
          [
            'prometheus',
            '--enable-feature=agent',
            `--config.file=${await bench.write('agent.yml', JSON.stringify(config))}`,
            `--storage.agent.path=${join(bench.directory, 'agent')}`,
            `--web.listen-address=127.0.0.1:${agentPort}`,
          ],
          `http://127.0.0.1:${agentPort}`,
        ),
      );
      const api = prometheusApi(receiver);
      const query =
        'nat_target_up{job="nat-idle-exporter", target="embedded", vantage="home-17"} == 1 and on (instance) up == 1';
      await until(
        'the sample has gone all the way',
        60_000,
        async () => (await api.query(query, Date.now() / 1000)).length === 1,
      );
    });
  },
);
