/** The distribution of the paths' timeouts, drawn as SVG without a browser. */
import { humanDuration } from '../core/human-duration.js';
import { drawingTools, svgOf, TICKS } from '../report/drawing.js';
import type { AuditDocument } from './document.js';

const WIDTH = 680;
const HEIGHT = 240;
const MARGIN = { top: 30, right: 14, bottom: 40, left: 50 } as const;

/** Classes in which an idle time doubles this many times: narrow enough to tell 3600 s from 7200 s at a glance. */
const CLASSES_PER_DOUBLING = 4;

const COLOURS = { short: '#b3261e', exact: '#1d7a3e', atLeast: '#9ccfae', required: '#1f2937' } as const;

/** A bar of the chart: the paths whose timeout lies in one class. */
export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly kind: 'short' | 'exact' | 'atLeast';
  readonly paths: number;
}

/** Counts the paths by classes on a logarithmic axis; the requirement is the limit between two of them. */
export function barsOf({ distribution, required_seconds: required }: AuditDocument): Bar[] {
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

/**
 * Draws the paths by their timeout on a logarithmic axis with the line of the requirement.
 *
 * @returns an `<svg>` element that needs nothing from outside; the caller gives it a text alternative
 */
export async function distributionChart(document: AuditDocument): Promise<string> {
  const { Plot, page } = await drawingTools();
  const required = document.required_seconds;
  const bars = barsOf(document);
  const from = Math.min(60, ...bars.map((bar) => bar.from)) * 0.9;
  const to = Math.max(14_400, ...bars.map((bar) => bar.to)) * 1.1;
  return svgOf(
    Plot.plot({
      document: page,
      width: WIDTH,
      height: HEIGHT,
      marginTop: MARGIN.top,
      marginRight: MARGIN.right,
      marginBottom: MARGIN.bottom,
      marginLeft: MARGIN.left,
      style: { fontSize: '11px' },
      x: { type: 'log', domain: [from, to], axis: null },
      y: { label: 'paths', grid: true, zero: true, nice: true, tickFormat: 'd', ticks: 5 },
      marks: [
        Plot.rectY(
          bars,
          Plot.stackY({
            x1: 'from',
            x2: 'to',
            y: 'paths',
            fill: (bar: Bar) => COLOURS[bar.kind],
            insetRight: 1,
          }),
        ),
        Plot.ruleY([0]),
        Plot.ruleX([required], { stroke: COLOURS.required, strokeDasharray: '4 3' }),
        Plot.axisX(
          TICKS.filter(({ at }) => at >= from && at <= to).map(({ at }) => at),
          { text: (at: number) => TICKS.find((tick) => tick.at === at)?.label ?? '', label: 'idle timeout' },
        ),
        Plot.text([required], {
          x: (at: number) => at,
          text: () => `RFC 5382: ${humanDuration(required)} (${required} s)`,
          frameAnchor: 'top',
          lineAnchor: 'bottom',
          textAnchor: 'end',
          dy: -7,
          dx: 4,
        }),
      ],
    }),
  );
}
