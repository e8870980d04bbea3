/** What every drawing of a panel's content is given. */
import type { DataFrame, FieldConfigSource, GrafanaTheme2, TimeRange } from '@grafana/data';
import type { ReactElement } from 'react';
import type { SceneAlert, SceneAnnotation } from '../../scene.js';

/** The padding of a chart (top, right, bottom, left): a label at the very end of the time axis is not cut off. */
export const ROOM_FOR_LAST_LABEL: [null, number, null, null] = [null, 20, null, null];

export interface DrawingProps {
  readonly width: number;
  readonly height: number;
  /** With field options, displays and transformations applied. */
  readonly frames: DataFrame[];
  readonly fieldConfig: FieldConfigSource;
  /** The panel's options, as the dashboard has them. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly timeRange: TimeRange;
  readonly timeZone: string;
  readonly theme: GrafanaTheme2;
  readonly annotations: readonly SceneAnnotation[];
  readonly alerts: readonly SceneAlert[];
  readonly replaceVariables: (text: string) => string;
}

export type Drawing = (props: DrawingProps) => ReactElement;
