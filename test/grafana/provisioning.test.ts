/** The provisioning files against a mirror of the structs that Grafana reads them into. */
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DATASOURCE_UID, grafanaAlertRules } from '../../grafana/src/alert-rules.js';
import { alerts } from '../../prometheus/src/alerts.js';
import { keptOptions } from '../../prometheus/src/generator-options.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';

const root = new URL('../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Durations as Prometheus' model reads them: nothing but whole numbers with units. */
const duration = z
  .string()
  .regex(/^(0|(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$/)
  .min(1);

const query = z.strictObject({
  refId: z.string().min(1),
  queryType: z.string().optional(),
  relativeTimeRange: z.strictObject({ from: z.int(), to: z.int() }),
  datasourceUid: z.string().min(1),
  model: z.looseObject({ refId: z.string() }),
});

const alertFile = z.strictObject({
  apiVersion: z.literal(1),
  groups: z.array(
    z.strictObject({
      orgId: z.int(),
      name: z.string().min(1),
      folder: z.string().min(1),
      interval: duration,
      rules: z.array(
        z.strictObject({
          uid: z.string().regex(/^[a-zA-Z0-9_-]{1,40}$/),
          title: z.string().min(1).max(190),
          condition: z.string().min(1),
          data: z.array(query).min(1),
          noDataState: z.enum(['Alerting', 'NoData', 'OK', 'KeepLast']),
          execErrState: z.enum(['Alerting', 'Error', 'OK', 'KeepLast']),
          for: duration,
          labels: z.record(z.string(), z.string()),
          annotations: z.record(z.string(), z.string()),
        }),
      ),
    }),
  ),
});

const datasourceFile = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.array(
    z.strictObject({
      name: z.string(),
      uid: z.string(),
      type: z.literal('prometheus'),
      access: z.enum(['proxy', 'direct']),
      url: z.string(),
      isDefault: z.boolean(),
      jsonData: z.looseObject({}),
    }),
  ),
});

const dashboardFile = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      orgId: z.int(),
      folder: z.string(),
      type: z.literal('file'),
      disableDeletion: z.boolean(),
      allowUiUpdates: z.boolean(),
      updateIntervalSeconds: z.int(),
      options: z.strictObject({ path: z.string() }),
    }),
  ),
});

const contactFile = z.strictObject({
  apiVersion: z.literal(1),
  contactPoints: z.array(
    z.strictObject({
      orgId: z.int(),
      name: z.string(),
      receivers: z.array(z.strictObject({ uid: z.string(), type: z.string(), settings: z.looseObject({}) })),
    }),
  ),
  policies: z.array(
    z.strictObject({
      orgId: z.int(),
      receiver: z.string(),
      group_by: z.array(z.string()),
      group_wait: duration,
      group_interval: duration,
      repeat_interval: duration,
    }),
  ),
});

describe('grafana/provisioning', () => {
  const path = 'grafana/provisioning/alerting/nat-idle.yaml';
  const file = alertFile.parse(load(text(path)));
  const rules = file.groups.flatMap((group) => group.rules);

  it('has the alert rules that the generator writes', () => {
    expect(text(path)).toBe(grafanaAlertRules(SHIPPED_THRESHOLDS, keptOptions(root).runbook));
  });

  it('has the same alerts with the same expressions, waits and severities as Prometheus', () => {
    expect(rules.map((rule) => [rule.title, rule.data[0]?.model['expr'], rule.labels['severity']])).toEqual(
      alerts(SHIPPED_THRESHOLDS).map((alert) => [alert.name, alert.expr, alert.severity]),
    );
  });

  it('conditions on a query of the rule and asks the provisioned data source', () => {
    const [source] = datasourceFile.parse(
      load(text('grafana/provisioning/datasources/prometheus.yaml')),
    ).datasources;
    expect(source?.uid).toBe(DATASOURCE_UID);
    expect(new Set(rules.map((rule) => rule.uid)).size).toBe(rules.length);
    for (const rule of rules) {
      expect(rule.data.map((data) => data.refId)).toContain(rule.condition);
      expect(rule.data.map((data) => data.datasourceUid)).toEqual([DATASOURCE_UID, '__expr__']);
    }
  });

  it('leaves nothing in labels that Grafana would take for an environment variable', () => {
    for (const rule of rules)
      for (const label of Object.values(rule.labels)) expect(label).not.toContain('$');
  });

  it("uses Grafana's name for the value in every text", () => {
    for (const rule of rules) {
      const texts = Object.values(rule.annotations).join(' ');
      expect(texts).not.toMatch(/\$value\b|<VALUE>/);
    }
    expect(rules[0]?.annotations['summary']).toContain('$values.A.Value');
  });

  it('provisions the dashboards from where deploy/ mounts them', () => {
    const [provider] = dashboardFile.parse(
      load(text('grafana/provisioning/dashboards/nat-idle.yaml')),
    ).providers;
    expect(text('deploy/compose.yaml')).toContain(`:${provider?.options.path ?? 'missing'}:ro`);
  });

  it("replaces nobody's notification policies: they are only an example", () => {
    contactFile.parse(load(text('grafana/examples/contact-points.yaml')));
    for (const folder of ['alerting', 'dashboards', 'datasources']) {
      for (const name of readdirSync(new URL(`grafana/provisioning/${folder}/`, root))) {
        expect(text(`grafana/provisioning/${folder}/${name}`), name).not.toMatch(
          /^(policies|contactPoints):/m,
        );
      }
    }
  });
});
