/** Bar gauges with Grafana's BarGauge. */
import { type FieldDisplay, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import type {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeValueMode,
  ReduceDataOptions,
  VizTextDisplayOptions,
  VizOrientation,
} from '@grafana/schema';
import { BarGauge, VizRepeater } from '@grafana/ui';
import type { DrawingProps } from './drawing.js';

interface BarGaugeOptions {
  readonly reduceOptions: ReduceDataOptions & { calcs: string[] };
  readonly orientation: VizOrientation;
  readonly displayMode: BarGaugeDisplayMode;
  readonly valueMode: BarGaugeValueMode;
  readonly namePlacement: BarGaugeNamePlacement;
  readonly text?: VizTextDisplayOptions;
  readonly showUnfilled: boolean;
  readonly minVizWidth: number;
  readonly minVizHeight: number;
  readonly maxVizHeight: number;
}

const SPACING = 10;

export function Bars(props: DrawingProps) {
  const options = props.options as unknown as BarGaugeOptions;
  const getValues = (): FieldDisplay[] =>
    getFieldDisplayValues({
      fieldConfig: props.fieldConfig,
      reduceOptions: options.reduceOptions,
      replaceVariables: props.replaceVariables,
      theme: props.theme,
      data: props.frames,
      timeZone: props.timeZone,
    });
  return (
    <VizRepeater<FieldDisplay, ReturnType<typeof getDisplayValueAlignmentFactors>>
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width, height, alignmentFactors, orientation, count }) => (
        <BarGauge
          theme={props.theme}
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          width={width}
          height={height}
          orientation={orientation}
          alignmentFactors={alignmentFactors}
          itemSpacing={SPACING}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          {...(options.text === undefined ? {} : { text: options.text })}
          showUnfilled={options.showUnfilled}
          isOverflow={height < options.minVizHeight || count * options.minVizHeight > props.height}
        />
      )}
      width={props.width}
      height={props.height}
      source={props.frames}
      itemSpacing={SPACING}
      renderCounter={0}
      orientation={options.orientation}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
    />
  );
}
