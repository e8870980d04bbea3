/** The horizontal axis of charts that stand alone on paper: idle times on a logarithmic scale. */
import type { Seconds } from '../units.js';
import { type Html, html } from './html.js';

/** Idle times that people think in, seconds; those within an axis become its ticks. */
const TICKS: readonly { readonly at: Seconds; readonly label: string }[] = [
  { at: 1, label: '1 s' },
  { at: 5, label: '5 s' },
  { at: 15, label: '15 s' },
  { at: 60, label: '1 min' },
  { at: 300, label: '5 min' },
  { at: 1200, label: '20 min' },
  { at: 3600, label: '1 h' },
  { at: 14_400, label: '4 h' },
  { at: 86_400, label: '1 d' },
];

/** Height of a tick and distance of its label from the axis, pixels. */
const TICK = 6;
const LABEL = 18;

/** Where an idle time stands, in pixels from the left edge. */
export type Position = (idle: Seconds) => number;

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

/** Ticks with their labels below the line `y`. */
export function logAxis([from, to]: readonly [Seconds, Seconds], x: Position, y: number): Html {
  return html`<g fill="none" stroke="currentColor">${TICKS.filter(({ at }) => at >= from && at <= to).map(
    ({ at, label }) =>
      html`<path d="M${x(at)},${y}v${TICK}"/><text x="${x(at)}" y="${y + LABEL}" fill="currentColor" stroke="none" text-anchor="middle">${label}</text>`,
  )}</g>`;
}

/** The dashed line of a requirement from `top` to `bottom`, with its words above it. */
export function requirementLine(
  at: number,
  [top, bottom]: readonly [number, number],
  colour: string,
  words: string,
): Html {
  return html`<path d="M${at},${top}V${bottom}" stroke="${colour}" stroke-dasharray="4 3"/><text x="${at + 4}" y="${top - 7}" fill="currentColor" text-anchor="end">${words}</text>`;
}

/** A chart as one image that needs nothing from outside; the caller gives it a text alternative. */
export function svg(width: number, height: number, content: readonly Html[]): string {
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="currentColor" font-family="system-ui, sans-serif" font-size="11" aria-hidden="true" focusable="false">${content}</svg>`
    .text;
}

/** Hundredths of a pixel are enough. */
export function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
