/** What the site of both roles shows of its own connections, and under which names. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { type SiteConnections, WEB_REJECT_REASONS } from './site-connections.js';

/** Every metric name of the sites with its HELP text and label names: the only place where they stand. */
const WEB_METRICS = {
  connections: {
    name: 'nat_web_connections',
    help: 'Open connections of the site that serves these metrics, handshakes under way included.',
    labels: [],
  },
  rejected: {
    name: 'nat_web_rejected_total',
    help: 'Connections of the site that were turned away or ended to make room since the start, by reason.',
    labels: ['reason'],
  },
} as const;

export function registerSiteMetrics(
  registry: Registry,
  site: Pick<SiteConnections, 'open' | 'rejected'>,
): void {
  new Gauge({
    name: WEB_METRICS.connections.name,
    help: WEB_METRICS.connections.help,
    registers: [registry],
    collect() {
      this.set(site.open);
    },
  });
  new Counter({
    name: WEB_METRICS.rejected.name,
    help: WEB_METRICS.rejected.help,
    labelNames: [...WEB_METRICS.rejected.labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const reason of WEB_REJECT_REASONS) this.inc({ reason }, site.rejected[reason]);
    },
  });
}
