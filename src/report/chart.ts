/** The survival chart: every test at its idle time, drawn as SVG without a browser. */
import { humanDuration } from '../core/human-duration.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../core/rfc5382.js';
import type { ReportDocument } from './document.js';
import { drawingTools, svgOf, TICKS } from './drawing.js';

const WIDTH = 680;
const STRIP_HEIGHT = 62;
const MARGIN = { top: 30, right: 14, bottom: 36, left: 86 } as const;

/** Colours that stay apart in grey print as well; the marks differ in shape too. */
const COLOURS = {
  survived: '#d7eddd',
  unknown: '#fdf0c8',
  gone: '#f6d9d6',
  alive: '#1d7a3e',
  dead: '#b3261e',
  inconclusive: '#6b7280',
  required: '#1f2937',
} as const;

interface Dot {
  readonly mode: string;
  readonly idle: number;
  readonly time: number;
}

interface Zone {
  readonly mode: string;
  readonly from: number;
  readonly to: number;
  readonly fill: string;
}

/**
 * Draws a strip per mode from the shortest to the longest idle time on a logarithmic axis: what survived, where the
 * answer lies, what did not survive, and every test with the earliest at the top.
 *
 * @returns an `<svg>` element that needs nothing from outside; the caller gives it a text alternative
 */
export async function survivalChart(document: ReportDocument): Promise<string> {
  const { Plot, page } = await drawingTools();
  const dots = document.modes.flatMap(({ mode, tests }) =>
    tests
      .filter(({ idle_seconds }) => idle_seconds > 0)
      .map(({ at, idle_seconds, verdict }) => ({ mode, idle: idle_seconds, time: Date.parse(at), verdict })),
  );
  const [from, to] = axis(document, dots);
  const first = dots.reduce((least, { time }) => Math.min(least, time), Infinity);
  const last = dots.reduce((most, { time }) => Math.max(most, time), first + 1000);
  const span: [number, number] = dots.length === 0 ? [0, 1] : [first, last];
  const modes = document.modes.map(({ mode }) => mode);
  const of = (kind: string): Dot[] => dots.filter(({ verdict }) => verdict === kind);
  const place = { x: 'idle', y: 'time', fy: 'mode', clip: false } as const;

  const drawn: unknown = Plot.plot({
    document: page,
    width: WIDTH,
    height: MARGIN.top + MARGIN.bottom + STRIP_HEIGHT * Math.max(1, modes.length),
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    style: { fontSize: '11px' },
    x: { type: 'log', domain: [from, to], axis: null },
    y: { axis: null, domain: span, reverse: true, insetTop: 7, insetBottom: 7 },
    fy: { domain: modes, label: null, padding: 0.16, axis: null },
    marks: [
      Plot.rect(zones(document, from, to), { x1: 'from', x2: 'to', fy: 'mode', fill: 'fill' }),
      Plot.ruleX([REQ5_ESTABLISHED_IDLE_TIMEOUT], { stroke: COLOURS.required, strokeDasharray: '4 3' }),
      Plot.dot(of('inconclusive'), { ...place, r: 2.5, symbol: 'diamond', stroke: COLOURS.inconclusive }),
      Plot.dot(of('alive'), { ...place, r: 2.8, fill: COLOURS.alive }),
      Plot.dot(of('dead'), { ...place, r: 3.6, symbol: 'times', stroke: COLOURS.dead, strokeWidth: 1.8 }),
      Plot.axisX(
        TICKS.filter(({ at }) => at >= from && at <= to).map(({ at }) => at),
        { text: (at: number) => TICKS.find((tick) => tick.at === at)?.label ?? '', label: null },
      ),
      Plot.text(modes, {
        fy: (mode: string) => mode,
        frameAnchor: 'left',
        textAnchor: 'end',
        dx: -10,
        text: (mode: string) => mode,
        fontSize: 12,
        fontWeight: 600,
      }),
      Plot.text(modes.slice(0, 1), {
        x: () => REQ5_ESTABLISHED_IDLE_TIMEOUT,
        fy: (mode: string) => mode,
        text: () => `RFC 5382: ${humanDuration(REQ5_ESTABLISHED_IDLE_TIMEOUT)}`,
        frameAnchor: 'top',
        lineAnchor: 'bottom',
        textAnchor: 'end',
        dy: -7,
        dx: 4,
      }),
    ],
  });
  return svgOf(drawn);
}

/** Shortest and longest idle time of the axis; the requirement is always on it. */
function axis(document: ReportDocument, dots: readonly Dot[]): [number, number] {
  const { min_idle_seconds, max_idle_seconds } = document.search;
  const idles = dots.map(({ idle }) => idle);
  return [
    Math.min(min_idle_seconds, ...idles) * 0.8,
    Math.max(max_idle_seconds, REQ5_ESTABLISHED_IDLE_TIMEOUT, ...idles) * 1.12,
  ];
}

function zones(document: ReportDocument, from: number, to: number): Zone[] {
  return document.modes.flatMap(({ mode, lower_bound_seconds: lower, upper_bound_seconds: upper }) => {
    const known = lower ?? from;
    const gone = upper ?? to;
    return [
      { mode, from, to: known, fill: COLOURS.survived },
      { mode, from: known, to: Math.max(known, gone), fill: COLOURS.unknown },
      { mode, from: Math.max(known, gone), to, fill: COLOURS.gone },
    ].filter((zone) => zone.to > zone.from);
  });
}
