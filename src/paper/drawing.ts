/** What drawings share: their colours, round idle times for an axis, and charts that stand alone on paper. */
import { humanDuration } from '../core/human-duration.js';
import type { Seconds } from '../units.js';
import { type Html, html } from './html.js';

/** Colours of paper that stay apart in grey print as well. */
export const COLOURS = {
  ink: '#1a1d21',
  quiet: '#555d66',
  good: '#1d7a3e',
  bad: '#b3261e',
  open: '#8a5a00',
  pale: '#9ccfae',
} as const;

/** Idle times that people think in, seconds. */
export const ROUND_TIMES: readonly Seconds[] = [
  1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800,
];

/** Where an idle time stands, from the left edge, in pixels or in percent. */
export type Position = (idle: Seconds) => number;

/**
 * Those of `times`, the shortest first, that stand at least `gap` apart from each other and from both ends: their
 * labels do not touch.
 */
export function spaced(
  times: readonly Seconds[],
  x: Position,
  [left, right]: readonly [number, number],
  gap: number,
): Seconds[] {
  let last = left;
  return times.filter((at) => {
    if (x(at) - last < gap || right - x(at) < gap) return false;
    last = x(at);
    return true;
  });
}

/** A duration without the part that is nothing: `1 h`. */
export function shortDuration(at: Seconds): string {
  return humanDuration(at).replace(/ 0 (min|h)$/, '');
}

/**
 * A logarithmic scale.
 *
 * @param domain shortest and longest idle time, both above 0
 * @param range their places in pixels
 */
export function logScale(
  [from, to]: readonly [Seconds, Seconds],
  [left, right]: readonly [number, number],
): Position {
  const whole = Math.log(to / from);
  return (idle) => round(left + ((right - left) * Math.log(idle / from)) / whole);
}

/** Height of a tick, distance of its label from the axis, and least distance of two labels, pixels. */
const TICK = 6;
const LABEL = 18;
const GAP = 50;
/** Least distance of a label from the end of the axis, pixels: it may hang over by half of its width. */
const FROM_END = 6;

/** Ticks at round times with their labels below the line `y`. */
export function logAxis([from, to]: readonly [Seconds, Seconds], x: Position, y: number): Html {
  const ticks = spaced(ROUND_TIMES, x, [x(from) + FROM_END - GAP, x(to) - FROM_END + GAP], GAP);
  return html`<g fill="none" stroke="currentColor">${ticks.map(
    (at) =>
      html`<path d="M${x(at)},${y}v${TICK}"/><text x="${x(at)}" y="${y + LABEL}" fill="currentColor" stroke="none" text-anchor="middle">${shortDuration(at)}</text>`,
  )}</g>`;
}

/** The dashed line of a requirement from `top` to `bottom`, with its words above it. */
export function requirementLine(at: number, [top, bottom]: readonly [number, number], words: string): Html {
  return html`<path d="M${at},${top}V${bottom}" stroke="currentColor" stroke-dasharray="4 3"/><text x="${at + 4}" y="${top - 7}" text-anchor="end">${words}</text>`;
}

/** A chart as one image that needs nothing from outside; the caller gives it a text alternative. */
export function svg(width: number, height: number, content: readonly Html[]): Html {
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="currentColor" font-family="system-ui, sans-serif" font-size="11" aria-hidden="true" focusable="false">${content}</svg>`;
}

/** Hundredths of a pixel, or of a percent, are enough. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
