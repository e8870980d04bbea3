/** State timelines: a lane for each series, a bar for as long as its value stays the same. */
import { type DataFrame, type Field, FieldType, getFieldDisplayName } from '@grafana/data';
import { LegendDisplayMode } from '@grafana/schema';
import { VizLayout, VizLegend } from '@grafana/ui';
import { CanvasPlot } from './canvas-plot.js';
import type { DrawingProps } from './drawing.js';

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly color: string;
}

export function Timeline(props: DrawingProps) {
  const lanes = props.frames.flatMap((frame) =>
    frame.fields
      .filter(({ type }) => type === FieldType.number)
      .map((field) => ({
        name: getFieldDisplayName(field, frame, props.frames),
        bars: barsOf(frame, field, props.timeRange.to.valueOf()),
      })),
  );
  const states = new Map(lanes.flatMap(({ bars }) => bars.map(({ text, color }) => [text, color])));
  const legend = (
    <VizLayout.Legend placement="bottom">
      <VizLegend
        placement="bottom"
        displayMode={LegendDisplayMode.List}
        items={[...states].map(([label, color]) => ({ label, color, yAxis: 1 }))}
      />
    </VizLayout.Legend>
  );
  const thick = props.options['rowHeight'] as number;
  const longest = Math.max(...lanes.map(({ name }) => name.length));
  return (
    <VizLayout width={props.width} height={props.height} legend={legend}>
      {(width, height) => (
        <CanvasPlot
          width={width}
          height={height}
          theme={props.theme}
          timeZone={props.timeZone}
          x={props.timeRange}
          y={{
            min: 0,
            max: lanes.length,
            grid: false,
            size: 20 + longest * 7,
            ticks: lanes.map(({ name }, index) => ({ at: lanes.length - index - 0.5, label: name })),
          }}
          paint={(ctx, at) => {
            ctx.font = `12px ${props.theme.typography.fontFamily}`;
            ctx.textBaseline = 'middle';
            ctx.textAlign = 'left';
            lanes.forEach(({ bars }, index) => {
              const middle = lanes.length - index - 0.5;
              for (const bar of bars) paintBar(ctx, at, bar, middle, thick, props);
            });
          }}
        />
      )}
    </VizLayout>
  );
}

function paintBar(
  ctx: CanvasRenderingContext2D,
  at: (x: number, y: number) => [number, number],
  bar: Bar,
  middle: number,
  thick: number,
  { theme, fieldConfig }: DrawingProps,
): void {
  const [left, top] = at(bar.from, middle + thick / 2);
  const [right, bottom] = at(bar.to, middle - thick / 2);
  const custom = fieldConfig.defaults.custom as { fillOpacity: number };
  ctx.globalAlpha = custom.fillOpacity / 100;
  ctx.fillStyle = bar.color;
  ctx.fillRect(left, top, right - left, bottom - top);
  ctx.globalAlpha = 1;
  if (ctx.measureText(bar.text).width + 8 > right - left) return;
  ctx.fillStyle = theme.colors.text.primary;
  ctx.fillText(bar.text, left + 4, (top + bottom) / 2);
}

/** Neighbours with the same text are one bar; where a point is missing the lane is empty. */
function barsOf(frame: DataFrame, field: Field, end: number): Bar[] {
  const time = frame.fields.find(({ type }) => type === FieldType.time);
  const step = time?.config.interval ?? 0;
  const bars: Bar[] = [];
  for (let index = 0; index < frame.length; index += 1) {
    const from = time?.values[index] as number;
    const value: unknown = field.values[index];
    const shown = value === null ? undefined : field.display?.(value);
    if (shown === undefined) continue;
    const bar = { from, to: Math.min(from + step, end), text: shown.text, color: shown.color ?? 'gray' };
    const last = bars.at(-1);
    if (last?.text === bar.text && last.to === bar.from) bars[bars.length - 1] = { ...last, to: bar.to };
    else bars.push(bar);
  }
  return bars;
}
