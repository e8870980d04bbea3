/** The shipped rule files: generated, valid for Prometheus, proven by promtool, tied to RFC and runbook. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { alerts, inWords, runbookAnchor } from '../../prometheus/src/alerts.js';
import { renderAlerts, renderRecordingRules } from '../../prometheus/src/render.js';
import { keptOptions } from '../../prometheus/src/generator-options.js';
import { levelsWith } from '../../prometheus/src/recording.js';
import { promDuration, SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { RFC5382_REQ5 } from '../../src/core/requirements.js';

const root = new URL('../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const { by = [], ...told } = keptOptions(root);

interface RuleFile {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly {
      readonly alert?: string;
      readonly record?: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels?: Record<string, string>;
      readonly annotations?: Record<string, string>;
    }[];
  }[];
}

const alertRules = (load(text('prometheus/alerts/nat-idle.alerts.yml')) as RuleFile).groups.flatMap(
  (g) => g.rules,
);
const shipped = alerts(SHIPPED_THRESHOLDS);

describe('the committed rule files', () => {
  it('are what the generator writes', () => {
    expect(text('prometheus/rules/nat-idle.rules.yml')).toBe(renderRecordingRules(undefined, levelsWith(by)));
    expect(text('prometheus/alerts/nat-idle.alerts.yml')).toBe(
      renderAlerts({ thresholds: SHIPPED_THRESHOLDS, ...told }),
    );
  });

  it('parse back to the definitions they were written from', () => {
    expect(alertRules.map((rule) => [rule.alert, rule.expr, rule.for ?? '0s'])).toEqual(
      shipped.map((alert) => [alert.name, alert.expr, promDuration(alert.for)]),
    );
  });

  it('ask for the 7440 s of RFC 5382 in expression and in words', () => {
    const rule = alertRules.find((candidate) => candidate.alert === 'NatIdleTimeoutBelowRfc5382');
    expect(SHIPPED_THRESHOLDS.requiredIdleTimeout).toBe(RFC5382_REQ5.idle);
    expect(rule?.expr).toContain(`< ${RFC5382_REQ5.idle}\n`);
    expect(rule?.annotations?.['description']).toContain(inWords(RFC5382_REQ5.idle));
    expect(inWords(RFC5382_REQ5.idle)).toBe('2 h 4 min');
  });

  it('take another threshold from the generator', () => {
    const rendered = renderAlerts({
      thresholds: { ...SHIPPED_THRESHOLDS, requiredIdleTimeout: 15, belowFor: 0 },
      interval: 1,
    });
    expect(rendered).toContain('< 15\n');
    expect(rendered).toContain('wants at least 15 s');
    expect(rendered).toContain('interval: 1s');
    expect(rendered).not.toContain('7440');
  });

  it('never let the embedded target alert', () => {
    for (const alert of shipped) {
      for (const [selector] of alert.expr.matchAll(
        /(nat_idle_timeout|rfc5382|nat_mapping)\w*(\{[^}]*\})?/g,
      )) {
        expect(selector, alert.name).toContain('target!~"embedded(-.*)?"');
      }
    }
  });

  it('name every alert with one first word and give it severity, texts and a runbook', () => {
    for (const rule of alertRules) {
      expect(rule.alert).toMatch(/^NatIdle[A-Z][A-Za-z0-9]+$/);
      expect(rule.labels?.['severity']).toMatch(/^(critical|warning|info)$/);
      expect(rule.annotations?.['summary']?.length ?? 0).toBeGreaterThan(10);
      expect(rule.annotations?.['description']?.length ?? 0).toBeGreaterThan(40);
      expect(rule.annotations?.['runbook_url']).toContain(`/runbook#${runbookAnchor(rule.alert ?? '')}`);
    }
  });
});

describe('docs/RUNBOOK.md', () => {
  const page = text('docs/RUNBOOK.md');
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
  );

  it('has a heading for every alert and no heading for an alert that is gone', () => {
    const headings = [...sections.keys()].filter((heading) => heading.startsWith('NatIdle'));
    expect(headings).toEqual(shipped.map((alert) => alert.name));
  });

  it('says for every alert what it means, how to confirm it and what to do', () => {
    for (const { name } of shipped) {
      expect(sections.get(name), name).toMatch(/\*\*Meaning\.\*\*[^]+\*\*Confirm\.\*\*[^]+\*\*Act\.\*\*/);
    }
  });
});

describe.skipIf(!hasPromtool)('promtool (Debian package prometheus)', () => {
  const promtool = (...args: string[]): string =>
    execFileSync('promtool', args, { cwd: root, encoding: 'utf8' });
  const tests = readdirSync(new URL('prometheus/tests/', root)).map((file) => `prometheus/tests/${file}`);

  it('accepts the rules and the example configuration', () => {
    promtool('check', 'rules', '--lint=all', '--lint-fatal', 'prometheus/rules/nat-idle.rules.yml');
    promtool('check', 'rules', '--lint=all', '--lint-fatal', 'prometheus/alerts/nat-idle.alerts.yml');
    expect(promtool('check', 'config', 'prometheus/prometheus.yml')).toContain('SUCCESS');
  });

  it('has a test file for every alert, in which it fires and does not fire', () => {
    for (const { name } of shipped) {
      const file = tests
        .map(text)
        .find((content) => content.includes(name) && content.includes('does not fire'));
      expect(file, name).toMatch(/name: '[^']*fires/);
    }
  });

  it.each(tests)('passes %s', { timeout: 300_000 }, (file) => {
    expect(promtool('test', 'rules', file)).toContain('SUCCESS');
  });
});

if (!hasPromtool) console.warn('SKIPPED promtool tests: install the Debian package prometheus');
