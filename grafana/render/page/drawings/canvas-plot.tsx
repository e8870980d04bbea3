/** Axes of Grafana around a painting of ours, for the panels that are not in Grafana's packages. */
import type { GrafanaTheme2, TimeRange } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder } from '@grafana/ui';
import { useMemo } from 'react';
import type uPlot from 'uplot';
import { ROOM_FOR_LAST_LABEL } from './drawing.js';

export interface CanvasPlotProps {
  readonly width: number;
  readonly height: number;
  readonly theme: GrafanaTheme2;
  readonly timeZone: string;
  /** A time range, or the ends of a scale of numbers. */
  readonly x:
    | TimeRange
    | { readonly min: number; readonly max: number; readonly format: (value: number) => string };
  readonly y: {
    readonly min: number;
    readonly max: number;
    /** Where labels stand; without them Grafana chooses. */
    readonly ticks?: readonly { readonly at: number; readonly label: string }[];
    readonly grid: boolean;
    readonly size?: number;
  };
  /** Paints in the pixels of the canvas; `at` converts. */
  readonly paint: (ctx: CanvasRenderingContext2D, at: (x: number, y: number) => [number, number]) => void;
}

export function CanvasPlot(props: CanvasPlotProps) {
  const config = useMemo(() => configOf(props), [props]);
  const [from, to] = endsOf(props.x);
  return (
    <UPlotChart
      config={config}
      data={[
        [from, to],
        [null, null],
      ]}
      width={props.width}
      height={props.height}
    />
  );
}

function endsOf(x: CanvasPlotProps['x']): [number, number] {
  return 'from' in x ? [x.from.valueOf(), x.to.valueOf()] : [x.min, x.max];
}

function configOf({ theme, timeZone, x, y, paint }: CanvasPlotProps): UPlotConfigBuilder {
  const isTime = 'from' in x;
  const builder = new UPlotConfigBuilder(timeZone);
  builder.setPadding(ROOM_FOR_LAST_LABEL);
  builder.addScale({
    scaleKey: 'x',
    isTime,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => endsOf(x),
  });
  builder.addScale({
    scaleKey: 'y',
    isTime: false,
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [y.min, y.max],
  });
  builder.addAxis({
    scaleKey: 'x',
    isTime,
    placement: AxisPlacement.Bottom,
    theme,
    timeZone,
    grid: { show: y.grid },
    ...(isTime ? {} : { formatValue: x.format }),
  });
  const { ticks } = y;
  builder.addAxis({
    scaleKey: 'y',
    placement: AxisPlacement.Left,
    theme,
    grid: { show: y.grid },
    ...(y.size === undefined ? {} : { size: y.size }),
    ...(ticks === undefined
      ? {}
      : { splits: () => ticks.map(({ at }) => at), values: () => ticks.map(({ label }) => label) }),
  });
  builder.addSeries({
    scaleKey: 'y',
    theme,
    pathBuilder: () => null,
    pointsBuilder: () => undefined,
    show: true,
  } as unknown as Parameters<UPlotConfigBuilder['addSeries']>[0]);
  builder.addHook('draw', (plot: uPlot) => {
    plot.ctx.save();
    paint(plot.ctx, (a, b) => [plot.valToPos(a, 'x', true), plot.valToPos(b, 'y', true)]);
    plot.ctx.restore();
  });
  return builder;
}
