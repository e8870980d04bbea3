/**
 * `npm run generate:prometheus [-- --runbook=URL] [-- --by=LABEL[,LABEL]]`: writes the rule files under prometheus/. What it
 * was told is kept (`generator-options.ts`); an empty value forgets it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderMixin } from './mixin.js';
import { keepOptions, optionsOf } from './generator-options.js';
import { type Level, levelsWith } from './recording.js';
import { renderAlerts, renderPrometheusRule, renderRecordingRules } from './render.js';
import { SHIPPED_THRESHOLDS } from './thresholds.js';

const root = new URL('../../', import.meta.url);
const told = optionsOf(root, process.argv.slice(2));
const { by = [], ...others } = told;

// The labels of the command line come on top: dashboards and documentation name those of the shipped file.
const levels = ((): readonly Level[] => {
  try {
    return levelsWith(by);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
})();

keepOptions(root, told);
const options = { thresholds: SHIPPED_THRESHOLDS, ...others };
const files = {
  'prometheus/rules/nat-idle.rules.yml': renderRecordingRules(undefined, levels),
  'prometheus/alerts/nat-idle.alerts.yml': renderAlerts(options),
  'prometheus/mixin.json': renderMixin(levels),
  'deploy/kubernetes/prometheus-rule.yaml': renderPrometheusRule({ ...options, levels }),
};
for (const [path, text] of Object.entries(files)) {
  const file = fileURLToPath(new URL(path, root));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}
