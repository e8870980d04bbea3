import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  createResponderMetrics,
  registerAnnouncementMetrics,
} from '../../src/responder/responder-metrics.js';
import { Announcements } from '../../src/responder/discovery/announcements.js';
import { WEB_METRICS } from '../../src/web/site-metrics.js';
import { WEB_REJECT_REASONS } from '../../src/web/site-connections.js';
import { VERDICT_REASONS } from '../../src/core/verdict.js';
import {
  IDLE_BUCKETS,
  METRICS,
  type MetricDescription,
  REMOTE_WRITE_METRICS,
  SELF_METRICS,
} from '../../src/exporter/metric-names.js';

const DOCUMENT = readFileSync(new URL('../../docs/METRICS.md', import.meta.url), 'utf8');
const ROWS = DOCUMENT.split('\n').filter((line) => line.startsWith('| `'));

/** As prom-client has them. */
function responderMetrics(): MetricDescription[] {
  const { registry } = createResponderMetrics();
  registerAnnouncementMetrics(registry, new Announcements({ ttl: 90 }));
  return registry.getMetricsAsArray().map((metric) => {
    const {
      name,
      help,
      labelNames = [],
    } = metric as unknown as {
      name: string;
      help: string;
      labelNames?: readonly string[];
    };
    return { name, help, labels: labelNames };
  });
}

test('docs/METRICS.md has one row for each metric, with its labels', () => {
  const described: readonly MetricDescription[] = [
    ...Object.values(METRICS),
    ...Object.values(SELF_METRICS),
    ...Object.values(REMOTE_WRITE_METRICS),
    ...Object.values(WEB_METRICS),
    ...responderMetrics(),
  ];
  const documented = ROWS.map((row) => /^\| `(\w+)`/.exec(row)?.[1] ?? '').filter((name) =>
    /^(nat|rfc)/.test(name),
  );
  expect(documented.sort()).toEqual(described.map(({ name }) => name).sort());
  for (const { name, labels } of described) {
    const row = ROWS.find((line) => line.startsWith(`| \`${name}\``));
    for (const label of labels.filter((word) => word !== 'target')) expect(row).toContain(`\`${label}\``);
  }
});

test('docs/METRICS.md has one row for each reason of a verdict', () => {
  for (const [reason, verdict] of Object.entries(VERDICT_REASONS)) {
    expect(ROWS.filter((row) => row.startsWith(`| \`${verdict}\` | \`${reason}\` |`))).toHaveLength(1);
  }
});

test('docs/METRICS.md names each reason for which a connection of the site is turned away', () => {
  const row = ROWS.find((line) => line.startsWith(`| \`${WEB_METRICS.rejected.name}\``));
  for (const reason of WEB_REJECT_REASONS) expect(row).toContain(`\`${reason}\``);
});

test('docs/METRICS.md names the buckets of the histogram', () => {
  expect(DOCUMENT).toContain(`buckets ${IDLE_BUCKETS.join(' ')} |`);
});
