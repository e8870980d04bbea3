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

/** The sources of all drawings. */
function drawings(): string {
  const folder = 'grafana/render/page/drawings/';
  return readdirSync(new URL(folder, root))
    .map((file) => read(folder + file))
    .join('\n');
}
