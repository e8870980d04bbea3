/** `npm run generate:grafana [-- --runbook=URL]`: writes dashboards and alert rules under grafana/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepOptions, optionsOf } from '../../prometheus/src/generator-options.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { grafanaAlertRules } from './alert-rules.js';
import { dashboardFile, dashboards, importVariant } from './dashboards.js';

const root = new URL('../../', import.meta.url);
const told = optionsOf(root, process.argv.slice(2));
keepOptions(root, told);

function write(path: string, text: string): void {
  const file = fileURLToPath(new URL(path, root));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}

for (const [file, dashboard] of dashboards()) {
  write(`grafana/dashboards/${file}.json`, dashboardFile(dashboard));
  write(`grafana/import/${file}.json`, dashboardFile(importVariant(dashboard)));
}
write('grafana/provisioning/alerting/nat-idle.yaml', grafanaAlertRules(SHIPPED_THRESHOLDS, told.runbook));
