/** The bar of a mode: what is known of each idle time, on a logarithmic scale from nothing to the longest one. */
import type { ModeSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import type { Paint } from './paint.js';

/** What is known of an idle time. */
type Cell = 'survived' | 'both' | 'died' | 'waits' | 'unknown';

const SIGNS: Readonly<Record<Cell, string>> = {
  survived: '=',
  both: '~',
  died: 'x',
  waits: '-',
  unknown: '.',
};

const LEGEND: Readonly<Record<Exclude<Cell, 'unknown'>, string>> = {
  survived: 'survived',
  waits: 'waiting now',
  died: 'died',
  both: 'some died',
};

/** Idle times that are written below the bars, seconds. */
const TICKS: readonly (readonly [Seconds, string])[] = [
  [1, '1 s'],
  [10, '10 s'],
  [60, '1 min'],
  [600, '10 min'],
  [3600, '1 h'],
  [86_400, '1 d'],
];

/** Where an idle time lies, from 0 to 1: half of all boxes forget within the first tenth of what is tested. */
function positionOf(idle: Seconds, longest: Seconds): number {
  return Math.log1p(idle) / Math.log1p(longest);
}

function idleAt(position: number, longest: Seconds): Seconds {
  return Math.expm1(position * Math.log1p(longest));
}

/** The bar without its frame, `cells` columns wide. @param longest the longest idle time that is tested, seconds */
export function idleBar(mode: ModeSnapshot, longest: Seconds, cells: number, paint: Paint): string {
  const colour: Readonly<Record<Cell, Paint['good']>> = {
    survived: paint.good,
    both: paint.strong,
    died: paint.bad,
    waits: paint.strong,
    unknown: paint.faint,
  };
  const runs: [Cell, number][] = [];
  for (let index = 0; index < cells; index++) {
    const cell = cellAt(idleAt((index + 0.5) / cells, longest), mode);
    const last = runs.at(-1);
    if (last?.[0] === cell) last[1] += 1;
    else runs.push([cell, 1]);
  }
  return runs.map(([cell, length]) => colour[cell](SIGNS[cell].repeat(length))).join('');
}

function cellAt(idle: Seconds, { finding, waiting }: ModeSnapshot): Cell {
  const { lower = 0, upper = Number.POSITIVE_INFINITY, mixture } = finding;
  const survived = idle <= Math.max(lower, mixture?.survived ?? 0);
  if (idle >= upper) return survived ? 'both' : 'died';
  if (survived) return 'survived';
  return waiting.some(({ state, age = 0 }) => state === 'idle' && age >= idle) ? 'waits' : 'unknown';
}

/** The idle times under a bar, `cells` columns wide. */
export function idleAxis(longest: Seconds, cells: number): string {
  let axis = '';
  for (const [idle, words] of TICKS) {
    const at = Math.round(positionOf(idle, longest) * cells);
    if (at + words.length > cells || (axis !== '' && at < axis.length + 2)) continue;
    axis = axis.padEnd(at) + words;
  }
  return axis;
}

/** What the signs of these modes' bars mean: `= survived  - waiting now  x died`. */
export function idleLegend(modes: readonly ModeSnapshot[]): string {
  const isMixed = modes.some(({ finding }) => finding.mixture !== undefined);
  return (Object.keys(LEGEND) as (keyof typeof LEGEND)[])
    .filter((cell) => cell !== 'both' || isMixed)
    .map((cell) => `${SIGNS[cell]} ${LEGEND[cell]}`)
    .join('  ');
}
