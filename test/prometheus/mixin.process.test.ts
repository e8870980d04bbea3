/** The jsonnet mixin: by itself it is the shipped files, and what its `_config` says stands in every rule. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import { keptOptions } from '../../prometheus/src/generator-options.js';
import { renderMixin } from '../../prometheus/src/mixin.js';
import { levelsWith } from '../../prometheus/src/recording.js';
import { requires } from '../support/requires.js';

const ROOT = new URL('../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

interface Mixin {
  readonly prometheusRules: Groups;
  readonly prometheusAlerts: Groups;
  readonly grafanaDashboards: Readonly<Record<string, unknown>>;
}

interface Groups {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}

interface Rule {
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the mixin makes with a `_config` of jsonnet. @throws Error with what jsonnet says */
function mixin(config = '{}'): Mixin {
  const program = `(import 'mixin.libsonnet') + { _config+:: ${config} } + {
  prometheusRules+::: {}, prometheusAlerts+::: {}, grafanaDashboards+::: {} }`;
  const output = execFileSync('jsonnet', ['-e', program], { cwd: fileURLToPath(ROOT), stdio: 'pipe' });
  return JSON.parse(output.toString()) as Mixin;
}

function rulesOf({ groups }: Groups): readonly Rule[] {
  return groups.flatMap(({ rules }) => rules);
}

it('imports what the generator writes', () => {
  expect(text('prometheus/mixin.json')).toBe(renderMixin(levelsWith(keptOptions(ROOT).by ?? [])));
});

requires({ packages: ['jsonnet', 'prometheus'] }).describe('mixin.libsonnet', () => {
  it('is by itself the shipped rules, alerts and dashboards', () => {
    const made = mixin();
    expect(made.prometheusRules).toEqual(load(text('prometheus/rules/nat-idle.rules.yml')));
    if (keptOptions(ROOT).runbook === undefined)
      expect(made.prometheusAlerts).toEqual(load(text('prometheus/alerts/nat-idle.alerts.yml')));
    for (const [file, dashboard] of Object.entries(made.grafanaDashboards))
      expect(dashboard, file).toEqual(JSON.parse(text(`grafana/dashboards/${file}`)));
    expect(Object.keys(made.grafanaDashboards)).toHaveLength(3);
  });

  it('puts selector, job, runbook and thresholds into every rule, and Prometheus takes them', () => {
    const made = mixin(`{
      selector: 'cluster="home"', job: 'nat-idle-.*', runbookPattern: 'https://wiki.example/%s.html',
      thresholds+: { requiredIdleTimeout: 5400, dropRatio: 0.75, dropWindow: 86400, targetDownFor: 90 } }`);
    const rules = [...rulesOf(made.prometheusRules), ...rulesOf(made.prometheusAlerts)];
    const matchers = 'cluster="home", job=~"nat-idle-.*"';
    for (const { expr } of rules) {
      expect(expr).not.toContain('<<');
      // A metric of a scrape has no colon in its name; all of them begin like this.
      for (const [selector] of expr.matchAll(/\b(?:(?:nat|rfc5382|process)_\w+|up)(?![\w:])(?:\{[^}]*\})?/g))
        if (!expr.includes(`:${selector}`)) expect(selector, expr).toContain(matchers);
    }
    const alert = (name: string): Rule | undefined =>
      rulesOf(made.prometheusAlerts).find(({ alert: each }) => each === name);
    expect(alert('NatIdleTimeoutBelowRfc5382')?.expr).toContain('< 5400\n');
    expect(alert('NatIdleTimeoutBelowRfc5382')?.annotations?.['description']).toContain('1 h 30 min');
    const dropped = alert('NatIdleTimeoutDropped');
    expect(dropped?.expr).toMatch(/< 0\.75 \* quantile_over_time\(0\.5, .*\[1d\]\)/);
    expect(dropped?.annotations).toMatchObject({
      description: expect.stringContaining('less than 75 % of the median of the last a day') as unknown,
      runbook_url: 'https://wiki.example/natidletimeoutdropped.html',
    });
    expect(alert('NatIdleTargetDown')).toMatchObject({ for: '90s' });
    const folder = mkdtempSync(join(tmpdir(), 'mixin-'));
    try {
      for (const [file, groups] of Object.entries({
        rules: made.prometheusRules,
        alerts: made.prometheusAlerts,
      })) {
        // YAML takes JSON.
        writeFileSync(join(folder, file), JSON.stringify(groups));
        execFileSync('promtool', ['check', 'rules', join(folder, file)], { stdio: 'pipe' });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names a threshold that there is not', () => {
    expect(() => mixin('{ thresholds+: { dropRation: 0.5 } }')).toThrow('there is no threshold dropRation');
  });
});
