/** One mode as a picture: survivors, deaths, the bracket, the connections that wait, the line of what is required. */
import { exactDuration, humanDuration } from '../../core/human-duration.js';
import type { SearchConfig } from '../../config/schema.js';
import { requirementOf } from '../../core/modes.js';
import { mixtureWords } from '../../core/words.js';
import type { Requirement } from '../../core/requirements.js';
import type { ModeSnapshot, TestRecord, WaitingConnection } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';
import { round, shortDuration } from '../../paper/drawing.js';
import { type Html, html } from '../../paper/html.js';
import { makeScale, type Scale, ticks } from './scale.js';

/** Heights of the lanes, CSS pixels. */
const LANE = {
  label: 10,
  alive: 24,
  dead: 40,
  band: 50,
  bandHeight: 12,
  half: 7,
  gap: 2,
  waiting: 76,
  axis: 92,
  text: 107,
} as const;
const HEIGHT = 112;
/** Marks closer than this are drawn as one, percent of the width. */
const MERGE = 0.4;

/** The strip of one mode; moving dots carry their age, so that a script can go on moving them. */
export function renderStrip(mode: ModeSnapshot, search: SearchConfig): Html {
  const scale = makeScale(search.max_idle);
  return html`<svg class="strip" role="img" aria-label="${describe(mode, search)}" height="${HEIGHT}" data-max="${scale.max}" data-knee="${scale.knee}">${[
    band(mode, scale),
    axis(scale),
    requirementLine(requirementOf(mode.mode), scale),
    marks(mode.tests, scale),
    mode.waiting.map((connection) => waitingDot(connection, scale)),
  ]}</svg>`;
}

/** The strip in words, for readers who do not see it. */
function describe(mode: ModeSnapshot, search: SearchConfig): string {
  const alive = mode.tests.filter((test) => test.verdict.kind === 'alive').map((test) => test.idle);
  const dead = mode.tests.filter((test) => test.verdict.kind === 'dead').map((test) => test.idle);
  const { finding } = mode;
  const idle = mode.waiting.filter((connection) => connection.state !== 'opening');
  const parts = [
    `${mode.mode}, idle times from 0 to ${humanDuration(search.max_idle)}:`,
    alive.length === 0
      ? 'none survived,'
      : `${alive.length} survived, the longest after ${exactDuration(alive.reduce((a, b) => Math.max(a, b)))},`,
    dead.length === 0
      ? 'none died,'
      : `${dead.length} died, the shortest after ${exactDuration(dead.reduce((a, b) => Math.min(a, b)))},`,
    `${idle.length} wait.`,
    ...(finding.upper === undefined || finding.mixture === undefined
      ? []
      : [`${mixtureWords({ ...finding, upper: finding.upper }, finding.mixture)}.`]),
  ];
  return parts.join(' ');
}

function percent(value: number): string {
  return `${round(value)}%`;
}

/** Connections that are treated alike: what they survived and died of, and where that is drawn, CSS pixels. */
interface Population {
  readonly lower: Seconds | undefined;
  readonly upper: Seconds | undefined;
  readonly y: number;
  readonly h: number;
}

/** The bracket; of a mixture that of the minority above, and what the others survived below. */
function band({ finding: { lower, upper, mixture } }: ModeSnapshot, scale: Scale): Html[] {
  const { band: y, bandHeight: h } = LANE;
  if (mixture === undefined) return [populationBand({ lower, upper, y, h }, scale)];
  return [
    html`<g><title>those that are forgotten early</title>${populationBand({ lower, upper, y, h: LANE.half }, scale)}</g>`,
    html`<g><title>the others</title>${populationBand(
      { lower: mixture.survived, upper: undefined, y: y + LANE.half + LANE.gap, h: LANE.half },
      scale,
    )}</g>`,
  ];
}

function populationBand({ lower, upper, y, h }: Population, scale: Scale): Html {
  const rect = (name: string, from: number, to: number): Html =>
    html`<rect class="${name}" x="${percent(from)}" y="${y}" width="${percent(Math.max(0, to - from))}" height="${h}"/>`;
  const from = lower === undefined ? 0 : scale.position(lower);
  const to = upper === undefined ? 100 : scale.position(upper);
  const edge = (name: string, at: number): Html =>
    html`<line class="edge ${name}" x1="${percent(at)}" x2="${percent(at)}" y1="${y - h / 3}" y2="${y + h + h / 3}"/>`;
  return html`${[
    rect('band', 0, 100),
    lower !== undefined && rect('remembered', 0, Math.min(from, to)),
    upper !== undefined && rect('forgotten', Math.max(from, to), 100),
    upper !== undefined && lower !== undefined && rect('bracket', Math.min(from, to), Math.max(from, to)),
    lower !== undefined && edge('lower', from),
    upper !== undefined && edge('upper', to),
  ]}`;
}

function axis(scale: Scale): Html[] {
  return ticks(scale).map(({ at, major }) => {
    const x = percent(scale.position(at));
    const anchor = at === 0 ? 'start' : at === scale.max ? 'end' : 'middle';
    return html`<g class="tick${major ? '' : ' minor'}"><line x1="${x}" x2="${x}" y1="${LANE.axis - 5}" y2="${LANE.axis}"/><text x="${x}" y="${LANE.text}" text-anchor="${anchor}">${at === 0 ? '0' : shortDuration(at)}</text></g>`;
  });
}

function requirementLine({ idle, standard }: Requirement, scale: Scale): Html | undefined {
  if (idle > scale.max) return undefined;
  const at = scale.position(idle);
  const x = percent(at);
  const anchor = at > 80 ? 'end' : 'start';
  const label = percent(at + (at > 80 ? -0.8 : 0.8));
  return html`<line class="req5" x1="${x}" x2="${x}" y1="2" y2="${LANE.axis}"/><text class="req5" x="${label}" y="${LANE.label}" text-anchor="${anchor}">${standard}: ${shortDuration(idle)}</text>`;
}

interface Mark {
  readonly x: number;
  readonly idle: Seconds;
  readonly kind: TestRecord['verdict']['kind'];
  count: number;
}

function marks(tests: readonly TestRecord[], scale: Scale): Html[] {
  const merged = new Map<string, Mark>();
  for (const { idle, verdict } of tests) {
    const x = scale.position(idle);
    const key = `${verdict.kind} ${Math.round(x / MERGE)}`;
    const mark = merged.get(key);
    if (mark === undefined) merged.set(key, { x, idle, kind: verdict.kind, count: 1 });
    else mark.count++;
  }
  return [...merged.values()].map(drawMark);
}

function drawMark({ x, idle, kind, count }: Mark): Html {
  const at = percent(x);
  const times = count > 1 ? `, ${count} times near here` : '';
  const title = html`<title>${kind} after ${exactDuration(idle)}${times}</title>`;
  if (kind === 'alive')
    return html`<circle class="alive" cx="${at}" cy="${LANE.alive}" r="4.5">${title}</circle>`;
  if (kind === 'dead') {
    return html`<svg class="dead" x="${at}" y="${LANE.dead}"><path d="M-4-4 4 4M-4 4 4-4"/>${title}</svg>`;
  }
  return html`<circle class="inconclusive" cx="${at}" cy="${LANE.dead}" r="1.8">${title}</circle>`;
}

function waitingDot({ id, state, age, testAt }: WaitingConnection, scale: Scale): Html | undefined {
  if (state === 'opening' || age === undefined) return undefined;
  // Neighbours stand on different heights, so that many of the same age can be told apart.
  const y = LANE.waiting + ((id % 5) - 2) * 3;
  const planned = testAt === undefined ? '' : `, tested at ${exactDuration(testAt)}`;
  const at = percent(scale.position(age));
  return html`<circle class="waiting${state === 'testing' ? ' testing' : ''}" cx="${at}" cy="${y}" r="3" data-age="${Math.round(age * 10) / 10}"><title>idle for ${exactDuration(age)}${planned}</title></circle>`;
}
