/** Heatmaps of a histogram over time: a column for each moment, a cell for each bucket. */
import { FieldType, formattedValueToString, getDisplayProcessor, getValueFormat } from '@grafana/data';
import { CanvasPlot } from './canvas-plot.js';
import type { DrawingProps } from './drawing.js';

interface HeatmapOptions {
  readonly color: {
    readonly mode: 'opacity';
    readonly fill: string;
    readonly exponent: number;
    readonly min?: number;
  };
  readonly yAxis: { readonly unit?: string };
  readonly cellGap: number;
  /** Cells with no more than this are left out. */
  readonly filterValues: { readonly le: number };
}

const SCALE_HEIGHT = 34;

export function Heatmap(props: DrawingProps) {
  const options = props.options as unknown as HeatmapOptions;
  const [frame] = props.frames;
  const time = frame?.fields.find(({ type }) => type === FieldType.time);
  const buckets = frame?.fields.filter(({ type }) => type === FieldType.number) ?? [];
  if (frame === undefined || time === undefined) return <p>{props.fieldConfig.defaults.noValue}</p>;
  const cells = buckets.flatMap((field, row) =>
    (field.values as (number | null)[]).flatMap((count, column) =>
      count === null || count <= options.filterValues.le
        ? []
        : [{ row, from: time.values[column] as number, count }],
    ),
  );
  const most = Math.max(...cells.map(({ count }) => count));
  const { fill, exponent, min: least = Math.min(...cells.map(({ count }) => count)) } = options.color;
  const hue = props.theme.visualization.getColorByName(fill);
  const opacityOf = (count: number): number =>
    most === least ? 1 : ((count - least) / (most - least)) ** exponent;
  const step = (time.values[1] as number) - (time.values[0] as number);
  const show = getDisplayProcessor({
    field: { type: FieldType.number, config: { ...props.fieldConfig.defaults, decimals: 0 } },
    theme: props.theme,
  });
  const { unit } = options.yAxis;
  const idle = (bound: string): string =>
    unit === undefined || Number.isNaN(Number(bound))
      ? bound
      : formattedValueToString(getValueFormat(unit)(Number(bound)));
  const label = (count: number): string => formattedValueToString(show(count));
  return (
    <>
      <CanvasPlot
        width={props.width}
        height={props.height - SCALE_HEIGHT}
        theme={props.theme}
        timeZone={props.timeZone}
        x={props.timeRange}
        y={{
          min: 0,
          max: buckets.length,
          grid: false,
          // The label of a bucket is its upper end, which lies on the upper edge of its cell.
          ticks: buckets.map(({ name }, row) => ({ at: row + 1, label: idle(name) })),
          size: 90,
        }}
        paint={(ctx, at) => {
          for (const { row, from, count } of cells) {
            const [left, top] = at(from - step, row + 1);
            const [right, bottom] = at(from, row);
            ctx.fillStyle = hue;
            ctx.globalAlpha = opacityOf(count);
            ctx.fillRect(left, top, right - left - options.cellGap, bottom - top - options.cellGap);
          }
        }}
      />
      <div style={{ display: 'flex', gap: 8, alignItems: 'center', height: SCALE_HEIGHT, paddingLeft: 40 }}>
        <small>{label(least)}</small>
        <div
          style={{ width: 200, height: 8, background: `linear-gradient(to right, transparent, ${hue})` }}
        />
        <small>{label(most)}</small>
      </div>
    </>
  );
}
