import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { series, total } from '../netns/metrics.js';
import { until } from '../netns/until.js';
import { Bench, type RunningExporter } from '../support/program.js';

const YEAR = 365 * 86_400;

/** Shifts the wall clock of a Node process by the next number at each SIGUSR2; monotonic time and timers stay. */
const preload = (steps: readonly number[]): string => `
const real = Date, steps = ${JSON.stringify(steps)};
let shift = 0;
globalThis.Date = class extends real {
  constructor(...parts) { if (parts.length === 0) super(real.now() + shift); else super(...parts); }
  static now() { return real.now() + shift; }
};
process.on('SIGUSR2', () => { shift += steps.shift() * 1000; });
`;

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

/** Processor time that a process has used, seconds. */
async function processorTime(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function verdicts(exporter: RunningExporter): Promise<number> {
  return total(await exporter.metrics(), 'nat_probe_verdicts_total');
}

describe('an exporter whose wall clock is set by years', () => {
  it('answers at once, goes on with its rounds and works no more than before', async () => {
    const steps = [5 * YEAR, 10 * YEAR, -10 * YEAR, -20 * YEAR, 15 * YEAR];
    const clock = await bench.write('clock.cjs', preload(steps));
    const config = await bench.write(
      'config.yaml',
      `schedule: "* * * * * *"
search: {min_idle: 1s, max_idle: 4s, resolution: 1s, deadline: 1s, connections: 6}
targets: [{name: embedded, embedded: {idle_timeout: 2s}}]
`,
    );
    const exporter = await bench.exporter(config, [], { NODE_OPTIONS: `--require=${clock}` });
    const { pid } = exporter.process;
    const phase = { target: 'embedded', mode: 'send', phase: 'track' };
    await until(
      'the search is in its steady state',
      40_000,
      async () => series(await exporter.metrics(), 'nat_search_phase', phase) === 1,
    );
    for (const step of steps) {
      const before = await processorTime(pid);
      const counted = await verdicts(exporter);
      process.kill(pid, 'SIGUSR2');
      const began = performance.now();
      const healthy = await exporter.get('/-/healthy', { signal: AbortSignal.timeout(5000) });
      expect([step, healthy.status]).toEqual([step, 200]);
      // Milliseconds on an idle machine; walking every missed second takes minutes.
      expect(performance.now() - began).toBeLessThan(3000);
      await until(
        `tests go on after ${step} s`,
        15_000,
        async () => (await verdicts(exporter)) >= counted + 6,
      );
      expect((await processorTime(pid)) - before).toBeLessThan(6);
      const text = await exporter.metrics();
      const now = Date.now() / 1000 + steps.slice(0, steps.indexOf(step) + 1).reduce((a, b) => a + b, 0);
      const confirmed = series(text, 'nat_idle_timeout_last_confirmed_timestamp_seconds', {
        target: 'embedded',
        mode: 'send',
      });
      if (confirmed !== undefined) expect(Math.abs(now - confirmed)).toBeLessThan(600);
      const loaded = series(text, 'nat_idle_exporter_config_last_reload_success_timestamp_seconds', {});
      if (loaded !== undefined) expect(Math.abs(now - loaded)).toBeLessThan(600);
    }
  });
});
