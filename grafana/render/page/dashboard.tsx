/** A whole dashboard: title, variables, rows and panels on Grafana's grid. */
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { Icon } from '@grafana/ui';
import type { CSSProperties } from 'react';
import type { GridPos, Scene } from '../scene.js';
import { Panel, type PreparedPanel, type Surroundings } from './panel.js';

/** The grid of Grafana: 24 columns, cells of 30 px, gaps of 8 px. */
const COLUMNS = 24;
const CELL = 30;
const GAP = 8;
const EDGE = 16;
const HEADER = 96;

export function Dashboard({
  panels,
  around,
  width,
}: {
  readonly panels: readonly PreparedPanel[];
  readonly around: Surroundings;
  readonly width: number;
}) {
  const { scene, theme } = around;
  const column = (width - 2 * EDGE + GAP) / COLUMNS;
  const place = ({ x, y, w, h }: GridPos) => ({
    left: EDGE + x * column,
    top: HEADER + y * (CELL + GAP),
    width: w * column - GAP,
    height: h * (CELL + GAP) - GAP,
  });
  const bottom = Math.max(
    ...[...scene.rows, ...panels.map(({ panel }) => panel)].map(({ gridPos }) => gridPos.y + gridPos.h),
  );
  return (
    <main
      style={{
        position: 'relative',
        width,
        height: HEADER + bottom * (CELL + GAP) + GAP,
        background: theme.colors.background.canvas,
        overflow: 'hidden',
      }}
    >
      <Header scene={scene} theme={theme} timeZone={around.timeZone} />
      {scene.rows.map((row) => (
        <h2
          key={row.title}
          style={{ ...absolute(place(row.gridPos)), fontSize: 16, lineHeight: `${CELL}px`, margin: 0 }}
        >
          <Icon name={row.closed === undefined ? 'angle-down' : 'angle-right'} /> {row.title}
          {row.closed !== undefined && (
            <small style={{ color: theme.colors.text.secondary, fontSize: 12 }}> ({row.closed} panels)</small>
          )}
        </h2>
      ))}
      {panels.map((prepared) => {
        const box = place(prepared.panel.gridPos);
        return (
          <div key={prepared.panel.key} style={absolute(box)}>
            <Panel prepared={prepared} width={box.width} height={box.height} />
          </div>
        );
      })}
    </main>
  );
}

function absolute(box: { readonly left: number; readonly top: number; width: number; height: number }) {
  return { position: 'absolute', ...box } satisfies CSSProperties;
}

function Header({
  scene,
  theme,
  timeZone,
}: {
  readonly scene: Scene;
  readonly theme: GrafanaTheme2;
  readonly timeZone: string;
}) {
  const moment = (seconds: number): string =>
    dateTimeFormat(seconds * 1000, { timeZone, format: 'YYYY-MM-DD HH:mm' });
  const box: CSSProperties = {
    border: `1px solid ${theme.colors.border.medium}`,
    borderRadius: 2,
    padding: '4px 8px',
    background: theme.colors.background.primary,
  };
  return (
    <header style={{ padding: `12px ${EDGE}px 0` }}>
      <div style={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center' }}>
        <h1 style={{ fontSize: 20, margin: 0 }}>{scene.title}</h1>
        <span style={box}>
          <Icon name="clock-nine" /> {moment(scene.from)} to {moment(scene.to)} UTC
        </span>
      </div>
      <div style={{ display: 'flex', gap: 8, marginTop: 10 }}>
        {scene.controls.map(({ label, value }) => (
          <span key={label} style={{ ...box, padding: 0, display: 'flex' }}>
            <span style={{ padding: '4px 8px', background: theme.colors.background.secondary }}>{label}</span>
            <span style={{ padding: '4px 8px' }}>{value}</span>
          </span>
        ))}
      </div>
    </header>
  );
}
