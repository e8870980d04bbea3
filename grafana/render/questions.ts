/** Reads a committed dashboard as Grafana does (variables, repeats, grid) and asks Prometheus every query of it. */
import type { PrometheusServer, Series } from '../../test/support/prometheus.js';
import { type DashboardJson, fillIn, type PanelJson, type Variables } from '../../test/support/panels.js';
import { isKnownPanelType } from './panel-types.js';
import type { Scene, SceneAnnotation, ScenePanel, SceneQuery, SceneRow } from './scene.js';

/** What is looked at, and when; Unix times and step in seconds. */
export interface Sight {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly variables: Variables;
}

export type Asked = Pick<PrometheusServer, 'query' | 'queryRange'>;

/**
 * @throws when a panel type has no drawing, a variable is unknown, Prometheus refuses a query, or a panel gets no
 * data at all: each names the dashboard and the panel
 */
export async function sceneOf(prometheus: Asked, dashboard: DashboardJson, sight: Sight): Promise<Scene> {
  const rows: SceneRow[] = [];
  const panels: ScenePanel[] = [];
  let shift = 0;
  for (const panel of dashboard.panels) {
    const gridPos = { ...panel.gridPos, y: panel.gridPos.y + shift };
    if (panel.type === 'row') {
      if (panel.collapsed === true)
        throw new Error(`${dashboard.title}: the row ${panel.title} is collapsed`);
      rows.push({ title: fillIn(panel.title, sight.variables), gridPos });
      continue;
    }
    const repeated = await repeats(prometheus, dashboard, { ...panel, gridPos }, sight);
    for (const { panel: one, variables } of repeated.copies) {
      panels.push(await scenePanel(prometheus, dashboard, one, { ...sight, variables }));
    }
    shift += repeated.extraHeight;
  }
  const empty = panels.filter(({ queries }) => queries.every(({ series }) => series.length === 0));
  if (empty.length > 0) {
    throw new Error(
      `${dashboard.title}: no data for the panel ${empty.map(({ title }) => `"${title}"`).join(', ')}`,
    );
  }
  return {
    title: dashboard.title,
    from: sight.from,
    to: sight.to,
    step: sight.step,
    controls: controlsOf(dashboard, sight.variables),
    rows,
    panels,
    annotations: await annotationsOf(prometheus, dashboard, sight),
  };
}

async function scenePanel(
  prometheus: Asked,
  dashboard: DashboardJson,
  panel: PanelJson,
  sight: Sight,
): Promise<ScenePanel> {
  const where = `${dashboard.title} / ${panel.title}`;
  if (!isKnownPanelType(panel.type)) throw new Error(`${where}: no drawing for the panel type ${panel.type}`);
  const queries = await Promise.all(
    (panel.targets ?? []).map(async (target): Promise<SceneQuery> => {
      const expr = fillIn(target.expr, sight.variables);
      const instant = target.instant === true;
      const answer = instant
        ? await prometheus.query(expr, sight.to)
        : await prometheus.queryRange(expr, sight.from, sight.to, sight.step);
      return {
        refId: target.refId,
        legend: fillIn(target.legendFormat ?? '', sight.variables),
        format: target.format ?? 'time_series',
        instant,
        series: answer.map((series) => ({ labels: series.metric, points: pointsOf(series) })),
      };
    }),
  );
  return {
    key: `${panel.id}-${panel.gridPos.x}-${panel.gridPos.y}`,
    type: panel.type,
    title: fillIn(panel.title, sight.variables),
    description: panel.description ?? '',
    gridPos: panel.gridPos,
    look: {
      ...(panel.options === undefined ? {} : { options: panel.options }),
      ...(panel.fieldConfig === undefined ? {} : { fieldConfig: panel.fieldConfig }),
      ...(panel.transformations === undefined ? {} : { transformations: panel.transformations }),
    },
    queries,
  };
}

function pointsOf(series: Series): readonly (readonly [number, string])[] {
  return series.values ?? (series.value === undefined ? [] : [series.value]);
}

/** The copies of a panel: one, or one for each value of the variable by which it repeats, side by side. */
async function repeats(
  prometheus: Asked,
  dashboard: DashboardJson,
  panel: PanelJson,
  sight: Sight,
): Promise<{
  readonly copies: readonly { readonly panel: PanelJson; readonly variables: Variables }[];
  readonly extraHeight: number;
}> {
  if (panel.repeat === undefined) {
    return { copies: [{ panel, variables: sight.variables }], extraHeight: 0 };
  }
  const name = panel.repeat;
  const values = await valuesOf(prometheus, dashboard, name, sight);
  const columns = Math.min(values.length, panel.maxPerRow ?? 4);
  const { y, h } = panel.gridPos;
  const w = Math.floor(24 / columns);
  return {
    copies: values.map((value, index) => ({
      panel: {
        ...panel,
        gridPos: { x: (index % columns) * w, y: y + Math.floor(index / columns) * h, w, h },
      },
      variables: { ...sight.variables, [name]: value },
    })),
    extraHeight: (Math.ceil(values.length / columns) - 1) * h,
  };
}

/** The values of a variable that is filled by `label_values(selector, label)`. */
async function valuesOf(
  prometheus: Asked,
  dashboard: DashboardJson,
  name: string,
  sight: Sight,
): Promise<string[]> {
  const variable = dashboard.templating.list.find((one) => one.name === name);
  const query = typeof variable?.query === 'object' ? variable.query.query : '';
  const match = /^label_values\((?<selector>.+),\s*(?<label>\w+)\)$/.exec(query);
  if (match?.groups === undefined) throw new Error(`${dashboard.title}: cannot list the values of $${name}`);
  const { selector = '', label = '' } = match.groups;
  const span = `${sight.to - sight.from}s`;
  const answer = await prometheus.query(
    `group by (${label}) (last_over_time(${fillIn(selector, sight.variables)}[${span}]))`,
    sight.to,
  );
  const values = answer.map(({ metric }) => metric[label] ?? '').filter((value) => value !== '');
  if (values.length === 0) throw new Error(`${dashboard.title}: $${name} has no values`);
  return values.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function controlsOf(dashboard: DashboardJson, variables: Variables): Scene['controls'] {
  return dashboard.templating.list.map(({ name, type, label, current }) => ({
    label: label ?? name,
    value:
      variables[name] ??
      (type === 'datasource' ? 'Prometheus' : type === 'adhoc' ? 'none' : (current?.text ?? '')),
  }));
}

/** Neighbouring points are one span, as Grafana draws them. */
async function annotationsOf(
  prometheus: Asked,
  dashboard: DashboardJson,
  sight: Sight,
): Promise<SceneAnnotation[]> {
  return Promise.all(
    dashboard.annotations.list.flatMap(({ name, iconColor, target }) =>
      target === undefined
        ? []
        : [
            (async (): Promise<SceneAnnotation> => {
              const expr = fillIn(target.expr, sight.variables);
              const answer = await prometheus.queryRange(expr, sight.from, sight.to, sight.step);
              const spans: [number, number][] = [];
              for (const [time] of answer.flatMap(pointsOf).sort(([a], [b]) => a - b)) {
                const last = spans.at(-1);
                if (last !== undefined && time - last[1] <= sight.step) last[1] = time;
                else spans.push([time, time]);
              }
              return { name, color: iconColor ?? 'blue', spans };
            })(),
          ],
    ),
  );
}
