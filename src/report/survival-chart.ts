/** The survival chart: every test at its idle time, drawn as SVG without a browser. */
import { humanDuration } from '../core/human-duration.js';
import { requirementsOf } from '../core/modes.js';
import { COLOURS, logAxis, logScale, type Position, requirementLine, round, svg } from '../paper/drawing.js';
import { type Html, html } from '../paper/html.js';
import type { Seconds } from '../units.js';
import type { ModeResult, ReportDocument } from './report-document.js';

const WIDTH = 680;
const STRIP = { height: 62, gap: 10, inset: 7 } as const;
const MARGIN = { top: 30, right: 14, bottom: 36, left: 86 } as const;

/** Grounds of what survived, of where the answer lies, and of what did not survive. */
const GROUNDS = { survived: '#d7eddd', unknown: '#fdf0c8', gone: '#f6d9d6' } as const;

type Axis = readonly [from: Seconds, to: Seconds];

/**
 * Draws a strip per mode from the shortest to the longest idle time on a logarithmic axis: what survived, where the
 * answer lies, what did not survive, and every test with the earliest at the top.
 */
export function survivalChart(document: ReportDocument): Html {
  const axis = axisOf(document);
  const x = logScale(axis, [MARGIN.left, WIDTH - MARGIN.right]);
  const when = timeScale(document);
  const bottom = MARGIN.top + STRIP.height * Math.max(1, document.modes.length);
  const height = STRIP.height - STRIP.gap;
  return svg(WIDTH, bottom + MARGIN.bottom, [
    ...document.modes.map(
      (mode, index) =>
        html`<g transform="translate(0,${MARGIN.top + STRIP.height * index + STRIP.gap / 2})">${[
          grounds(mode, axis, x, height),
          html`<text x="${MARGIN.left - 10}" y="${height / 2 + 4}" font-size="12" font-weight="600" text-anchor="end">${mode.mode}</text>`,
          marks(mode, x, (at) => round(STRIP.inset + when(at) * (height - 2 * STRIP.inset))),
        ]}</g>`,
    ),
    ...requirementsOf(document.modes.map(({ mode }) => mode)).map(({ idle, standard }) =>
      requirementLine(x(idle), [MARGIN.top, bottom], `${standard}: ${humanDuration(idle)}`),
    ),
    logAxis(axis, x, bottom),
  ]);
}

/** Shortest and longest idle time of the axis; the requirement is always on it. */
function axisOf({ modes, search, required_seconds: required }: ReportDocument): Axis {
  const idles = modes.flatMap(({ tests }) => tests.map((test) => test.idle_seconds));
  const shortest = Math.min(search.min_idle_seconds, ...idles.filter((idle) => idle > 0));
  const longest = Math.max(search.max_idle_seconds, required, ...idles);
  return [shortest * 0.8, longest * 1.12];
}

/** From the moment of a test to its place between the earliest, 0, and the newest, 1. */
function timeScale({ modes }: ReportDocument): (at: string) => number {
  const times = modes.flatMap(({ tests }) => tests.map(({ at }) => Date.parse(at)));
  const first = Math.min(...times);
  const span = Math.max(1000, Math.max(...times) - first);
  return (at) => (Date.parse(at) - first) / span;
}

/** The grounds of a mode: of a mixture the minority's above those of the others. */
function grounds(mode: ModeResult, axis: Axis, x: Position, height: number): Html[] {
  const { lower_bound_seconds: lower, upper_bound_seconds: upper, mixture } = mode;
  if (mixture === undefined) return ground({ lower, upper }, axis, x, [0, height]);
  const half = height / 2;
  return [
    ...ground({ lower, upper }, axis, x, [0, half]),
    ...ground({ lower: mixture.survived_seconds, upper: undefined }, axis, x, [half, height]),
  ];
}

function ground(
  { lower, upper }: { readonly lower: Seconds | undefined; readonly upper: Seconds | undefined },
  [from, to]: Axis,
  x: Position,
  [top, bottom]: readonly [top: number, bottom: number],
): Html[] {
  const known = Math.max(from, lower ?? from);
  const gone = Math.max(known, upper ?? to);
  const parts = [
    [from, known, GROUNDS.survived],
    [known, gone, GROUNDS.unknown],
    [gone, to, GROUNDS.gone],
  ] as const;
  return parts
    .filter(([start, end]) => end > start)
    .map(
      ([start, end, fill]) =>
        html`<rect x="${x(start)}" y="${top}" width="${round(x(end) - x(start))}" height="${bottom - top}" fill="${fill}"/>`,
    );
}

/** The deaths are drawn last: among many survivors they are what matters. */
const ORDER = ['inconclusive', 'alive', 'dead'] as const;

function marks({ tests }: ModeResult, x: Position, y: (at: string) => number): Html[] {
  return ORDER.flatMap((kind) =>
    tests
      .filter(({ idle_seconds, verdict }) => verdict === kind && idle_seconds > 0)
      .map(({ at, idle_seconds }) => mark(kind, x(idle_seconds), y(at))),
  );
}

function mark(kind: (typeof ORDER)[number], x: number, y: number): Html {
  switch (kind) {
    case 'alive':
      return html`<circle cx="${x}" cy="${y}" r="2.8" fill="${COLOURS.good}"/>`;
    case 'dead':
      return html`<path transform="translate(${x},${y})" d="M-3-3 3 3M-3 3 3-3" stroke="${COLOURS.bad}" stroke-width="1.8"/>`;
    case 'inconclusive':
      return html`<path transform="translate(${x},${y})" d="M0-3 3 0 0 3-3 0Z" fill="none" stroke="${COLOURS.quiet}" stroke-width="1.5"/>`;
  }
}
