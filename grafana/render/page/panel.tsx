/** One panel: its data with field options and transformations applied, drawn inside Grafana's PanelChrome. */
import {
  applyFieldOverrides,
  type DataFrame,
  type DataTransformerConfig,
  type GrafanaTheme2,
  type TimeRange,
  transformDataFrame,
} from '@grafana/data';
import { PanelChrome } from '@grafana/ui';
import { firstValueFrom } from 'rxjs';
import { PANEL_TYPES, type PanelTypeName } from '../panel-types.js';
import type { Scene, ScenePanel } from '../scene.js';
import { AlertList } from './drawings/alert-list.js';
import { Bars } from './drawings/bar-gauge.js';
import type { Drawing, DrawingProps } from './drawings/drawing.js';
import { Heatmap } from './drawings/heatmap.js';
import { Histogram } from './drawings/histogram.js';
import { Stat } from './drawings/stat.js';
import { Timeline } from './drawings/state-timeline.js';
import { Rows } from './drawings/table.js';
import { Lines } from './drawings/time-series.js';
import { framesOf } from './frames.js';
import { resolveLook } from './plugins.js';

const DRAWINGS: Readonly<Record<PanelTypeName, Drawing>> = {
  alertlist: AlertList,
  bargauge: Bars,
  heatmap: Heatmap,
  histogram: Histogram,
  stat: Stat,
  'state-timeline': Timeline,
  table: Rows,
  timeseries: Lines,
};

const CAPTION_HEIGHT = 16;
const SAY_NOTHING_THEMSELVES: readonly PanelTypeName[] = ['stat', 'bargauge'];

/** A panel without data: its words for that, as Grafana shows them. */
function Nothing({ height, fieldConfig }: DrawingProps) {
  return <p style={{ textAlign: 'center', lineHeight: `${height}px` }}>{fieldConfig.defaults.noValue}</p>;
}

/** What is the same for all panels of a picture. */
export interface Surroundings {
  readonly scene: Scene;
  readonly theme: GrafanaTheme2;
  readonly timeRange: TimeRange;
  readonly timeZone: string;
}

export interface PreparedPanel {
  readonly panel: ScenePanel;
  readonly drawing: Omit<DrawingProps, 'width' | 'height'>;
}

/** @throws when the dashboard has a field option that Grafana's panel of this type ignores */
export async function prepare(panel: ScenePanel, around: Surroundings): Promise<PreparedPanel> {
  const { scene, theme, timeRange, timeZone } = around;
  const { fieldConfig, registry, ignored } = resolveLook(panel.type, panel.look);
  if (ignored.length > 0) {
    throw new Error(`${scene.title} / ${panel.title}: Grafana's ${panel.type} ignores ${ignored.join(', ')}`);
  }
  // Nothing that is drawn has a variable left: links are not part of a picture.
  const replaceVariables = (text: string): string => text;
  const transformed: DataFrame[] = await firstValueFrom(
    transformDataFrame(
      [...(panel.look.transformations ?? [])] as DataTransformerConfig[],
      framesOf(panel.queries, scene),
      { interpolate: replaceVariables },
    ),
  );
  const frames = applyFieldOverrides({
    data: transformed,
    fieldConfig,
    fieldConfigRegistry: registry,
    replaceVariables,
    theme,
    timeZone,
  });
  const options = panel.look.options ?? {};
  return {
    panel,
    drawing: {
      frames,
      fieldConfig,
      options,
      timeRange,
      timeZone,
      theme,
      annotations: scene.annotations,
      alerts: panel.alerts ?? [],
      replaceVariables,
    },
  };
}

export function Panel({
  prepared: { panel, drawing },
  width,
  height,
}: {
  readonly prepared: PreparedPanel;
  readonly width: number;
  readonly height: number;
}) {
  const isSilent = panel.queries.length > 0 && panel.queries.every(({ series }) => series.length === 0);
  // The components for single values say so themselves.
  const Content = isSilent && !SAY_NOTHING_THEMSELVES.includes(panel.type) ? Nothing : DRAWINGS[panel.type];
  const type = PANEL_TYPES[panel.type];
  const caption = 'caption' in type ? type.caption : undefined;
  return (
    <PanelChrome
      width={width}
      height={height}
      title={panel.title}
      description={panel.description}
      padding={panel.type === 'table' ? 'none' : 'md'}
    >
      {(innerWidth, innerHeight) => (
        <>
          <Content
            {...drawing}
            width={innerWidth}
            height={innerHeight - (caption === undefined ? 0 : CAPTION_HEIGHT)}
          />
          {caption !== undefined && (
            <div
              style={{
                height: CAPTION_HEIGHT,
                lineHeight: `${CAPTION_HEIGHT}px`,
                fontSize: 11,
                textAlign: 'right',
                color: drawing.theme.colors.text.secondary,
              }}
            >
              {caption}
            </div>
          )}
        </>
      )}
    </PanelChrome>
  );
}
