/** The main job: the idle timeout is found, tightly and soon, over both families, and followed when it changes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectBracket, type Ground } from './expectations.js';
import { SERVER } from './lab.js';
import { series, total } from './metrics.js';
import {
  EXPORTER_PORT,
  hasFindings,
  HUNG,
  isConfirmedAfter,
  MODES,
  published,
  withProduct,
  type Mode,
} from './product.js';
import { until } from './until.js';

const GROUND: Ground = { idleTimeout: 20, resolution: 1, minIdle: 5, maxIdle: 40 };

/** The search has failed when it takes longer than this many idle timeouts. */
const LONGEST = 3;

const PROMETHEUS_PORT = 19090;

export function describeFindings(): void {
  test.concurrent('20 s over IPv6, by the same rules', { timeout: HUNG }, () =>
    withProduct({ box: 'strict', idleTimeout: 20 }, { host: SERVER.v6 }, async (product) => {
      const page = await product.until('every mode has a finding', 120, (text) => hasFindings(text));
      for (const mode of MODES) expectBracket(page, mode, GROUND);
    }),
  );

  test.concurrent('20 s is found in time, followed to 10 s, and back to 20 s', { timeout: HUNG }, () =>
    withProduct({ box: 'strict', idleTimeout: 20 }, {}, async (product) => {
      const began = performance.now();
      const took = new Map<Mode, number>();
      const first = await product.until('every mode has a finding', 120, (text) => {
        for (const mode of MODES)
          if (published(text, mode).timeout !== undefined && !took.has(mode))
            took.set(mode, (performance.now() - began) / 1000);
        return hasFindings(text);
      });
      for (const mode of MODES) expectBracket(first, mode, GROUND);
      const ratios = [...took].map(([mode, seconds]) => `${mode} ${(seconds / 20).toFixed(2)} T`);
      console.log(`T = 20 s on a kernel NAT with 24 connections, bracket of 1 s: ${ratios.join(', ')}`);
      for (const seconds of took.values()) expect(seconds).toBeLessThanOrEqual(LONGEST * 20);

      for (const [idleTimeout, direction] of [
        [10, 'drop'],
        [20, 'rise'],
      ] as const) {
        await product.lab.setIdleTimeout(idleTimeout);
        const page = await product.until(`${idleTimeout} s is published in every mode`, 200, (text) =>
          MODES.every((mode) => {
            const { timeout = NaN, lower = NaN, upper = NaN } = published(text, mode);
            const announced = total(text, 'nat_idle_timeout_changes_total', { mode, direction });
            return Math.abs(timeout - idleTimeout) <= 0.5 && upper - lower <= 1 && announced >= 1;
          }),
        );
        for (const mode of MODES) expectBracket(page, mode, { ...GROUND, idleTimeout });
        // A change back before this one has its confirmations would be no change at all.
        await product.until('the new value stands', 120, (text) => isConfirmedAfter(page, text, idleTimeout));
      }
    }),
  );

  test.concurrent('Prometheus scrapes it and answers nat_idle_timeout_seconds', { timeout: HUNG }, () =>
    withProduct({ box: 'strict', idleTimeout: 20 }, {}, async ({ lab, directory }) => {
      const config = join(directory, 'prometheus.yml');
      writeFileSync(
        config,
        `
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
  - job_name: nat
    static_configs: [{targets: ['127.0.0.1:${EXPORTER_PORT}']}]
`,
      );
      lab.spawn('client', 'prometheus', [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${PROMETHEUS_PORT}`,
      ]);
      const query = async (text: string): Promise<Map<string, number>> => {
        const url = `http://127.0.0.1:${PROMETHEUS_PORT}/api/v1/query?query=${encodeURIComponent(text)}`;
        const { body } = await lab.http('client', url);
        const { data } = JSON.parse(body) as {
          data: { result: { metric: Record<string, string>; value: [number, string] }[] };
        };
        return new Map(data.result.map(({ metric, value }) => [metric['mode'] ?? '', Number(value[1])]));
      };
      const answer = await until('Prometheus knows all three modes', 150_000, async () => {
        const found = await query('nat_idle_timeout_seconds{target="lab"}');
        return found.size === MODES.length && found;
      });
      for (const mode of MODES) expect(Math.abs((answer.get(mode) ?? NaN) - 20)).toBeLessThanOrEqual(0.5);
      // A first accusation is checked with fewer connections, which takes as long as one of them idles.
      await until('every mode is called not compliant', 60_000, async () => {
        return (await query('rfc5382_req5_compliant == 0')).size === MODES.length;
      });
      expect(await query('nat_idle_timeout_seconds < 7440 unless rfc5382_req5_compliant == 0')).toEqual(
        new Map(),
      );
      expect((await query('up{job="nat"}')).get('')).toBe(1);
      expect(series(await lab.metrics('client', EXPORTER_PORT), 'nat_target_up')).toBe(1);
    }),
  );
}
