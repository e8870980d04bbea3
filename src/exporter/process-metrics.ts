/** The `process_*` and `nodejs_*` metrics as prom-client makes them, but for those that a fleet cannot afford. */
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { countOpenDescriptors } from '../descriptors.js';
import { MomentGauge } from './moment-gauge.js';

/**
 * Left out. Those in `_total` are gauges, which promtool's lint refuses; the others list everything that is open,
 * which blocks for 50 ms and more where that is 15 000 connections.
 */
const LEFT_OUT = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_resources',
] as const;

const OPEN_DESCRIPTORS = 'process_open_fds';
const START_TIME = 'process_start_time_seconds';

/** @returns the moment of the start, which moves along when the wall clock is set */
export function registerProcessMetrics(registry: Registry): MomentGauge {
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  countDescriptorsCheaply(registry);
  // Ours in the place of prom-client's, which stays where the clock was at the start, be it in 1970.
  registry.removeSingleMetric(START_TIME);
  const started = new MomentGauge(
    { name: START_TIME, help: 'Start time of the process since unix epoch in seconds.' },
    registry,
  );
  started.note(Math.round(Date.now() / 1000 - process.uptime()));
  return started;
}

/** prom-client lists the descriptors; it does so on Linux only. */
function countDescriptorsCheaply(registry: Registry): void {
  if (registry.getSingleMetric(OPEN_DESCRIPTORS) === undefined) return;
  registry.removeSingleMetric(OPEN_DESCRIPTORS);
  new Gauge({
    name: OPEN_DESCRIPTORS,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      try {
        this.set(await countOpenDescriptors());
      } catch {
        // Out of descriptors, or forbidden: unknown, and no reason to withhold all other metrics.
        this.remove();
      }
    },
  });
}
