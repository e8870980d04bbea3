/** The last 30 days of a target: what survived and what died, and when the published value moved. */
import { humanDuration } from '../../core/human-duration.js';
import { type Mode, requirementOf } from '../../core/modes.js';
import type { TargetSnapshot } from '../../engine/snapshot.js';
import { changesOf } from '../../history/changes.js';
import { type HistoryEntry } from '../../history/entry.js';
import { HISTORY_AGE } from '../../history/store.js';
import type { Seconds } from '../../units.js';
import { round } from '../../paper/drawing.js';
import { type Html, html } from '../../paper/html.js';
import { bracketsMeet } from './fold.js';
import { makeScale, type Scale } from './scale.js';
import { isoMoment, moment, unbroken } from './sentences.js';

/** The picture's own coordinates; it is stretched to the width of the page. */
const WIDTH = 1000;
const HEIGHT = 100;
/** Bars of the picture: the entries within one of them are drawn as the newest one. */
const BARS = 240;
const CHANGES_SHOWN = 10;

/** One picture for each mode, or one for all where they were alike all the time. */
export function renderHistory(
  entries: readonly HistoryEntry[],
  target: TargetSnapshot,
  now: Seconds,
): Html | undefined {
  if (entries.length === 0) return undefined;
  const scale = makeScale(target.config.search.max_idle);
  const pasts = target.modes
    .map(({ mode }) => ({ mode, own: entries.filter((entry) => entry.mode === mode) }))
    .filter(({ own }) => own.length > 0);
  const [first] = pasts;
  if (first === undefined) return undefined;
  const isOne = pasts.length > 1 && pasts.every(({ own }) => wereAlike(own, first.own, now));
  const figures = isOne
    ? [modeFigure('every mode', first.mode, first.own, scale, now)]
    : pasts.map(({ mode, own }) => modeFigure(mode, mode, own, scale, now));
  return html`<section class="past"><h3>Last 30 days</h3>${figures}</section>`;
}

/** Whether at no time one timeout could not have explained both. */
function wereAlike(a: readonly HistoryEntry[], b: readonly HistoryEntry[], now: Seconds): boolean {
  const others = newestOfBars(b, now);
  return [...newestOfBars(a, now)].every(([bar, entry]) => {
    const other = others.get(bar);
    return other === undefined || bracketsMeet(entry, other);
  });
}

function modeFigure(
  name: string,
  mode: Mode,
  entries: readonly HistoryEntry[],
  scale: Scale,
  now: Seconds,
): Html {
  const shown = changes(entries).slice(-CHANGES_SHOWN).reverse();
  const count = `${shown.length} ${shown.length === 1 ? 'change' : 'changes'}`;
  const label = `${name}, the last 30 days: ${shown.length === 0 ? 'no change' : count}`;
  return html`<figure><figcaption>${name}: from 0 to ${humanDuration(scale.max)} idle, the last 30 days</figcaption>
<svg class="history" role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${[bars(entries, scale, now), limit(requirementOf(mode).idle, scale)]}</svg>
<div class="axis" aria-hidden="true"><span>30 days ago</span><span>now</span></div>
${shown.length > 0 && html`<ol>${shown.map(({ at, text }) => html`<li><time datetime="${isoMoment(at)}">${moment(at)}</time> ${unbroken(text)}</li>`)}</ol>`}</figure>`;
}

/** From left to right one bar for each slice of time, green up to the lower bound, red from the upper one on. */
function bars(entries: readonly HistoryEntry[], scale: Scale, now: Seconds): Html[] {
  const places = [...newestOfBars(entries, now)].sort(([a], [b]) => a - b);
  return places.map(([bar, entry], index) => {
    // A finding stands until the next one, at most for a day: then nothing was measured.
    const until = Math.min(places[index + 1]?.[0] ?? BARS, bar + Math.ceil(BARS / 30));
    return drawBar((bar * WIDTH) / BARS, ((until - bar) * WIDTH) / BARS, entry, scale);
  });
}

/** The newest entry within each slice of the last 30 days that has one. */
function newestOfBars(entries: readonly HistoryEntry[], now: Seconds): Map<number, HistoryEntry> {
  const start = now - HISTORY_AGE;
  const newest = new Map<number, HistoryEntry>();
  for (const entry of entries) {
    const bar = Math.floor((BARS * (entry.at - start)) / HISTORY_AGE);
    if (bar >= 0 && bar < BARS) newest.set(bar, entry);
  }
  return newest;
}

function drawBar(x: number, width: number, { lower, upper }: HistoryEntry, scale: Scale): Html {
  const heightOf = (idle: Seconds): number => (HEIGHT * scale.position(idle)) / 100;
  const rect = (name: string, from: number, to: number): Html =>
    html`<rect class="${name}" x="${round(x)}" width="${round(width)}" y="${round(HEIGHT - to)}" height="${round(Math.max(0, to - from))}"/>`;
  return html`${[
    lower !== undefined && rect('survived', 0, heightOf(lower)),
    upper !== undefined && rect('died', heightOf(upper), HEIGHT),
  ]}`;
}

function limit(required: Seconds, scale: Scale): Html | undefined {
  if (required > scale.max) return undefined;
  const y = round(HEIGHT - (HEIGHT * scale.position(required)) / 100);
  return html`<line class="limit" x1="0" x2="${WIDTH}" y1="${y}" y2="${y}"/>`;
}

/** The moments at which the published value became another one. */
function changes(entries: readonly HistoryEntry[]): { at: Seconds; text: string }[] {
  const published = entries.filter(({ timeout }) => timeout !== undefined);
  return changesOf(published).flatMap(({ before, now }) =>
    before === undefined
      ? []
      : {
          at: now.at,
          text: `${humanDuration(before.timeout ?? 0)} became ${humanDuration(now.timeout ?? 0)}`,
        },
  );
}
