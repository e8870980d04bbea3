/** A page with the alert about a path that forgets too early, as a receiver shows it: the text that promtool proves. */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { html } from '../../src/paper/html.js';

interface Alert {
  readonly exp_labels: Readonly<Record<string, string>>;
  readonly exp_annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>;
}

interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts?: readonly Alert[];
    }[];
  }[];
}

const TESTS = new URL('../../prometheus/tests/below-rfc5382.test.yml', import.meta.url);

/** The first alert that fires there. @throws Error where none does */
function alert(): { readonly name: string } & Alert {
  const { tests } = load(readFileSync(TESTS, 'utf8')) as RuleTests;
  const [fired] = tests.flatMap(({ alert_rule_test: rules = [] }) =>
    rules.flatMap(({ alertname: name, exp_alerts: alerts = [] }) =>
      alerts.map((each) => ({ name, ...each })),
    ),
  );
  if (fired === undefined) throw new Error(`no alert fires in ${TESTS.pathname}`);
  return fired;
}

export function alertPage(): string {
  const { name, exp_labels: labels, exp_annotations: told } = alert();
  const page = html`<!doctype html><html lang="en"><meta charset="utf-8"><title>${name}</title>
<style>
body { margin: 0; padding: 24px; font: 16px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; }
article { max-width: 760px; padding: 16px 20px; border: 1px solid #d0d7de; border-left: 6px solid #c4432b; border-radius: 6px; }
h1 { margin: 0 0 4px; font-size: 20px; }
p { margin: 8px 0; }
.head { color: #59636e; font-size: 14px; }
.firing { color: #fff; background: #c4432b; border-radius: 3px; padding: 1px 7px; font-weight: 600; }
code { font-size: 13px; background: #f0f2f4; border-radius: 3px; padding: 1px 5px; margin-right: 4px; }
a { color: #0a58ca; }
</style>
<article>
<p class="head"><span class="firing">FIRING</span> ${name}</p>
<h1>${told.summary}</h1>
<p>${told.description}</p>
<p><a href="${told.runbook_url}">${told.runbook_url}</a></p>
<p>${Object.entries(labels).map(([label, value]) => html`<code>${label}="${value}"</code>`)}</p>
</article></html>`;
  return page.text;
}
