/** What the job hands to the page: a dashboard with its variables filled in and Prometheus' answers. */
import type { PanelTypeName } from './panel-types.js';

export interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** One series of an answer of Prometheus; points are `[Unix time in seconds, text of the value]`. */
export interface SceneSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, string])[];
}

export interface SceneQuery {
  readonly refId: string;
  readonly legend: string;
  readonly format: 'time_series' | 'table' | 'heatmap';
  readonly instant: boolean;
  readonly series: readonly SceneSeries[];
}

/** The parts of a panel's JSON that say how it looks, as they are in the file. */
export interface PanelLook {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly fieldConfig?: { readonly defaults: object; readonly overrides?: readonly object[] };
  readonly transformations?: readonly { readonly id: string; readonly options?: unknown }[];
}

/** One alert of a list, as its labels tell it. */
export interface SceneAlert {
  readonly name: string;
  readonly severity: string;
  readonly state: 'firing' | 'pending';
  readonly labels: Readonly<Record<string, string>>;
}

export interface ScenePanel {
  readonly key: string;
  readonly type: PanelTypeName;
  readonly title: string;
  readonly description: string;
  readonly gridPos: GridPos;
  readonly look: PanelLook;
  readonly queries: readonly SceneQuery[];
  /** What a list of alerts shows. */
  readonly alerts?: readonly SceneAlert[];
}

export interface SceneRow {
  readonly title: string;
  readonly gridPos: GridPos;
  /** How many panels are not seen because the row is closed. */
  readonly closed?: number;
}

export interface SceneAnnotation {
  readonly name: string;
  readonly color: string;
  /** Where it begins and ends, Unix times in seconds. */
  readonly spans: readonly (readonly [number, number])[];
}

export interface Scene {
  readonly title: string;
  /** Unix times in seconds. */
  readonly from: number;
  readonly to: number;
  /** Seconds between two points. */
  readonly step: number;
  /** The variables as the bar above the panels shows them. */
  readonly controls: readonly { readonly label: string; readonly value: string }[];
  readonly rows: readonly SceneRow[];
  readonly panels: readonly ScenePanel[];
  readonly annotations: readonly SceneAnnotation[];
}
