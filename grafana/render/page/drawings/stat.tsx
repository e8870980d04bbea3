/** Stat panels with Grafana's BigValue. */
import { type FieldDisplay, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import type { ReduceDataOptions, VizOrientation, VizTextDisplayOptions } from '@grafana/schema';
import {
  BigValue,
  type BigValueColorMode,
  BigValueGraphMode,
  type BigValueJustifyMode,
  type BigValueTextMode,
  VizRepeater,
} from '@grafana/ui';
import type { DrawingProps } from './drawing.js';

interface StatOptions {
  readonly reduceOptions: ReduceDataOptions;
  readonly orientation: VizOrientation;
  readonly colorMode: BigValueColorMode;
  readonly graphMode: BigValueGraphMode;
  readonly justifyMode: BigValueJustifyMode;
  readonly textMode: BigValueTextMode;
  readonly wideLayout: boolean;
  readonly text?: VizTextDisplayOptions;
}

export function Stat(props: DrawingProps) {
  const options = props.options as unknown as StatOptions;
  const getValues = (): FieldDisplay[] =>
    getFieldDisplayValues({
      fieldConfig: props.fieldConfig,
      reduceOptions: options.reduceOptions as ReduceDataOptions & { calcs: string[] },
      replaceVariables: props.replaceVariables,
      theme: props.theme,
      data: props.frames,
      sparkline: options.graphMode !== BigValueGraphMode.None,
      timeZone: props.timeZone,
    });
  return (
    <VizRepeater<FieldDisplay, ReturnType<typeof getDisplayValueAlignmentFactors>>
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, width, height, alignmentFactors, count }) => (
        <BigValue
          theme={props.theme}
          value={value.display}
          sparkline={value.sparkline}
          width={width}
          height={height}
          count={count}
          alignmentFactors={alignmentFactors}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          disableWideLayout={!options.wideLayout}
          text={options.text}
        />
      )}
      width={props.width}
      height={props.height}
      source={props.frames}
      itemSpacing={3}
      renderCounter={0}
      autoGrid
      orientation={options.orientation}
    />
  );
}
