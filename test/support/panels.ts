/** Reads our dashboards as Grafana does: every panel's queries with the variables filled in. */
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { PrometheusServer } from './prometheus.js';

// Below where npm runs: the benchmarks are compiled into another folder.
const folder = pathToFileURL('grafana/dashboards/');

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly collapsed?: boolean;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  /** The variable for each of whose values the panel is shown once. */
  readonly repeat?: string;
  readonly maxPerRow?: number;
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly noValue?: string };
    readonly overrides?: readonly object[];
  };
  readonly options?: Readonly<Record<string, unknown>>;
  /** Most steps of a query over time; absent: the width of the panel in pixels. */
  readonly maxDataPoints?: number;
  readonly transformations?: readonly { readonly id: string; readonly options?: unknown }[];
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly instant?: boolean;
    readonly legendFormat?: string;
    readonly format?: 'time_series' | 'table' | 'heatmap';
    readonly datasource?: { readonly uid: string };
  }[];
  readonly panels?: readonly PanelJson[];
}

export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly graphTooltip: number;
  readonly panels: readonly PanelJson[];
  readonly annotations: {
    readonly list: readonly {
      readonly name: string;
      readonly iconColor?: string;
      readonly target?: { readonly expr: string };
    }[];
  };
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly label?: string;
      readonly query?: string | { readonly query: string };
      readonly current?: { readonly text?: string };
    }[];
  };
}

export const dashboardFiles: readonly string[] = readdirSync(folder).filter((file) => file.endsWith('.json'));

export function readDashboard(file: string): DashboardJson {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as DashboardJson;
}

/** All panels that show something, those in collapsed rows included. */
export function panelsOf(dashboard: DashboardJson): PanelJson[] {
  return dashboard.panels
    .flatMap((panel) => [panel, ...(panel.panels ?? [])])
    .filter((panel) => panel.type !== 'row');
}

/** Values of variables, by name. */
export type Variables = Readonly<Record<string, string>>;

/** What Grafana puts in place of a dashboard's variables and its own. */
const VARIABLES: Variables = {
  job: '.*',
  instance: '.*',
  target: '.*',
  mode: '.*',
  label: 'site',
  __rate_interval: '10m',
  __interval: '5m',
  __range: '1d',
};

/** The expression that Prometheus sees, the title that a reader sees. @throws when a variable is not known */
export function fillIn(expr: string, variables: Variables = {}): string {
  // Where no path is chosen, every one is meant.
  const open =
    variables['target'] === undefined ? expr.replaceAll('target="$target"', 'target=~"$target"') : expr;
  return open.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    const value = variables[name] ?? VARIABLES[name];
    if (value === undefined) throw new Error(`unknown variable ${name} in ${expr}`);
    return value;
  });
}

/** One query of a panel, with where it stands. */
export interface PanelQuery {
  readonly where: string;
  readonly expr: string;
  readonly instant: boolean;
}

export function queriesOf(dashboard: DashboardJson, variables: Variables = {}): PanelQuery[] {
  const panels = panelsOf(dashboard).flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({
      where: `${dashboard.title} / ${panel.title} / ${target.refId}`,
      expr: fillIn(target.expr, variables),
      instant: target.instant === true,
    })),
  );
  const annotations = dashboard.annotations.list.flatMap(({ name, target }) =>
    target === undefined
      ? []
      : [
          {
            where: `${dashboard.title} / annotation ${name}`,
            expr: fillIn(target.expr, variables),
            instant: false,
          },
        ],
  );
  return [...panels, ...annotations];
}

/**
 * Runs every query of every dashboard: the ranges over the whole story, the instants at the given moments.
 * @returns the places whose query never returned anything
 */
export async function emptyQueries(
  prometheus: Pick<PrometheusServer, 'query' | 'queryRange'>,
  story: {
    readonly from: number;
    readonly to: number;
    readonly step: number;
    readonly moments: readonly number[];
  },
  variables: Variables = {},
): Promise<string[]> {
  const empty: string[] = [];
  for (const query of dashboardFiles.flatMap((file) => queriesOf(readDashboard(file), variables))) {
    const answers = query.instant
      ? await Promise.all(story.moments.map((moment) => prometheus.query(query.expr, moment)))
      : [await prometheus.queryRange(query.expr, story.from, story.to, story.step)];
    if (answers.every((series) => series.length === 0)) empty.push(query.where);
  }
  return empty;
}
