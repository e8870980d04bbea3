/** The renderer of the dashboards, as far as it can be checked without Grafana's packages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isKnownPanelType, PANEL_TYPES } from '../../grafana/render/panel-types.js';
import { PICTURES } from '../../grafana/render/pictures.js';
import { type Asked, sceneOf } from '../../grafana/render/questions.js';
import { type DashboardJson, dashboardFiles, panelsOf, readDashboard } from '../support/panels.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Width and height from the header of a PNG. @throws when it is none */
function sizeOf(png: Buffer): [number, number] {
  if (png.toString('latin1', 1, 4) !== 'PNG') throw new Error('not a PNG');
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

describe('the renderer', () => {
  const used = dashboardFiles.flatMap((file) => panelsOf(readDashboard(file)).map(({ type }) => type));

  it('has a drawing for every panel type of the dashboards, and for no other', () => {
    expect(used.length).toBeGreaterThan(30);
    expect([...new Set(used)].sort()).toEqual(Object.keys(PANEL_TYPES).sort());
    expect(isKnownPanelType('toString')).toBe(false);
  });

  it('says below each panel that is not drawn by a component of Grafana who drew it', () => {
    for (const [type, how] of Object.entries(PANEL_TYPES)) {
      if ('caption' in how) expect(how.caption, type).toContain("Grafana's");
      else expect(read('grafana/render/page/panel.tsx') + drawings(), type).toContain(`<${how.component}`);
    }
  });

  it('pins every package exactly, and its lock file agrees', () => {
    const manifest = JSON.parse(read('grafana/render/package.json')) as Record<
      string,
      Record<string, string>
    >;
    const lock = JSON.parse(read('grafana/render/package-lock.json')) as {
      packages: Record<string, { version?: string }>;
    };
    const pins = Object.entries({ ...manifest['dependencies'], ...manifest['devDependencies'] });
    expect(pins.length).toBeGreaterThan(5);
    for (const [name, version] of pins) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });
});

describe('the pictures', () => {
  it('show every dashboard', () => {
    expect([...new Set(PICTURES.map(({ dashboard }) => dashboard))].sort()).toEqual(
      [...dashboardFiles].sort(),
    );
  });

  it.each(PICTURES)('$file is committed, of a readable size, and shown in the docs', ({ file }) => {
    const png = readFileSync(new URL(`docs/images/${file}`, root));
    expect(sizeOf(png)[0]).toBe(1600);
    expect(sizeOf(png)[1]).toBeGreaterThan(1000);
    expect(png.length).toBeLessThan(400 * 1024);
    expect(read('docs/DASHBOARDS.md')).toContain(`](images/${file})`);
  });

  it('are all that the docs show of Grafana, and the readme shows the first', () => {
    const [first] = PICTURES;
    expect(read('README.md')).toContain(`](docs/images/${first?.file ?? ''})`);
    const committed = readdirSync(new URL('docs/images/', root)).filter((name) =>
      name.startsWith('grafana-'),
    );
    expect(committed.sort()).toEqual(PICTURES.map(({ file }) => file).sort());
    for (const [, path = ''] of read('docs/DASHBOARDS.md').matchAll(/\]\((images\/[^)]+)\)/g)) {
      expect(existsSync(new URL(`docs/${path}`, root)), path).toBe(true);
    }
  });
});

describe('sceneOf()', () => {
  const sight = { from: 0, to: 600, step: 300, variables: { target: 'vps' } };
  const nothing: Asked = { query: () => Promise.resolve([]), queryRange: () => Promise.resolve([]) };
  const dashboard = (panel: object): DashboardJson => ({
    ...readDashboard('nat-idle-health.json'),
    annotations: { list: [] },
    panels: [
      {
        id: 1,
        type: 'stat',
        title: 'Up of $target',
        gridPos: { x: 0, y: 0, w: 24, h: 4 },
        targets: [{ refId: 'A', expr: 'up{target="$target"}', instant: true, legendFormat: '{{$target}}' }],
        ...panel,
      },
    ],
  });
  const asked: string[] = [];
  const something: Asked = {
    query: (expr) => {
      asked.push(expr);
      return Promise.resolve(['10', '9'].map((mode) => ({ metric: { mode }, value: [600, '1'] as const })));
    },
    queryRange: () => Promise.resolve([]),
  };

  it('fills in the variables of queries, titles and legends', async () => {
    const { panels } = await sceneOf(something, dashboard({}), sight);
    expect(panels).toMatchObject([{ title: 'Up of vps', queries: [{ legend: '{{vps}}' }] }]);
    expect(asked).toContain('up{target="vps"}');
  });

  it('fails with the names of the panels that got no data', async () => {
    await expect(sceneOf(nothing, dashboard({}), sight)).rejects.toThrow('no data for the panel "Up of vps"');
  });

  it('fails for a panel type that it cannot draw', async () => {
    await expect(sceneOf(something, dashboard({ type: 'piechart' }), sight)).rejects.toThrow(
      'Up of $target: no drawing for the panel type piechart',
    );
  });

  it('repeats a panel for each value, so many beside each other as the dashboard says, and moves the rest down', async () => {
    const repeating = dashboard({ title: '$mode', repeat: 'mode', maxPerRow: 1 });
    const [panel] = repeating.panels;
    const { panels } = await sceneOf(
      something,
      {
        ...repeating,
        templating: {
          list: [
            { name: 'mode', type: 'query', query: { query: 'label_values(up{target="$target"}, mode)' } },
          ],
        },
        panels: [
          panel!,
          { ...panel!, title: 'below', repeat: undefined!, gridPos: { x: 0, y: 4, w: 24, h: 4 } },
        ],
      },
      sight,
    );
    expect(asked).toContain('group by (mode) (last_over_time(up{target="vps"}[600s]))');
    expect(panels.map(({ title, gridPos: { y, w } }) => [title, y, w])).toEqual([
      ['9', 0, 24],
      ['10', 4, 24],
      ['below', 8, 24],
    ]);
  });
});

describe('the rows of a scene', () => {
  const sight = { from: 0, to: 600, step: 300, variables: { target: 'vps' } };
  const something: Asked = {
    query: () =>
      Promise.resolve(['10', '9'].map((mode) => ({ metric: { mode }, value: [600, '1'] as const }))),
    queryRange: () => Promise.resolve([]),
  };
  const gridPos = (y: number, h: number) => ({ x: 0, y, w: 24, h });
  const targets = [{ refId: 'A', expr: 'up{mode="$mode"}', instant: true }];
  const stat = (id: number, title: string, y: number) => ({
    id,
    type: 'stat',
    title,
    gridPos: gridPos(y, 4),
    targets,
  });
  const base = readDashboard('nat-idle-health.json');
  const dashboard: DashboardJson = {
    ...base,
    annotations: { list: [] },
    templating: {
      list: [{ name: 'mode', type: 'query', query: { query: 'label_values(up, mode)' } }],
    },
    panels: [
      {
        id: 1,
        type: 'row',
        title: 'Mode $mode',
        collapsed: true,
        repeat: 'mode',
        gridPos: gridPos(0, 1),
        panels: [stat(2, 'one of $mode', 1), stat(3, 'two of $mode', 5)],
      },
      { id: 4, type: 'row', title: 'Last', gridPos: gridPos(1, 1), panels: [] },
      stat(5, 'below', 2),
    ],
  };
  const seen = ({ rows, panels }: Awaited<ReturnType<typeof sceneOf>>) =>
    [...rows, ...panels].map((one) => [one.title, one.gridPos.y]).sort((a, b) => Number(a[1]) - Number(b[1]));

  it('stay closed, one below the other, and say how many panels they have', async () => {
    const scene = await sceneOf(something, dashboard, sight);
    expect(seen(scene)).toEqual([
      ['Mode 9', 0],
      ['Mode 10', 1],
      ['Last', 2],
      ['below', 3],
    ]);
    expect(scene.rows.map(({ closed }) => closed)).toEqual([2, 2, undefined]);
  });

  it('are opened where the picture wants it, with their own value, and move the rest down', async () => {
    const scene = await sceneOf(something, dashboard, { ...sight, opened: ['Mode 10'] });
    expect(seen(scene)).toEqual([
      ['Mode 9', 0],
      ['Mode 10', 1],
      ['one of 10', 2],
      ['two of 10', 6],
      ['Last', 10],
      ['below', 11],
    ]);
  });

  it('may have panels without data, where the picture names them', async () => {
    const nothing: Asked = { query: () => Promise.resolve([]), queryRange: () => Promise.resolve([]) };
    const last = { ...dashboard, panels: dashboard.panels.slice(1) };
    await expect(sceneOf(nothing, last, sight)).rejects.toThrow('no data for the panel "below"');
    expect((await sceneOf(nothing, last, { ...sight, empty: ['below'] })).panels).toHaveLength(1);
  });

  it('cannot repeat while open: their panels are not inside of them', async () => {
    const panels = dashboard.panels.map((panel) => ({ ...panel, collapsed: false }));
    await expect(sceneOf(something, { ...dashboard, panels }, sight)).rejects.toThrow(
      'the row Mode $mode repeats while open',
    );
  });
});

/** The sources of all drawings. */
function drawings(): string {
  const folder = 'grafana/render/page/drawings/';
  return readdirSync(new URL(folder, root))
    .map((file) => read(folder + file))
    .join('\n');
}
