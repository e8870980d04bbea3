/** The path on paper: hosts and routers on a line, and the place that forgets. */
import type { Station } from '../core/locate/path-stations.js';
import { COLOURS, round, svg } from '../paper/drawing.js';
import { type Html, html } from '../paper/html.js';

const WIDTH = 680;
const HEIGHT = 92;
/** The line that all stand on, and the distance of its ends from the edges, pixels. */
const LINE = 48;
const MARGIN = 40;
/** Least distance of two routers at which their names have a word, and their addresses room for a character, pixels. */
const WORD_FROM = 42;
const CHARACTER = 6.2;

/** Draws the stations from left to right; addresses that have no room are left out. */
export function pathDrawing(stations: readonly Station[]): Html {
  const last = Math.max(1, ...stations.map(({ hop }) => hop));
  const step = (WIDTH - 2 * MARGIN) / last;
  const x = ({ kind, hop }: Station): number => round(MARGIN + step * (kind === 'gap' ? hop + 0.5 : hop));
  const gaps = stations.filter(({ kind }) => kind === 'gap');
  const others = stations.filter(({ kind }) => kind !== 'gap');
  return svg(WIDTH, HEIGHT, [
    html`<path d="M${MARGIN},${LINE}H${WIDTH - MARGIN}" stroke="${COLOURS.quiet}" stroke-width="1.5"/>`,
    ...gaps.filter(({ mark }) => mark !== undefined).map((each) => unseen(each, x(each))),
    ...others.map((each) => host(each, x(each), step)),
  ]);
}

function colourOf({ mark }: Station): string {
  return mark === undefined ? COLOURS.ink : mark === 'forgets' ? COLOURS.bad : COLOURS.open;
}

/** Above the line, so that it is read in grey print as well. */
function markOf(station: Station, at: number): Html | undefined {
  if (station.mark === undefined) return undefined;
  return html`<text x="${at}" y="${LINE - 18}" text-anchor="middle" font-weight="600" fill="${colourOf(station)}">${station.mark === 'forgets' ? 'forgets' : '?'}</text>`;
}

/** Something without an address. */
function unseen(station: Station, at: number): Html {
  return html`<g><rect x="${at - 8}" y="${LINE - 8}" width="16" height="16" fill="#fff" stroke="${colourOf(station)}" stroke-width="2" stroke-dasharray="4 3"/>${markOf(station, at)}</g>`;
}

function host(station: Station, at: number, step: number): Html {
  const { kind, hop, address, mark } = station;
  const router = step < WORD_FROM ? String(hop) : `hop ${hop}`;
  const name = kind === 'here' ? 'this end' : kind === 'far_end' ? 'far end' : router;
  const hasRoom = address !== undefined && address.length * CHARACTER < step;
  return html`<g><circle cx="${at}" cy="${LINE}" r="${mark === undefined ? 5 : 8}" fill="${colourOf(station)}"/>${markOf(station, at)}<text x="${at}" y="${LINE + 22}" text-anchor="middle">${name}</text>${hasRoom && html`<text x="${at}" y="${LINE + 36}" text-anchor="middle" fill="${COLOURS.quiet}">${address}</text>`}</g>`;
}
