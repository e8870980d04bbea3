/** The distribution of the paths' timeouts, drawn as SVG without a browser. */
import { humanDuration } from '../core/human-duration.js';
import { type Html, html } from '../paper/html.js';
import { COLOURS, logAxis, logScale, requirementLine, round, svg } from '../paper/drawing.js';
import type { AuditDocument } from './audit-document.js';

const WIDTH = 680;
const HEIGHT = 240;
const MARGIN = { top: 30, right: 14, bottom: 40, left: 50 } as const;
const BOTTOM = HEIGHT - MARGIN.bottom;

/** Lines of the grid, about. */
const GRID_LINES = 5;

/** Classes in which an idle time doubles this many times: narrow enough to tell 3600 s from 7200 s at a glance. */
const CLASSES_PER_DOUBLING = 4;

const FILLS = { short: COLOURS.bad, exact: COLOURS.good, atLeast: COLOURS.pale } as const;

/** A bar of the chart: the paths whose timeout lies in one class. */
export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly kind: keyof typeof FILLS;
  readonly paths: number;
}

/** Counts the paths by classes on a logarithmic axis; the requirement is the limit between two of them. */
function barsOf({ distribution, required_seconds: required }: AuditDocument): Bar[] {
  const bars = new Map<string, Bar>();
  for (const { seconds, at_least, paths } of distribution) {
    if (seconds <= 0) continue;
    const index = Math.floor(Math.log2(seconds / required) * CLASSES_PER_DOUBLING);
    const kind = seconds < required ? 'short' : at_least ? 'atLeast' : 'exact';
    const key = `${index} ${kind}`;
    bars.set(key, {
      from: required * 2 ** (index / CLASSES_PER_DOUBLING),
      to: required * 2 ** ((index + 1) / CLASSES_PER_DOUBLING),
      kind,
      paths: (bars.get(key)?.paths ?? 0) + paths,
    });
  }
  return [...bars.values()].sort((a, b) => a.from - b.from || a.kind.localeCompare(b.kind));
}

/** Draws the paths by their timeout on a logarithmic axis with the line of the requirement. */
export function distributionChart(document: AuditDocument): Html {
  const required = document.required_seconds;
  // Of one class there are two at most: what is known exactly stands on what is not.
  const bars = barsOf(document).map((bar, index, all) => {
    const before = all[index - 1];
    return { ...bar, below: before?.from === bar.from ? before.paths : 0 };
  });
  const axis = [
    Math.min(60, ...bars.map((bar) => bar.from)) * 0.9,
    Math.max(14_400, ...bars.map((bar) => bar.to)) * 1.1,
  ] as const;
  const x = logScale(axis, [MARGIN.left, WIDTH - MARGIN.right]);
  const tallest = Math.max(1, ...bars.map(({ paths, below }) => paths + below));
  const step = gridStep(tallest);
  const top = step * Math.ceil(tallest / step);
  const y = (paths: number): number => round(BOTTOM - ((BOTTOM - MARGIN.top) * paths) / top);
  return svg(WIDTH, HEIGHT, [
    html`<text x="${MARGIN.left - 8}" y="${MARGIN.top - 12}" text-anchor="end">paths</text>`,
    ...Array.from({ length: top / step + 1 }, (_, line) => gridLine(line * step, y(line * step))),
    ...bars.map(
      ({ from, to, kind, paths, below }) =>
        html`<rect x="${x(from)}" y="${y(below + paths)}" width="${round(Math.max(1, x(to) - x(from) - 1))}" height="${round(y(below) - y(below + paths))}" fill="${FILLS[kind]}"/>`,
    ),
    requirementLine(
      x(required),
      [MARGIN.top, BOTTOM],
      `RFC 5382: ${humanDuration(required)} (${required} s)`,
    ),
    logAxis(axis, x, BOTTOM),
    html`<text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end">idle timeout</text>`,
  ]);
}

/** Whole paths between two lines of the grid: 1, 2 or 5 times a power of ten. */
function gridStep(most: number): number {
  const rough = most / GRID_LINES;
  const power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power);
}

function gridLine(paths: number, y: number): Html {
  return html`<path d="M${MARGIN.left},${y}H${WIDTH - MARGIN.right}" stroke="currentColor" stroke-opacity="${paths === 0 ? 1 : 0.15}"/><text x="${MARGIN.left - 8}" y="${y + 4}" text-anchor="end">${paths}</text>`;
}
