/** `npm run generate:prometheus [-- --runbook=URL] [-- --by=LABEL[,LABEL]]`: writes the rule files under prometheus/. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Level, levelsWith } from './recording.js';
import { renderAlerts, renderPrometheusRule, renderRecordingRules } from './render.js';
import { runbookAddress } from './runbook.js';
import { SHIPPED_THRESHOLDS } from './thresholds.js';

const root = new URL('../../', import.meta.url);
const { values } = parseArgs({
  options: { runbook: { type: 'string' }, by: { type: 'string', multiple: true } },
});
const runbook = values.runbook ?? runbookAddress(readFileSync(new URL('package.json', root), 'utf8'));

// The labels of the command line come on top: dashboards and documentation name those of the shipped file.
const levels = ((): readonly Level[] => {
  try {
    return levelsWith(values.by ?? []);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
})();

const files = {
  'prometheus/rules/nat-idle.rules.yml': renderRecordingRules(undefined, levels),
  'prometheus/alerts/nat-idle.alerts.yml': renderAlerts({ thresholds: SHIPPED_THRESHOLDS, runbook }),
  'deploy/kubernetes/prometheus-rule.yaml': renderPrometheusRule({
    thresholds: SHIPPED_THRESHOLDS,
    runbook,
    levels,
  }),
};
for (const [path, text] of Object.entries(files)) {
  const file = fileURLToPath(new URL(path, root));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}
