/**
 * What all our dashboards share: panels with a place, variables, links, and the finishing that the SDK leaves to
 * us (panel ids, refIds, the grid).
 */
import {
  AdHocVariableBuilder,
  AnnotationQueryBuilder,
  type Dashboard as ClassicDashboard,
  DashboardBuilder as ClassicDashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  SpecialValueMatch,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';

/* eslint-disable @typescript-eslint/no-deprecated -- the SDK prefers its second model, which only the newest
   Grafana imports from a file; every Grafana from 10 to 13 reads the classic one. */
/** A dashboard in the classic model. */
export type Dashboard = ClassicDashboard;
const DashboardBuilder = ClassicDashboardBuilder;
/* eslint-enable @typescript-eslint/no-deprecated */

/** Every query goes to the data source that the reader chose. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The tag that ties our dashboards together. */
export const TAG = 'nat-idle';

export const GREEN = 'green';
export const RED = 'red';
export const BLUE = 'blue';
export const GREY = 'text';

/** Durations as "02:04:00". In words Grafana would show the largest part only: "2 hours" for what REQ-5 wants. */
export const DURATION = 'dtdhms';

/** A panel's builder with its size on the grid of 24 columns. */
export interface Placed {
  readonly builder: Builder<Panel>;
  readonly w: number;
  readonly h: number;
}

export interface Section {
  readonly title: string;
  readonly collapsed?: boolean;
  readonly panels: readonly Placed[];
}

/** What every panel of ours says of itself. */
export interface Face {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  /** Shown where there is no value: why, not "No data". */
  readonly empty: string;
}

/** The part of the SDK's panel builders that all kinds share. */
interface CommonBuilder {
  title(title: string): this;
  description(description: string): this;
  unit(unit: string): this;
  noValue(text: string): this;
  datasource(source: typeof DATASOURCE): this;
  targets(targets: Builder<Dataquery>[]): this;
}

/** Gives a panel its face and its queries. */
export function face<B extends CommonBuilder>(builder: B, look: Face, queries: Builder<Dataquery>[]): B {
  return builder
    .title(look.title)
    .description(look.description)
    .unit(look.unit)
    .noValue(look.empty)
    .datasource(DATASOURCE)
    .targets(queries);
}

/** A query over the time range. */
export function range(expr: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legend).range();
}

/** A query at the end of the time range. */
export function instant(expr: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legend).instant();
}

/** A query whose result is a table. */
export function table(expr: string): DataqueryBuilder {
  return instant(expr, '').format(PromQueryFormat.Table);
}

/** A histogram's buckets, for a heatmap. */
export function buckets(expr: string): DataqueryBuilder {
  return range(expr, '{{le}}').format(PromQueryFormat.Heatmap);
}

export function thresholds(...steps: Threshold[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

export function byThresholds(): FieldColorBuilder {
  return new FieldColorBuilder().mode(FieldColorModeId.Thresholds);
}

export function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false).fields('');
}

/** Words for numbers. */
export function words(map: Readonly<Record<string, { text: string; color: string }>>): ValueMapping[] {
  return [{ type: MappingType.ValueToText, options: { ...map } }];
}

/** A word for "no value" in a column whose colour would else be that of the lowest threshold. */
export function wordForNone(text: string, color: string): ValueMapping {
  return {
    type: MappingType.SpecialValue,
    options: { match: SpecialValueMatch.Null, result: { text, color } },
  };
}

export function legend(...calcs: string[]): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(calcs.length > 0 ? LegendDisplayMode.Table : LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .calcs(calcs);
}

export function allSeriesTooltip(): VizTooltipOptionsBuilder {
  return new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);
}

export function property(id: string, value: unknown): DynamicConfigValue {
  return { id, value };
}

export function fixedColor(color: string): DynamicConfigValue {
  return property('color', { mode: 'fixed', fixedColor: color });
}

/**
 * How many values a variable takes: `one`; `any` number, where "All" asks for no value in particular (short
 * queries, however many there are); `listed`, where "All" asks for just the values of the list.
 */
export type Choice = 'one' | 'any' | 'listed';

/** A variable whose values come from Prometheus. */
export function labelVariable(
  name: string,
  label: string,
  query: string,
  description: string,
  choice: Choice,
): QueryVariableBuilder {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({ query, refId: `variable-${name}` })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(choice !== 'one')
    .includeAll(choice !== 'one');
  if (choice === 'any') variable.allValue('.*');
  return choice === 'one' ? variable : variable.current({ text: 'All', value: '$__all' });
}

export function datasourceVariable(): Builder<VariableModel> {
  return new DatasourceVariableBuilder('datasource')
    .label('Data source')
    .description('The Prometheus that scrapes the exporter.')
    .type('prometheus');
}

export function filterVariable(): Builder<VariableModel> {
  return new AdHocVariableBuilder('filter')
    .label('Filter')
    .description('Any label of the targets: site, isp, whatever the configuration gives them.')
    .datasource(DATASOURCE);
}

/** Marks on every chart where `expr` returns something. */
export function mark(name: string, expr: string, color: string, text: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor(color)
    .target(new DataqueryBuilder().expr(expr).interval('60s').range().refId('Anno'))
    .titleFormat(name)
    .textFormat(text);
}

export interface DashboardParts {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly annotations?: readonly AnnotationQueryBuilder[];
  readonly sections: readonly Section[];
}

/** Puts a dashboard together: sections from top to bottom, panels from left to right, ids in that order. */
export function assemble(parts: DashboardParts): Dashboard {
  const builder = new DashboardBuilder(parts.title)
    .uid(parts.uid)
    .description(parts.description)
    .tags([TAG])
    .editable()
    .refresh('1m')
    .time({ from: parts.from, to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('NAT idle dashboards')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .annotations([...(parts.annotations ?? [])])
    .variables([...parts.variables]);
  const dashboard = builder.build();
  let id = 0;
  let y = 0;
  const placed: NonNullable<Dashboard['panels']> = [];
  for (const section of parts.sections) {
    const row = new RowBuilder(section.title).build();
    id += 1;
    Object.assign(row, {
      id,
      collapsed: section.collapsed ?? false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    placed.push(row);
    let x = 0;
    let lineHeight = 0;
    for (const item of section.panels) {
      if (x + item.w > 24) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      const panel = item.builder.build();
      id += 1;
      panel.id = id;
      panel.gridPos = { x, y, w: item.w, h: item.h };
      panel.targets?.forEach((target, index) => Object.assign(target, { refId: refId(index) }));
      if (section.collapsed === true) row.panels.push(panel);
      else placed.push(panel);
      x += item.w;
      lineHeight = Math.max(lineHeight, item.h);
    }
    y += lineHeight;
  }
  dashboard.panels = placed;
  // The SDK's `annotations` knows no built-in one; Grafana adds its own where the list exists.
  dashboard.annotations = { list: dashboard.annotations?.list ?? [] };
  for (const panel of [...placed, ...placed.flatMap((one) => ('panels' in one ? one.panels : []))]) {
    if ('options' in panel) dropKeys(panel.options, OPTIONS_GONE);
  }
  dashboard.templating?.list?.forEach((variable) => dropKeys(variable, INTERVAL_ONLY));
  return dashboard;
}

/** What the SDK writes for every variable although only one of type `interval` may have it. */
const INTERVAL_ONLY = ['auto', 'auto_min', 'auto_count'];
/** Options that the SDK still writes and Grafana has given up: a table's footer belongs to its columns now. */
const OPTIONS_GONE = ['footer'];

function dropKeys(object: unknown, keys: readonly string[]): void {
  if (typeof object !== 'object' || object === null) return;
  for (const key of keys) Reflect.deleteProperty(object, key);
}

function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
