import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODES } from '../../src/core/modes.js';
import { allSeries, series } from '../netns/metrics.js';
import { until } from '../netns/until.js';
import { Bench, type RunningExporter } from '../support/program.js';
import { requires } from '../support/requires.js';

const SHIPPED = fileURLToPath(new URL('../../config.yaml', import.meta.url));

let bench: Bench;
let exporter: RunningExporter;

beforeAll(async () => {
  bench = await Bench.open();
  exporter = await bench.exporter(SHIPPED);
});

afterAll(() => bench.close());

function isFinished(text: string): boolean {
  return MODES.every(
    (mode) =>
      series(text, 'nat_idle_timeout_seconds', { mode }) !== undefined &&
      series(text, 'rfc5382_req5_compliant', { mode }) !== undefined,
  );
}

describe('the first start with the shipped configuration', () => {
  it('shows a finished verdict for all three modes within two minutes, and none that is premature', async () => {
    const text = await until('a finished verdict in every mode', 120_000, async () => {
      const now = await exporter.metrics();
      for (const mode of MODES) {
        const timeout = series(now, 'nat_idle_timeout_seconds', { mode });
        // An alert below 7440 s must never be true while the search climbs.
        if (timeout !== undefined) {
          expect(series(now, 'nat_search_phase', { mode, phase: 'climb' })).toBe(0);
          expect(series(now, 'nat_idle_timeout_upper_bound_seconds', { mode })).toBeLessThan(Infinity);
        }
      }
      return isFinished(now) && now;
    });
    for (const mode of MODES) {
      const labels = { target: 'embedded', mode };
      expect(series(text, 'rfc5382_req5_compliant', labels)).toBe(0);
      expect(series(text, 'nat_idle_timeout_lower_bound_seconds', labels)).toBeLessThanOrEqual(60);
      expect(series(text, 'nat_idle_timeout_upper_bound_seconds', labels)).toBeGreaterThanOrEqual(60);
      const timeout = series(text, 'nat_idle_timeout_seconds', labels) ?? 0;
      expect(Math.abs(timeout - 60)).toBeLessThanOrEqual(10);
      const age =
        Date.now() / 1000 - (series(text, 'nat_idle_timeout_last_confirmed_timestamp_seconds', labels) ?? 0);
      expect(age).toBeLessThan(120);
    }
    expect(series(text, 'nat_target_up', { target: 'embedded' })).toBe(1);
    expect(series(text, 'nat_keepalive_recommended_seconds', { target: 'embedded' })).toBeLessThanOrEqual(30);
    const reasons = allSeries(text, 'nat_probe_verdicts_total', { verdict: 'dead' }).filter(
      ({ value }) => value > 0,
    );
    const shown = new Set(reasons.map(({ labels }) => `${labels['mode']} ${labels['reason']}`));
    expect(shown).toEqual(new Set(['send silence', 'recv silence', 'keepalive reset_idle']));
  });

  it('serves the page, the configuration and the JSON that they come from', async () => {
    expect(await (await exporter.get('/')).text()).toContain('embedded');
    expect(await (await exporter.get('/config')).text()).toContain('idle_timeout: 1m');
    const document = (await (await exporter.get('/api/v1/targets')).json()) as { targets: unknown[] };
    expect(document.targets).toHaveLength(1);
    expect((await exporter.get('/-/healthy')).status).toBe(200);
    expect((await exporter.get('/-/ready')).status).toBe(200);
    expect((await exporter.get('/-/reload', { method: 'POST' })).status).toBe(403);
  });

  it('renders the report of the target in all its forms', async () => {
    for (const [format, mark] of [
      ['html', '<!doctype html>'],
      ['md', '# '],
      ['json', '{'],
    ] as const) {
      const text = await (await exporter.get(`/report/embedded?format=${format}`)).text();
      expect(text.slice(0, 20).toLowerCase()).toContain(mark);
    }
  });

  it('stops cleanly within 5 s of SIGTERM', async () => {
    const started = performance.now();
    expect(await exporter.process.stop('SIGTERM', 6000)).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(exporter.process.stderr).not.toContain('level=error');
  });
});

requires({ packages: ['prometheus'] }).describe('promtool', () => {
  it('finds nothing to complain about in the live metrics', async () => {
    const again = await bench.exporter(SHIPPED);
    await until('the first survivor', 60_000, async () =>
      (await again.metrics()).includes('verdict="alive"'),
    );
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: await again.metrics(),
      encoding: 'utf8',
    });
    expect(`${checked.stdout}${checked.stderr}`).toBe('');
    expect(checked.status).toBe(0);
  });
});
