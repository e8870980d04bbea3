/** What all our dashboards share: panels with a place, queries, colours, variables, marks. */
import {
  AdHocVariableBuilder,
  AnnotationQueryBuilder,
  DatasourceVariableBuilder,
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type Panel,
  QueryVariableBuilder,
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
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';

/** Every query goes to the data source that the reader chose. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

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

/** Words for the names of series. */
export function named<B extends { overrideByName(name: string, properties: DynamicConfigValue[]): B }>(
  builder: B,
  map: Readonly<Record<string, string>>,
): B {
  return Object.entries(map).reduce(
    (panel, [name, text]) => panel.overrideByName(name, [property('displayName', text)]),
    builder,
  );
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

/** A stat panel of last values without graphs. */
export function stat(look: Face, queries: Builder<Dataquery>[]): StatBuilder {
  return face(new StatBuilder(), look, queries)
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: GREY }))
    .orientation(VizOrientation.Auto);
}

/**
 * An axis for idle times, which lie between seconds and hours: logarithmic, in minutes, so that the powers of two at
 * which Grafana puts its ticks are round: 15 s, 30 s, 1 min … 64 min, 128 min.
 */
export const LOG_MINUTES = {
  unit: 'suffix:min',
  scale: new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(2),
};

/** An expression of seconds in minutes. */
export function inMinutes(seconds: string): string {
  return `(${seconds}) / 60`;
}
