/** Time series with Grafana's TimeSeries, and the dashboard's annotations on top of it. */
import type { VizLegendOptions } from '@grafana/schema';
import { TimeSeries, type UPlotConfigBuilder } from '@grafana/ui';
import type uPlot from 'uplot';
import { type DrawingProps, ROOM_FOR_LAST_LABEL } from './drawing.js';

export function Lines(props: DrawingProps) {
  const marked = new WeakSet<UPlotConfigBuilder>();
  const mark = (builder: UPlotConfigBuilder): null => {
    if (!marked.has(builder)) {
      marked.add(builder);
      builder.setPadding(ROOM_FOR_LAST_LABEL);
      builder.addHook('draw', (plot) => paintAnnotations(plot, props));
    }
    return null;
  };
  return (
    <TimeSeries
      frames={props.frames}
      width={props.width}
      height={props.height}
      timeRange={props.timeRange}
      timeZone={props.timeZone}
      legend={props.options['legend'] as VizLegendOptions}
    >
      {mark}
    </TimeSeries>
  );
}

/** A dashed line where each annotation begins and ends, a bar below the axis, like Grafana's. */
function paintAnnotations(plot: uPlot, { annotations, theme }: DrawingProps): void {
  const { ctx } = plot;
  const { top, height } = plot.bbox;
  ctx.save();
  for (const { color, spans } of annotations) {
    ctx.strokeStyle = theme.visualization.getColorByName(color);
    ctx.fillStyle = ctx.strokeStyle;
    ctx.lineWidth = 2;
    for (const [from, to] of spans) {
      const [left, right] = [from, to].map((time) => plot.valToPos(time * 1000, 'x', true)) as [
        number,
        number,
      ];
      ctx.setLineDash([5, 5]);
      for (const x of new Set([left, right])) {
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      ctx.fillRect(left - 2, top + height, right - left + 4, 5);
    }
  }
  ctx.restore();
}
