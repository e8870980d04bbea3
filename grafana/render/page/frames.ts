/** Turns answers of Prometheus into data frames as Grafana's Prometheus data source does. */
import { type DataFrame, type Field, FieldType, renderLegendFormat, toDataFrame } from '@grafana/data';
import type { Scene, SceneQuery, SceneSeries } from '../scene.js';

/** The frames of all queries of a panel. */
export function framesOf(queries: readonly SceneQuery[], scene: Scene): DataFrame[] {
  return queries.flatMap((query) => {
    switch (query.format) {
      case 'table':
        return query.series.length === 0 ? [] : [tableFrame(query, queries.length > 1)];
      case 'heatmap':
        return query.series.length === 0 ? [] : [bucketFrame(query)];
      case 'time_series':
        return query.series.map((series) => seriesFrame(query, series, scene));
    }
  });
}

/** In a range every step has a point: where Prometheus has none there is a gap, and no line across it. */
function seriesFrame(query: SceneQuery, series: SceneSeries, scene: Scene): DataFrame {
  const values = new Map(series.points.map(([time, value]) => [time, numberOf(value)]));
  const times = query.instant ? [...values.keys()] : stepsOf(scene);
  return toDataFrame({
    refId: query.refId,
    fields: [
      timeField(
        times.map((time) => time * 1000),
        query.instant ? undefined : scene.step * 1000,
      ),
      {
        name: 'Value',
        type: FieldType.number,
        values: times.map((time) => values.get(time) ?? null),
        labels: series.labels,
        config: { displayNameFromDS: legendOf(query, series) },
      },
    ],
  });
}

function stepsOf({ from, to, step }: Scene): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

/** One line for each series: time, labels in alphabetical order, value. */
function tableFrame(query: SceneQuery, manyQueries: boolean): DataFrame {
  const rows = query.series.flatMap(({ labels, points }) =>
    points.map(([time, value]) => ({ labels, time, value })),
  );
  const names = [...new Set(query.series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  return toDataFrame({
    refId: query.refId,
    fields: [
      timeField(rows.map(({ time }) => time * 1000)),
      ...names.map((name) => ({
        name,
        type: FieldType.string,
        values: rows.map(({ labels }) => labels[name] ?? ''),
        config: { filterable: true },
      })),
      {
        name: manyQueries ? `Value #${query.refId}` : 'Value',
        type: FieldType.number,
        values: rows.map(({ value }) => numberOf(value)),
        config: {},
      },
    ],
  });
}

/** A histogram over time: cumulative buckets become counts of their own, the lowest first. */
function bucketFrame(query: SceneQuery): DataFrame {
  const series = [...query.series].sort(
    (a, b) => numberOf(a.labels['le'] ?? '') - numberOf(b.labels['le'] ?? ''),
  );
  const times = [...new Set(series.flatMap(({ points }) => points.map(([time]) => time)))].sort(
    (a, b) => a - b,
  );
  const below = new Map<number, number>();
  const fields = series.map(({ labels, points }) => {
    const at = new Map(points.map(([time, value]) => [time, numberOf(value)]));
    const values = times.map((time) => {
      const cumulative = at.get(time);
      if (cumulative === undefined) return null;
      const count = cumulative - (below.get(time) ?? 0);
      below.set(time, cumulative);
      return count;
    });
    return { name: labels['le'] ?? '', type: FieldType.number, values, config: {} };
  });
  return toDataFrame({
    refId: query.refId,
    fields: [timeField(times.map((time) => time * 1000)), ...fields],
  });
}

function timeField(values: number[], interval?: number): Omit<Field, 'display'> {
  return {
    name: 'Time',
    type: FieldType.time,
    values,
    config: interval === undefined ? {} : { interval },
  };
}

/** The legend as the query wants it, else the series as Prometheus writes it. */
function legendOf(query: SceneQuery, { labels }: SceneSeries): string {
  if (query.legend !== '') return renderLegendFormat(query.legend, labels);
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`;
}

function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}
