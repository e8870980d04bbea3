import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  createResponderMetrics,
  registerAnnouncementMetrics,
} from '../../src/responder/responder-metrics.js';
import { Announcements } from '../../src/responder/discovery/announcements.js';
import { registerSiteInfo } from '../../src/web/site-info.js';
import { registerSiteMetrics } from '../../src/web/site-metrics.js';
import { type SiteConnections, WEB_REJECT_REASONS } from '../../src/web/site-connections.js';
import { VERDICT_REASONS } from '../../src/core/verdict.js';
import { FAMILIES, type MetricDescription } from '../../src/exporter/families.js';
import { REMOTE_WRITE_FAMILIES, SELF_FAMILIES } from '../../src/exporter/self-families.js';

const DOCUMENT = readFileSync(new URL('../../docs/METRICS.md', import.meta.url), 'utf8');
const ROWS = DOCUMENT.split('\n').filter((line) => line.startsWith('| `'));

/** As prom-client has them. */
function responderAndSiteMetrics(): MetricDescription[] {
  const { registry } = createResponderMetrics();
  registerAnnouncementMetrics(registry, new Announcements({ ttl: 90 }));
  const none = Object.fromEntries(WEB_REJECT_REASONS.map((reason) => [reason, 0]));
  registerSiteMetrics(registry, { open: 0, rejected: none as SiteConnections['rejected'] });
  registerSiteInfo(registry, { scheme: 'http', routePrefix: '' });
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
    ...FAMILIES,
    ...SELF_FAMILIES,
    ...REMOTE_WRITE_FAMILIES,
    ...responderAndSiteMetrics(),
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
  const row = ROWS.find((line) => line.startsWith('| `nat_web_rejected_total`'));
  for (const reason of WEB_REJECT_REASONS) expect(row).toContain(`\`${reason}\``);
});

test('docs/METRICS.md says the type of each metric of the exporter', () => {
  for (const { name, type } of [...FAMILIES, ...SELF_FAMILIES, ...REMOTE_WRITE_FAMILIES])
    expect(ROWS.find((row) => row.startsWith(`| \`${name}\``))).toContain(`\` | ${type} |`);
});

test('docs/METRICS.md names the buckets of the histograms', () => {
  const histograms = FAMILIES.filter((family) => family.type === 'histogram');
  expect(histograms).not.toEqual([]);
  for (const { name, buckets } of histograms)
    expect(ROWS.find((row) => row.startsWith(`| \`${name}\``))).toContain(`buckets ${buckets.join(' ')} |`);
});
