/** `measure --push` and a real Pushgateway. */
import { hostname } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pushMetrics } from '../../src/commands/push.js';
import { allSeries, series } from '../netns/metrics.js';
import type { LabProcess } from '../netns/process.js';
import { Bench, freePort } from '../support/program.js';
import { requires } from '../support/requires.js';
import { startServer } from '../support/servers.js';

requires({ packages: ['prometheus-pushgateway'] }).describe('measure --push', () => {
  let bench: Bench;
  let gateway: LabProcess;
  let url: string;

  beforeEach(async () => {
    bench = await Bench.open();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    gateway = await startServer(['prometheus-pushgateway', `--web.listen-address=127.0.0.1:${port}`], url);
  });

  afterEach(async () => {
    await gateway.stop('SIGKILL');
    await bench.close();
  });

  const pushed = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();

  it('leaves the result of the measurement on the gateway, in a group of its own', async () => {
    const args = ['measure', 'embedded', '--mode=send', '--max-idle=4s', '--quiet', `--push=${url}/`];
    const measured = bench.start(args);
    expect(await measured.exited).toEqual({ code: 3, signal: null });
    expect(measured.stderr).not.toContain('level=error');
    const text = await pushed();
    const group = { job: 'nat-idle-measure', instance: hostname(), target: 'embedded' };
    expect(series(text, 'nat_idle_timeout_lower_bound_seconds', { ...group, mode: 'send' })).toBeGreaterThan(
      3,
    );
    expect(series(text, 'nat_target_up', group)).toBe(1);
    expect(series(text, 'nat_probe_verdicts_total', { ...group, reason: 'answered' })).toBeGreaterThan(0);
    expect(series(text, 'nat_idle_timeout_seconds', group)).toBeUndefined();
    expect(series(text, 'push_time_seconds', group)).toBeGreaterThan(Date.now() / 1000 - 60);
  });

  it('keeps the exit code and says so when the gateway does not answer', async () => {
    await gateway.stop();
    const measured = bench.start([
      'measure',
      'embedded',
      '--mode=send',
      '--max-idle=2s',
      '--quiet',
      `--push=${url}`,
    ]);
    expect((await measured.exited).code).toBe(3);
    expect(measured.stderr).toMatch(/level=error msg="the result could not be pushed" reason=.*ECONNREFUSED/);
  });

  it.each(['plain', 'a/b', '', 'ü [2001:db8::1]:5382 %2F'])('groups by the target %j', async (target) => {
    for (const up of [0, 1]) {
      const metrics = {
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        text: () =>
          Promise.resolve(`# HELP nat_target_up x\n# TYPE nat_target_up gauge\nnat_target_up ${up}\n`),
      };
      await pushMetrics(url, metrics, { instance: 'here/there', target });
    }
    const found = allSeries(await pushed(), 'nat_target_up', {});
    expect(found).toHaveLength(1);
    expect(found[0]?.value).toBe(1);
    expect(found[0]?.labels).toMatchObject({ job: 'nat-idle-measure', instance: 'here/there' });
    expect(found[0]?.labels['target'] ?? '').toBe(target);
  });
});
