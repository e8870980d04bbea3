/** Where Grafana puts a dashboard's rows and panels: closed rows, and what repeats for each value of a variable. */
import { type DashboardJson, fillIn, type PanelJson, type Variables } from '../../test/support/panels.js';
import type { Asked, Sight } from './questions.js';
import type { SceneRow } from './scene.js';

/** A panel where it is seen, and the values of the variables there. */
export interface PlacedPanel {
  readonly panel: PanelJson;
  readonly variables: Variables;
}

/** @throws when what repeats has no values */
export async function layoutOf(
  prometheus: Asked,
  dashboard: DashboardJson,
  sight: Sight,
): Promise<{ readonly rows: readonly SceneRow[]; readonly placed: readonly PlacedPanel[] }> {
  const rows: SceneRow[] = [];
  const placed: PlacedPanel[] = [];
  let shift = 0;
  const place = async (panel: PanelJson, variables: Variables): Promise<void> => {
    const moved = { ...panel, gridPos: { ...panel.gridPos, y: panel.gridPos.y + shift } };
    const { copies, extraHeight } = await repeats(prometheus, dashboard, moved, { ...sight, variables });
    placed.push(...copies);
    shift += extraHeight;
  };
  for (const item of dashboard.panels) {
    if (item.type !== 'row') {
      await place(item, sight.variables);
      continue;
    }
    const inside = item.panels ?? [];
    const top = item.gridPos.y + item.gridPos.h;
    const height = Math.max(0, ...inside.map(({ gridPos }) => gridPos.y + gridPos.h - top));
    for (const [index, variables] of (await copiesOf(prometheus, dashboard, item, sight)).entries()) {
      if (index > 0) shift += item.gridPos.h;
      const title = fillIn(item.title, variables);
      const closed = item.collapsed === true && sight.opened?.includes(title) !== true;
      rows.push({
        title,
        gridPos: { ...item.gridPos, y: item.gridPos.y + shift },
        ...(closed ? { closed: inside.length } : {}),
      });
      if (closed) continue;
      for (const panel of inside) await place(panel, variables);
      shift += height;
    }
  }
  return { rows, placed };
}

/** The variables of each copy of a row. @throws when a row repeats whose panels are not inside of it */
async function copiesOf(
  prometheus: Asked,
  dashboard: DashboardJson,
  row: PanelJson,
  sight: Sight,
): Promise<readonly Variables[]> {
  const { repeat } = row;
  if (repeat === undefined) return [sight.variables];
  if (row.collapsed !== true) throw new Error(`${dashboard.title}: the row ${row.title} repeats while open`);
  const values = await valuesOf(prometheus, dashboard, repeat, sight);
  return values.map((value) => ({ ...sight.variables, [repeat]: value }));
}

/** The copies of a panel: one, or one for each value of the variable by which it repeats, side by side. */
async function repeats(
  prometheus: Asked,
  dashboard: DashboardJson,
  panel: PanelJson,
  sight: Sight,
): Promise<{ readonly copies: readonly PlacedPanel[]; readonly extraHeight: number }> {
  if (panel.repeat === undefined) {
    return { copies: [{ panel, variables: sight.variables }], extraHeight: 0 };
  }
  const name = panel.repeat;
  const values = await valuesOf(prometheus, dashboard, name, sight);
  const columns = Math.min(values.length, panel.maxPerRow ?? 4);
  const { y, h } = panel.gridPos;
  const w = Math.floor(24 / columns);
  return {
    copies: values.map((value, index) => ({
      panel: {
        ...panel,
        gridPos: { x: (index % columns) * w, y: y + Math.floor(index / columns) * h, w, h },
      },
      variables: { ...sight.variables, [name]: value },
    })),
    extraHeight: (Math.ceil(values.length / columns) - 1) * h,
  };
}

/** The values of a variable that is filled by `label_values(selector, label)`. */
async function valuesOf(
  prometheus: Asked,
  dashboard: DashboardJson,
  name: string,
  sight: Sight,
): Promise<string[]> {
  const variable = dashboard.templating.list.find((one) => one.name === name);
  const query = typeof variable?.query === 'object' ? variable.query.query : '';
  const match = /^label_values\((?<selector>.+),\s*(?<label>\w+)\)$/.exec(query);
  if (match?.groups === undefined) throw new Error(`${dashboard.title}: cannot list the values of $${name}`);
  const { selector = '', label = '' } = match.groups;
  const span = `${sight.to - sight.from}s`;
  const answer = await prometheus.query(
    `group by (${label}) (last_over_time(${fillIn(selector, sight.variables)}[${span}]))`,
    sight.to,
  );
  const values = answer.map(({ metric }) => metric[label] ?? '').filter((value) => value !== '');
  if (values.length === 0) throw new Error(`${dashboard.title}: $${name} has no values`);
  return values.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
