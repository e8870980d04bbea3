/** The shares of the worst groups as bars, drawn as SVG without a browser. */
import { COLOURS, round, svg } from '../paper/drawing.js';
import { type Html, html } from '../paper/html.js';
import type { AuditDocument, AuditGroup } from './audit-document.js';

/** Groups that are drawn, the worst ones. */
export const SHOWN_GROUPS = 12;

const WIDTH = 680;
const BAR = { height: 14, pitch: 24 } as const;
const MARGIN = { top: 6, right: 24, bottom: 26, left: 170 } as const;
/** Characters of a group's name that fit to the left of its bar. */
const LONGEST_NAME = 26;
const GRID = [0, 0.25, 0.5, 0.75, 1];

/** Where a share stands, from the left edge in pixels. */
const x = (share: number): number => round(MARGIN.left + share * (WIDTH - MARGIN.left - MARGIN.right));

/** Draws a bar for each of the worst groups: not compliant, unknown, compliant, and the bounds of what is known. */
export function sharesChart({ groups }: AuditDocument): Html {
  const shown = groups.slice(0, SHOWN_GROUPS);
  const bottom = MARGIN.top + BAR.pitch * shown.length;
  return svg(WIDTH, bottom + MARGIN.bottom, [
    ...GRID.map(
      (share) =>
        html`<path d="M${x(share)},${MARGIN.top}V${bottom}" stroke="currentColor" stroke-opacity="0.2"/><text x="${x(share)}" y="${bottom + 16}" text-anchor="middle">${share * 100} %</text>`,
    ),
    ...shown.map((group, index) =>
      barOf(group, MARGIN.top + BAR.pitch * index + (BAR.pitch - BAR.height) / 2),
    ),
  ]);
}

function barOf(group: AuditGroup, y: number): Html {
  const { name, paths, not_compliant: bad, unknown, known_share_bounds: bounds } = group;
  const parts = [
    [0, bad / paths, COLOURS.bad],
    [bad / paths, (bad + unknown) / paths, COLOURS.quiet],
    [(bad + unknown) / paths, 1, COLOURS.pale],
  ] as const;
  const shownName = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  const middle = y + BAR.height / 2;
  return html`<g><text x="${MARGIN.left - 8}" y="${middle + 4}" text-anchor="end">${shownName}</text>${parts
    .filter(([from, to]) => to > from)
    .map(
      ([from, to, fill]) =>
        html`<rect x="${x(from)}" y="${y}" width="${round(x(to) - x(from))}" height="${BAR.height}" fill="${fill}"/>`,
    )}${bounds !== undefined && whisker([1 - bounds[1], 1 - bounds[0]], y - 3)}</g>`;
}

/** The bounds of a share as a line with its ends. */
function whisker([lower, upper]: readonly [number, number], y: number): Html {
  return html`<path d="M${x(lower)},${y - 2}v4M${x(lower)},${y}H${x(upper)}M${x(upper)},${y - 2}v4" fill="none" stroke="currentColor"/>`;
}
