/** Reads a committed dashboard as Grafana does (variables, repeats, grid) and asks Prometheus every query of it. */
import type { PrometheusServer, Series } from '../../test/support/prometheus.js';
import { type DashboardJson, fillIn, type PanelJson, type Variables } from '../../test/support/panels.js';
import { isKnownPanelType } from './panel-types.js';
import { alertsOf } from './alerts.js';
import { layoutOf } from './layout.js';
import type { Scene, SceneAnnotation, ScenePanel, SceneQuery } from './scene.js';

/** What is looked at, and when; Unix times and step in seconds. */
export interface Sight {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly variables: Variables;
  /** Titles, as they are seen, of the closed rows that are opened. */
  readonly opened?: readonly string[];
  /** Titles of panels that have nothing to show, and say so. */
  readonly empty?: readonly string[];
}

export type Asked = Pick<PrometheusServer, 'query' | 'queryRange'>;

/**
 * @throws when a panel type has no drawing, a variable is unknown, Prometheus refuses a query, or a panel gets no
 * data at all: each names the dashboard and the panel
 */
export async function sceneOf(prometheus: Asked, dashboard: DashboardJson, sight: Sight): Promise<Scene> {
  const { rows, placed } = await layoutOf(prometheus, dashboard, sight);
  const panels: ScenePanel[] = [];
  for (const { panel, variables } of placed) {
    panels.push(await scenePanel(prometheus, dashboard, panel, { ...sight, variables }));
  }
  const empty = panels.filter(
    ({ type, title, queries }) =>
      type !== 'alertlist' &&
      sight.empty?.includes(title) !== true &&
      queries.every(({ series }) => series.length === 0),
  );
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
    ...(panel.type === 'alertlist' ? { alerts: await alertsOf(prometheus, panel, sight) } : {}),
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
