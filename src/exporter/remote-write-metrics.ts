/** The metrics of remote write: read from the writer at scrape time, there only while it is configured. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { RemoteWriteStats } from '../remote-write/writer.js';
import { REMOTE_WRITE_METRICS } from './metric-names.js';

/**
 * Puts the metrics into a registry, in place of those of an earlier writer.
 *
 * @param read undefined: remote write is not configured, no series
 */
export function showRemoteWrite(registry: Registry, read: (() => RemoteWriteStats) | undefined): void {
  for (const { name } of Object.values(REMOTE_WRITE_METRICS)) registry.removeSingleMetric(name);
  if (read === undefined) return;
  const { samples, dropped, pending, failures, lastSuccess } = REMOTE_WRITE_METRICS;
  const registers = [registry];
  new Counter({
    name: samples.name,
    help: samples.help,
    registers,
    collect() {
      this.reset();
      this.inc(read().samples);
    },
  });
  new Counter({
    name: dropped.name,
    help: dropped.help,
    labelNames: [...dropped.labels],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(read().dropped)) this.inc({ reason }, count);
    },
  });
  new Gauge({
    name: pending.name,
    help: pending.help,
    registers,
    collect() {
      this.set(read().pending);
    },
  });
  new Counter({
    name: failures.name,
    help: failures.help,
    registers,
    collect() {
      this.reset();
      this.inc(read().failures);
    },
  });
  new Gauge({
    name: lastSuccess.name,
    help: lastSuccess.help,
    registers,
    collect() {
      const at = read().lastSuccess;
      // An unlabelled gauge starts at 0, which would be a claim.
      if (at === undefined) this.remove({});
      else this.set(at);
    },
  });
}
