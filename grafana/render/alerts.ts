/** Which of the shipped alerts fire at a moment: what Prometheus' own evaluation would have found by then. */
import { alerts } from '../../prometheus/src/alerts.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { fillIn, type PanelJson } from '../../test/support/panels.js';
import type { Asked, Sight } from './questions.js';
import type { SceneAlert } from './scene.js';

/** The alerts that the list of a panel shows, those that fire first. */
export async function alertsOf(prometheus: Asked, panel: PanelJson, sight: Sight): Promise<SceneAlert[]> {
  const found: SceneAlert[] = [];
  const [label = '', wanted = ''] = filterOf(panel, sight);
  for (const { name, severity, expr, for: wait } of alerts(SHIPPED_THRESHOLDS)) {
    const now = await prometheus.query(expr, sight.to);
    if (now.length === 0) continue;
    const held = await prometheus.queryRange(expr, sight.to - wait, sight.to, sight.step);
    for (const { metric } of now) {
      if (label !== '' && metric[label] !== wanted) continue;
      const { __name__: _, ...labels } = metric;
      const before = held.find((series) => JSON.stringify(series.metric) === JSON.stringify(metric));
      const steps = Math.floor(wait / sight.step) + 1;
      const state = (before?.values?.length ?? 0) >= steps ? 'firing' : 'pending';
      found.push({ name, severity, state, labels });
    }
  }
  return found.sort((a, b) => Number(a.state === 'pending') - Number(b.state === 'pending'));
}

/** Label and value of the list's filter; empty where it has none. @throws when it is another one than `{label="value"}` */
function filterOf({ title, options }: PanelJson, { variables }: Sight): readonly string[] {
  const filter = options?.['alertInstanceLabelFilter'];
  if (typeof filter !== 'string' || filter === '') return [];
  const match = /^\{(\w+)="([^"]*)"\}$/.exec(fillIn(filter, variables));
  if (match === null) throw new Error(`${title}: cannot filter alerts by ${filter}`);
  return match.slice(1);
}
