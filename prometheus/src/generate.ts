/** `npm run generate:prometheus [-- --runbook=URL]`: writes the rule files under prometheus/. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { renderAlerts, renderPrometheusRule, renderRecordingRules } from './render.js';
import { runbookAddress } from './runbook.js';
import { SHIPPED_THRESHOLDS } from './thresholds.js';

const root = new URL('../../', import.meta.url);
const { values } = parseArgs({ options: { runbook: { type: 'string' } } });
const runbook = values.runbook ?? runbookAddress(readFileSync(new URL('package.json', root), 'utf8'));

const files = {
  'prometheus/rules/nat-idle.rules.yml': renderRecordingRules(),
  'prometheus/alerts/nat-idle.alerts.yml': renderAlerts({ thresholds: SHIPPED_THRESHOLDS, runbook }),
  'deploy/kubernetes/prometheus-rule.yaml': renderPrometheusRule({ thresholds: SHIPPED_THRESHOLDS, runbook }),
};
for (const [path, text] of Object.entries(files)) {
  const file = fileURLToPath(new URL(path, root));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}
