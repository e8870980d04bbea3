/** VictoriaMetrics in the place of Prometheus: it receives what the exporter sends, and answers rules and dashboards. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { renderAlerts, renderRecordingRules } from '../../prometheus/src/render.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import type { LabProcess } from '../netns/process.js';
import { until } from '../netns/until.js';
import { emptyQueries } from '../support/panels.js';
import { Bench, freePort } from '../support/program.js';
import { prometheusApi } from '../support/prometheus.js';
import { requires } from '../support/requires.js';
import { startServer } from '../support/servers.js';
import { CHAPTERS, tellStory } from '../support/story.js';

const STEP = 300;
const ALERTS = new URL('../../prometheus/alerts/nat-idle.alerts.yml', import.meta.url).pathname;

let bench: Bench;
let server: LabProcess;
let url: string;

beforeEach(async () => {
  bench = await Bench.open();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = await startServer(
    [
      'victoria-metrics',
      `-storageDataPath=${join(bench.directory, 'data')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-memory.allowedBytes=64MB',
      '-search.disableCache',
      // Unless told otherwise it shows nothing of the last half minute.
      '-search.latencyOffset=0s',
    ],
    url,
    async () => (await fetch(`${url}/health`)).ok,
  );
});

afterEach(async () => {
  await server.stop('SIGKILL');
  await bench.close();
});

/** Runs vmalert to its end. @throws Error with what it says */
function vmalert(...args: readonly string[]): void {
  execFileSync('vmalert', [`-datasource.url=${url}`, ...args], { stdio: 'pipe' });
}

requires({ packages: ['victoria-metrics', 'prometheus-alertmanager'] }).describe('VictoriaMetrics', () => {
  it('receives what remote_write sends, and the end of every series', async () => {
    const config = await bench.write(
      'config.yaml',
      `targets: [{name: embedded, embedded: {}}]\nremote_write: {url: '${url}/api/v1/write', interval: 1s}\n`,
    );
    const exporter = await bench.exporter(config);
    const api = prometheusApi(url);
    const flush = (): Promise<Response> => fetch(`${url}/internal/force_flush`);
    await until('the target is up', 30_000, async () => {
      await flush();
      const [up] = await api.query(
        'nat_target_up{target="embedded",job="nat-idle-exporter"}',
        Date.now() / 1000,
      );
      return up?.value?.[1] === '1';
    });
    await exporter.process.stop();
    await flush();
    // Without the marker of its end a series would stand for five minutes.
    expect(await api.query('nat_target_up', Date.now() / 1000 + 2)).toEqual([]);
    const metrics = await api.query(
      'count(count({__name__=~"nat_.*"}[5m]) by (__name__))',
      Date.now() / 1000,
    );
    expect(Number(metrics[0]?.value?.[1])).toBeGreaterThan(20);
  });

  it.each([
    ['its external_url', true],
    ['where it is reached', false],
  ])(
    'has a shipped alert fired by vmalert, up to an Alertmanager, with a link to %s',
    {
      timeout: 90_000,
    },
    async (_, told) => {
      const [site, far, alertmanager, own] = await Promise.all(Array.from({ length: 4 }, freePort));
      const config = await bench.write(
        'config.yaml',
        dump({
          ...(told && { external_url: `http://127.0.0.1:${site}/` }),
          targets: [{ name: 'vps', host: '127.0.0.1', port: far }],
          remote_write: { url: `${url}/api/v1/write`, interval: '1s' },
        }),
      );
      await bench.exporter(config, [`--web.listen-address=127.0.0.1:${site}`]);
      const thresholds = { ...SHIPPED_THRESHOLDS, targetDownFor: 2 };
      const alerts = await bench.write('alerts.yml', renderAlerts({ thresholds, interval: 1 }));
      const receivers = { route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }] };
      const started: LabProcess[] = [];
      try {
        const alertmanagerUrl = `http://127.0.0.1:${alertmanager}`;
        started.push(
          await startServer(
            [
              'prometheus-alertmanager',
              `--config.file=${await bench.write('alertmanager.yml', dump(receivers))}`,
              `--storage.path=${join(bench.directory, 'alertmanager')}`,
              `--web.listen-address=127.0.0.1:${alertmanager}`,
              '--cluster.listen-address=',
            ],
            alertmanagerUrl,
          ),
        );
        started.push(
          await startServer(
            [
              'vmalert',
              `-datasource.url=${url}`,
              // It looks at a moment of the past otherwise, which may be before the first sample.
              '-datasource.queryTimeAlignment=false',
              `-notifier.url=${alertmanagerUrl}`,
              `-httpListenAddr=127.0.0.1:${own}`,
              `-rule=${alerts}`,
            ],
            `http://127.0.0.1:${own}`,
            async () => (await fetch(`http://127.0.0.1:${own}/health`)).ok,
          ),
        );
        type Alert = { labels: Record<string, string>; annotations: Record<string, string> };
        let firing: readonly Alert[] = [];
        await until('the Alertmanager has the alert', 60_000, async () => {
          await fetch(`${url}/internal/force_flush`);
          firing = (await (await fetch(`${alertmanagerUrl}/api/v2/alerts`)).json()) as readonly Alert[];
          return firing.length > 0;
        });
        expect(
          firing.map(({ labels }) => [labels['alertname'], labels['target'], labels['severity']]),
        ).toEqual([['NatIdleTargetDown', 'vps', 'warning']]);
        const { summary, runbook_url: link = '' } = firing[0]?.annotations ?? {};
        expect(summary).toBe('vps: the responder does not answer');
        // What sends for itself has the host's name as its instance.
        const address = told ? `127.0.0.1:${site}` : firing[0]?.labels['instance'];
        expect(link).toBe(`http://${address ?? ''}/runbook#natidletargetdown`);
        if (!told) return;
        expect(await (await fetch(link)).text()).toContain(' id="natidletargetdown"');
      } finally {
        await Promise.all(started.map((each) => each.stop('SIGKILL')));
      }
    },
  );

  it('answers every query of rules, alerts and dashboards', { timeout: 120_000 }, async () => {
    const begin = Math.floor(Date.now() / 86_400_000) * 86_400 - 2 * 86_400;
    const story = await tellStory(begin);
    // OpenMetrics has seconds and an end, its own import has milliseconds and none.
    const body = story.replace(/^# EOF$/m, '').replace(/^([^#\n].*) (\d+)$/gm, '$1 $2000');
    const imported = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body });
    expect(imported.status).toBe(204);
    await fetch(`${url}/internal/force_flush`);
    const rules = join(bench.directory, 'rules.yml');
    writeFileSync(rules, renderRecordingRules(STEP));
    vmalert('-dryRun', `-rule=${rules}`, `-rule=${ALERTS}`);
    const iso = (moment: number): string => new Date(moment * 1000).toISOString().replace('.000', '');
    const past = [`-replay.timeFrom=${iso(begin)}`, `-replay.timeTo=${iso(begin + CHAPTERS.end)}`];
    const replay = [`-remoteWrite.url=${url}`, ...past, '-replay.rulesDelay=100ms'];
    vmalert(`-rule=${rules}`, ...replay);
    // Of the past vmalert asks nothing for its texts, and refuses those that ask. An alert ends where samples are further
    // apart than the evaluations.
    const { groups } = load(readFileSync(ALERTS, 'utf8')) as {
      groups: { rules: { annotations?: object }[] }[];
    };
    for (const rule of groups.flatMap((group) => group.rules)) delete rule.annotations;
    vmalert(
      `-rule=${await bench.write('alerts.yml', dump({ groups }))}`,
      `-evaluationInterval=${STEP}s`,
      ...replay,
    );
    await fetch(`${url}/internal/force_flush`);
    const api = prometheusApi(url);
    const moments = Object.values(CHAPTERS).map((chapter) => begin + chapter);
    const asked = { from: begin, to: begin + CHAPTERS.end, step: STEP, moments };
    expect(await emptyQueries(api, asked)).toEqual([]);
    const [verdict] = await api.query(
      'path:rfc5382_req5_compliant:all_modes{target="vps"}',
      begin + CHAPTERS.drop,
    );
    expect(verdict?.value?.[1]).toBe('0');
    // The shipped alerts, with their own waiting times.
    const firing = async (chapter: number): Promise<string[]> => {
      const alerts = await api.query('ALERTS{alertstate="firing", target="vps"}', begin + chapter);
      return alerts.map(({ metric }) => metric['alertname'] ?? '').sort();
    };
    expect(await firing(CHAPTERS.healthy)).toEqual([]);
    expect(await firing(CHAPTERS.drop)).toEqual(['NatIdleTimeoutBelowRfc5382', 'NatIdleTimeoutDropped']);
    expect(await firing(CHAPTERS.recovered)).toEqual([]);
    expect(await firing(CHAPTERS.outage)).toEqual(['NatIdleTargetDown']);
  });
});
