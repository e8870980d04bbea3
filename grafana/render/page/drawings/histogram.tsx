/** Histograms: the values of all series in classes, with Grafana's own choice of classes. */
import {
  buildHistogram,
  formattedValueToString,
  getDisplayProcessor,
  getFieldSeriesColor,
  type HistogramTransformerOptions,
} from '@grafana/data';
import { LegendDisplayMode } from '@grafana/schema';
import { VizLayout, VizLegend } from '@grafana/ui';
import { CanvasPlot } from './canvas-plot.js';
import type { DrawingProps } from './drawing.js';

export function Histogram(props: DrawingProps) {
  const found = buildHistogram(props.frames, props.options as HistogramTransformerOptions, props.theme);
  const [counts] = found?.counts ?? [];
  if (found === null || counts === undefined) return <p>{props.fieldConfig.defaults.noValue}</p>;
  const custom = props.fieldConfig.defaults.custom as { fillOpacity: number };
  const { color } = getFieldSeriesColor(counts, props.theme);
  const show = getDisplayProcessor({ field: found.xMin, theme: props.theme });
  const [starts, ends, heights] = [found.xMin, found.xMax, counts].map(
    ({ values }) => values as number[],
  ) as [number[], number[], number[]];
  const most = Math.max(...heights);
  const legend = (
    <VizLayout.Legend placement="bottom">
      <VizLegend
        placement="bottom"
        displayMode={LegendDisplayMode.List}
        items={[{ label: counts.name, color, yAxis: 1 }]}
      />
    </VizLayout.Legend>
  );
  return (
    <VizLayout width={props.width} height={props.height} legend={legend}>
      {(width, height) => (
        <CanvasPlot
          width={width}
          height={height}
          theme={props.theme}
          timeZone={props.timeZone}
          x={{
            min: Math.min(...starts),
            max: Math.max(...ends),
            format: (value) => formattedValueToString(show(value)),
          }}
          y={{
            min: 0,
            max: most * 1.1,
            grid: true,
            ticks: Array.from({ length: most + 1 }, (_, count) => ({ at: count, label: String(count) })),
          }}
          paint={(ctx, at) => {
            ctx.fillStyle = color;
            ctx.strokeStyle = color;
            heights.forEach((count, index) => {
              if (count === 0) return;
              const [left, top] = at(starts[index] ?? 0, count);
              const [right, bottom] = at(ends[index] ?? 0, 0);
              const width = Math.max(2, right - left - 1);
              ctx.globalAlpha = custom.fillOpacity / 100;
              ctx.fillRect(left, top, width, bottom - top);
              ctx.globalAlpha = 1;
              ctx.strokeRect(left, top, width, bottom - top);
            });
          }}
        />
      )}
    </VizLayout>
  );
}
