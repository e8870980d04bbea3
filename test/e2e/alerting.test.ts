/**
 * The whole chain with real parts: exporter behind a kernel NAT, Prometheus, the shipped rules with a threshold that
 * a test can wait for, Alertmanager, a webhook. The NAT is made worse, better, rebooted and cut off; afterwards the
 * dashboards are asked about what Prometheus saw.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderAlerts, renderRecordingRules } from '../../prometheus/src/render.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { createLab, type Lab, type LabProcess, SERVER } from '../netns/lab.js';
import { describeLab } from '../netns/requirements.js';
import { until } from '../netns/until.js';
import { emptyQueries } from '../support/panels.js';
import { prometheusApi } from '../support/prometheus.js';
import { missing } from '../support/requires.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const PROMETHEUS = 'http://127.0.0.1:9090';

/** Seconds that stand in for the 7440 s of the shipped rules, and timeouts on either side of it. */
const REQUIRED = 12;
const GOOD = 18;
const BAD = 6;

const CONFIG = `
search: {min_idle: 2s, max_idle: 30s, resolution: 2s, connections: 16, deadline: 2s}
schedule: "* * * * * *"
locate: off
targets:
  - name: lab
    host: ${SERVER.v4}
    labels: {site: bench}
`;

const PROMETHEUS_CONFIG = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml, alerts.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9093']}]}]}
scrape_configs:
  - {job_name: nat-idle-exporter, static_configs: [{targets: ['127.0.0.1:15382']}]}
  - {job_name: nat-idle-responder, static_configs: [{targets: ['${SERVER.v4}:15383']}]}
`;

const ALERTMANAGER_CONFIG = `
route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:9999/', send_resolved: true}]}]
`;

/** Prints the body of every POST on a line. */
const WEBHOOK = `require('node:http').createServer((request, response) => {
  let body = '';
  request.on('data', (part) => (body += part)).on('end', () => {
    console.log(body.replaceAll('\\n', ' '));
    response.end();
  });
}).listen(9999, '127.0.0.1', () => console.log('listening'));`;

interface Notification {
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/**
 * What may stay empty in a story of minutes: it takes two hours of survival to know "remembers at least" and a 1,
 * a suspicion may be over before it is scraped, changes are looked for every five minutes, nobody announces himself, and no box is looked for. The dashboards' own test shows these
 * with a longer story.
 */
const MAY_BE_EMPTY = [
  'NAT idle timeout / Idle connections / B',
  'NAT idle timeout / Where the box stands / A',
  'NAT idle timeout / Last change / A',
  'NAT idle timeout / Phase of the search / B',
  'NAT idle timeout / Tried here / A',
  'NAT idle timeout / Which box forgets / A',
  'NAT idle timeout / Hops / A',
  'NAT idle timeout / Hops / B',
  'NAT idle timeout / Last located / A',
  ...['A', 'B', 'C', 'D'].map((query) => `NAT idle timeout / Idle timeout of every place / ${query}`),
  'NAT idle timeout / Tests of localisation / A',
  'NAT idle timeout: fleet (CGN audit) / Where the boxes stand / A',
  'NAT idle timeout: fleet (CGN audit) / Found beside the timeout / A',
  ...['G', 'H', 'I'].map(
    (query) => `NAT idle timeout: fleet (CGN audit) / Paths, the worst first / ${query}`,
  ),
  ...['A', 'B', 'C'].map(
    (query) => `NAT idle timeout / Share of the connections that is forgotten early / ${query}`,
  ),
  'NAT idle timeout: exporter and responder health / Exporters that responders list / A',
  'NAT idle timeout: exporter and responder health / Announced / A',
];

const lacking = missing({ packages: ['prometheus', 'prometheus-alertmanager'] });

describeLab(
  'the alerting chain',
  () => {
    let lab: Lab;
    let webhook: LabProcess;
    const folder = mkdtempSync(join(tmpdir(), 'nat-idle-alerting-'));
    const moments: number[] = [];
    const api = prometheusApi(PROMETHEUS, async (url) => (await lab.http('client', url)).body);

    /** Every alert that the webhook has been told of, oldest first. */
    const told = (): Notification['alerts'] =>
      webhook.stdout
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .flatMap((line) => (JSON.parse(line) as Notification).alerts);
    const newest = (name: string) =>
      told()
        .filter(({ labels }) => labels['alertname'] === name)
        .at(-1);
    const chapter = (): number => moments.push(Date.now() / 1000);

    beforeAll(async () => {
      writeFileSync(join(folder, 'config.yaml'), CONFIG);
      writeFileSync(join(folder, 'prometheus.yml'), PROMETHEUS_CONFIG);
      writeFileSync(join(folder, 'alertmanager.yml'), ALERTMANAGER_CONFIG);
      writeFileSync(join(folder, 'rules.yml'), renderRecordingRules(1));
      const thresholds = {
        ...SHIPPED_THRESHOLDS,
        requiredIdleTimeout: REQUIRED,
        belowFor: 0,
        findingHeld: 30,
        targetDownFor: 5,
      };
      writeFileSync(
        join(folder, 'alerts.yml'),
        renderAlerts({ thresholds, runbook: 'RUNBOOK', interval: 1 }),
      );

      lab = await createLab({ box: 'strict', idleTimeout: GOOD });
      lab.spawn('server', process.execPath, [MAIN, 'responder', '--web.listen-address=:15383']);
      lab.spawn('client', process.execPath, [MAIN, `--config.file=${join(folder, 'config.yaml')}`]);
      webhook = lab.spawn('client', process.execPath, ['-e', WEBHOOK]);
      await webhook.waitForLine(/listening/, 10_000);
      lab.spawn('client', 'prometheus-alertmanager', [
        `--config.file=${join(folder, 'alertmanager.yml')}`,
        `--storage.path=${join(folder, 'alertmanager')}`,
        '--web.listen-address=127.0.0.1:9093',
        '--cluster.listen-address=',
      ]);
      lab.spawn('client', 'prometheus', [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--web.listen-address=127.0.0.1:9090',
      ]);
      await until('Prometheus is ready', 30_000, async () => {
        return (await lab.http('client', `${PROMETHEUS}/-/ready`)).status === 200;
      });
    });

    afterAll(async () => {
      await lab.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const value = async (expr: string): Promise<number | undefined> => {
      const [series] = await api.query(expr, Date.now() / 1000);
      return series?.value === undefined ? undefined : Number(series.value[1]);
    };

    it('fires when the timeout drops, resolves when it is back, says nothing else', {
      timeout: 900_000,
    }, async () => {
      await until(
        'the path is known',
        30_000,
        async () => (await value('count(nat_search_phase)')) === 9,
        500,
      );
      chapter();
      await until(
        'every mode has a finding',
        180_000,
        async () => (await value('count(rfc5382_req5_compliant)')) === 3,
        500,
      );
      chapter();
      expect(await value('min(nat_idle_timeout_seconds)')).toBeGreaterThan(REQUIRED);
      expect(told()).toEqual([]);

      await lab.setIdleTimeout(BAD);
      const fired = await until(
        'the webhook is told',
        200_000,
        () => newest('NatIdleTimeoutBelowRfc5382'),
        500,
      );
      chapter();
      expect(fired.status).toBe('firing');
      expect(fired.labels).toMatchObject({ target: 'lab', site: 'bench', severity: 'critical' });
      expect(fired.labels['mode']).toBeUndefined();
      expect(fired.annotations['summary']).toMatch(
        /^lab: idle connections are forgotten after [4-8](\.\d+)?s$/,
      );
      expect(fired.annotations['runbook_url']).toBe('RUNBOOK#natidletimeoutbelowrfc5382');

      await lab.setIdleTimeout(GOOD);
      await until(
        'the webhook is told that it is over',
        400_000,
        () => newest('NatIdleTimeoutBelowRfc5382')?.status === 'resolved',
        500,
      );
      chapter();
      expect(await value('min(nat_idle_timeout_seconds)')).toBeGreaterThan(REQUIRED);
    });

    it('tells a reboot and an outage from a short timeout', { timeout: 300_000 }, async () => {
      await lab.reboot();
      await until(
        'the loss is counted',
        60_000,
        async () => ((await value('nat_mapping_losses_total')) ?? 0) > 0,
        500,
      );
      await until(
        'the path is measured again',
        60_000,
        async () => ((await value('min(nat_probe_connections)')) ?? 0) > 5,
        500,
      );
      chapter();
      await lab.outage(true);
      const down = await until('the webhook is told', 90_000, () => newest('NatIdleTargetDown'), 500);
      chapter();
      expect(down).toMatchObject({ status: 'firing', labels: { target: 'lab' } });
      await lab.outage(false);
      await until(
        'the far end answers again',
        120_000,
        () => newest('NatIdleTargetDown')?.status === 'resolved',
        500,
      );
      chapter();
      expect(newest('NatIdleTimeoutBelowRfc5382')?.status).toBe('resolved');
    });

    it('fills every panel of the dashboards', { timeout: 120_000 }, async () => {
      // Somebody knocks who is no client of ours.
      const knock = `require('node:net').connect(5382, '${SERVER.v4}', function () { this.end('GET / HTTP/1.0\\r\\n\\r\\n'); }).on('error', () => {}).resume()`;
      await lab.exec('client', process.execPath, ['-e', knock]);
      await until(
        'the refusal is scraped',
        20_000,
        async () => ((await value('sum(rate(nat_responder_rejected_total[20s]))')) ?? 0) > 0,
        500,
      );
      chapter();
      // The last step of a range may lie before the newest sample.
      const story = { from: moments[0] ?? 0, to: Date.now() / 1000 + 2, step: 1, moments };
      const empty = await emptyQueries(api, story, { __rate_interval: '20s' });
      expect(empty.filter((where) => !MAY_BE_EMPTY.includes(where))).toEqual([]);
    });
  },
  lacking,
);
