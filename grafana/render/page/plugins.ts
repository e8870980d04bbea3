/**
 * The field options that each of Grafana's panels knows, with their defaults: what a dashboard says beyond them
 * Grafana would ignore, so it is an error here.
 */
import {
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldColorModeId,
  type FieldConfigPropertyItem,
  type FieldConfigSource,
  FieldType,
  getPanelOptionsWithDefaults,
  identityOverrideProcessor,
  numberOverrideProcessor,
  PanelPlugin,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  ThresholdsMode,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';
import {
  AxisColorMode,
  AxisPlacement,
  BarAlignment,
  type GraphFieldConfig,
  GraphDrawStyle,
  GraphGradientMode,
  GraphThresholdsStyleMode,
  LineInterpolation,
  ScaleDistribution,
  StackingMode,
  TableCellDisplayMode,
  type TableFieldOptions,
  VisibilityMode,
} from '@grafana/schema';
import type { PanelTypeName } from '../panel-types.js';
import type { PanelLook } from '../scene.js';

/** Nobody edits anything here, but Grafana's registries want an editor. */
const NO_EDITOR = () => null;

type Standard = Pick<FieldConfigPropertyItem, 'id' | 'process'> & {
  numeric?: boolean;
  defaultValue?: unknown;
};

const STANDARD: readonly Standard[] = [
  { id: 'displayName', process: displayNameOverrideProcessor },
  { id: 'unit', process: unitOverrideProcessor, numeric: true },
  { id: 'min', process: numberOverrideProcessor, numeric: true },
  { id: 'max', process: numberOverrideProcessor, numeric: true },
  { id: 'fieldMinMax', process: identityOverrideProcessor, numeric: true },
  { id: 'decimals', process: numberOverrideProcessor, numeric: true },
  { id: 'noValue', process: displayNameOverrideProcessor },
  { id: 'color', process: identityOverrideProcessor },
  {
    id: 'thresholds',
    process: thresholdsOverrideProcessor,
    numeric: true,
    defaultValue: {
      mode: ThresholdsMode.Absolute,
      steps: [
        { value: -Infinity, color: 'green' },
        { value: 80, color: 'red' },
      ],
    },
  },
  { id: 'mappings', process: valueMappingsOverrideProcessor, defaultValue: [] },
  { id: 'links', process: dataLinksOverrideProcessor },
];

/** Fills Grafana's registries, which Grafana's own start-up fills; once, before anything is drawn. */
export function fillRegistries(): void {
  standardFieldConfigEditorRegistry.setInit(() =>
    STANDARD.map(({ id, process, numeric = false, defaultValue }) => ({
      id,
      path: id,
      name: id,
      editor: NO_EDITOR,
      override: NO_EDITOR,
      process,
      shouldApply: (field) => !numeric || field.type === FieldType.number,
      defaultValue,
      category: [id],
    })),
  );
  standardTransformersRegistry.setInit(() =>
    // Some are listed twice, under an old name too.
    [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map(
      (transformation) => ({
        id: transformation.id,
        name: transformation.name,
        transformation,
        editor: NO_EDITOR,
        imageDark: '',
        imageLight: '',
      }),
    ),
  );
}

type Custom<T> = { readonly [K in keyof Required<T>]: T[K] | undefined };

const AXIS = {
  axisPlacement: AxisPlacement.Auto,
  axisLabel: '',
  axisWidth: undefined,
  axisColorMode: AxisColorMode.Text,
  axisGridShow: undefined,
  axisBorderShow: false,
  axisCenteredZero: false,
  axisSoftMin: undefined,
  axisSoftMax: undefined,
  scaleDistribution: { type: ScaleDistribution.Linear },
};
const STACKING = { mode: StackingMode.None, group: 'A' };
const SHOWN = { tooltip: false, viz: false, legend: false };

const GRAPH: Custom<Omit<GraphFieldConfig, 'lineColor' | 'fillColor' | 'pointColor' | 'pointSymbol'>> = {
  ...AXIS,
  drawStyle: GraphDrawStyle.Line,
  lineInterpolation: LineInterpolation.Linear,
  lineWidth: 1,
  lineStyle: { fill: 'solid' },
  fillOpacity: 0,
  fillBelowTo: undefined,
  gradientMode: GraphGradientMode.None,
  barAlignment: BarAlignment.Center,
  barWidthFactor: 0.6,
  barMaxWidth: undefined,
  showPoints: VisibilityMode.Auto,
  showValues: false,
  pointSize: 5,
  spanNulls: false,
  insertNulls: false,
  stacking: STACKING,
  hideFrom: SHOWN,
  thresholdsStyle: { mode: GraphThresholdsStyleMode.Off },
  transform: undefined,
};

const TABLE: Custom<Omit<TableFieldOptions, 'displayMode'>> = {
  align: 'auto',
  cellOptions: { type: TableCellDisplayMode.Auto },
  filterable: undefined,
  footer: undefined,
  hideFrom: SHOWN,
  hideHeader: undefined,
  inspect: false,
  minWidth: undefined,
  styleField: undefined,
  tooltip: undefined,
  width: undefined,
  wrapHeaderText: undefined,
  wrapText: undefined,
};

const PLUGINS: Readonly<Record<PanelTypeName, PanelPlugin>> = {
  alertlist: plugin(undefined, {}),
  bargauge: plugin(FieldColorModeId.Thresholds, {}),
  heatmap: plugin(undefined, { hideFrom: SHOWN, scaleDistribution: AXIS.scaleDistribution }),
  histogram: plugin(FieldColorModeId.PaletteClassic, {
    ...AXIS,
    lineWidth: 1,
    fillOpacity: 80,
    gradientMode: GraphGradientMode.None,
    stacking: STACKING,
    hideFrom: SHOWN,
  }),
  stat: plugin(FieldColorModeId.Thresholds, {}),
  'state-timeline': plugin(FieldColorModeId.ContinuousGrYlRd, {
    axisPlacement: AXIS.axisPlacement,
    axisWidth: undefined,
    lineWidth: 0,
    fillOpacity: 70,
    hideFrom: SHOWN,
    spanNulls: false,
    insertNulls: false,
  }),
  table: plugin(FieldColorModeId.Thresholds, TABLE),
  timeseries: plugin(FieldColorModeId.PaletteClassic, GRAPH),
};

function plugin(color: FieldColorModeId | undefined, custom: Readonly<Record<string, unknown>>): PanelPlugin {
  return new PanelPlugin(NO_EDITOR).useFieldConfig({
    ...(color === undefined ? {} : { standardOptions: { color: { defaultValue: { mode: color } } } }),
    useCustomConfig: (builder) => {
      for (const [id, defaultValue] of Object.entries(custom)) {
        builder.addCustomEditor({
          id,
          path: id,
          name: id,
          defaultValue,
          editor: NO_EDITOR,
          override: NO_EDITOR,
          process: identityOverrideProcessor,
          shouldApply: () => true,
        });
      }
    },
  });
}

export interface ResolvedLook {
  readonly fieldConfig: FieldConfigSource;
  readonly registry: PanelPlugin['fieldConfigRegistry'];
  /** Names of field options in the dashboard that this panel type does not know. */
  readonly ignored: readonly string[];
}

/** A panel's field options with Grafana's defaults, and those of them that Grafana ignores. */
export function resolveLook(type: PanelTypeName, look: PanelLook): ResolvedLook {
  const found = PLUGINS[type];
  const registry = found.fieldConfigRegistry;
  const own = (look.fieldConfig ?? { defaults: {}, overrides: [] }) as FieldConfigSource;
  const overridden = own.overrides.flatMap(({ properties }) => properties.map(({ id }) => id));
  const ignored = [...new Set([...leaves(own.defaults, ''), ...overridden])].filter(
    (id) => !known(id, registry),
  );
  const { fieldConfig } = getPanelOptionsWithDefaults({
    plugin: found,
    currentFieldConfig: structuredClone(own),
    currentOptions: {},
    isAfterPluginChange: false,
  });
  return { fieldConfig, registry, ignored };
}

/** Paths of the values below `object`; what a list or an option holds is one value. */
function leaves(object: object, parent: string): string[] {
  return Object.entries(object).flatMap(([key, value]: [string, unknown]) =>
    parent === '' && key === 'custom' && typeof value === 'object' && value !== null
      ? leaves(value, 'custom.')
      : [`${parent}${key}`],
  );
}

function known(id: string, registry: PanelPlugin['fieldConfigRegistry']): boolean {
  return registry.getIfExists(id) !== undefined;
}
