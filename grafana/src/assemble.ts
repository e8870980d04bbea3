/** Puts a dashboard together, and finishes what the SDK leaves to us: panel ids, refIds, the grid. */
import {
  type AnnotationQueryBuilder,
  type Dashboard as ClassicDashboard,
  DashboardBuilder as ClassicDashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { defined } from '../../src/defined.js';
import type { Placed } from './kit.js';

/* eslint-disable @typescript-eslint/no-deprecated -- the SDK prefers its second model, which only the newest
   Grafana imports from a file; every Grafana from 10 to 13 reads the classic one. */
/** A dashboard in the classic model. */
export type Dashboard = ClassicDashboard;
const DashboardBuilder = ClassicDashboardBuilder;
/* eslint-enable @typescript-eslint/no-deprecated */

/** The tag that ties our dashboards together. */
export const TAG = 'nat-idle';

export interface Section {
  readonly title: string;
  /** Closed until the reader opens it. */
  readonly collapsed?: boolean;
  /** The variable for each of whose values a closed section is there once. */
  readonly repeat?: string;
  readonly panels: readonly Placed[];
}

export interface DashboardParts {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly annotations?: readonly AnnotationQueryBuilder[];
  readonly sections: readonly Section[];
}

/** Puts a dashboard together: sections from top to bottom, panels from left to right, ids in that order. */
export function assemble(parts: DashboardParts): Dashboard {
  const builder = new DashboardBuilder(parts.title)
    .uid(parts.uid)
    .description(parts.description)
    .tags([TAG])
    .editable()
    .refresh('1m')
    .time({ from: parts.from, to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('NAT idle dashboards')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .annotations([...(parts.annotations ?? [])])
    .variables([...parts.variables]);
  const dashboard = builder.build();
  let id = 0;
  let y = 0;
  const placed: NonNullable<Dashboard['panels']> = [];
  for (const section of parts.sections) {
    const row = new RowBuilder(section.title).build();
    id += 1;
    Object.assign(row, {
      id,
      collapsed: section.collapsed ?? false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
      ...defined({ repeat: section.repeat }),
    });
    y += 1;
    const below = y;
    placed.push(row);
    let x = 0;
    let lineHeight = 0;
    for (const item of section.panels) {
      if (x + item.w > 24) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      const panel = item.builder.build();
      id += 1;
      panel.id = id;
      panel.gridPos = { x, y, w: item.w, h: item.h };
      panel.targets?.forEach((target, index) => Object.assign(target, { refId: refId(index) }));
      if (section.collapsed === true) row.panels.push(panel);
      else placed.push(panel);
      x += item.w;
      lineHeight = Math.max(lineHeight, item.h);
    }
    // What is inside a closed row takes no room until Grafana makes it.
    y = section.collapsed === true ? below : y + lineHeight;
  }
  dashboard.panels = placed;
  // The SDK's `annotations` knows no built-in one; Grafana adds its own where the list exists.
  dashboard.annotations = { list: dashboard.annotations?.list ?? [] };
  for (const panel of [...placed, ...placed.flatMap((one) => ('panels' in one ? one.panels : []))]) {
    if ('options' in panel) dropKeys(panel.options, OPTIONS_GONE);
  }
  dashboard.templating?.list?.forEach((variable) => dropKeys(variable, INTERVAL_ONLY));
  return dashboard;
}

/** What the SDK writes for every variable although only one of type `interval` may have it. */
const INTERVAL_ONLY = ['auto', 'auto_min', 'auto_count'];
/** Options that the SDK still writes and Grafana has given up: a table's footer belongs to its columns now. */
const OPTIONS_GONE = ['footer'];

function dropKeys(object: unknown, keys: readonly string[]): void {
  if (typeof object !== 'object' || object === null) return;
  for (const key of keys) Reflect.deleteProperty(object, key);
}

function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
