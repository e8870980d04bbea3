/** The live view of a measurement: one line per mode. */
import { isDecided } from '../core/diagnosis/decided.js';
import { humanDuration } from '../core/human-duration.js';
import { requirementOf } from '../core/modes.js';
import { whatWasSeen } from '../core/words.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { visible } from '../visible.js';
import { timeLeft } from './estimate.js';

const LONGEST_BAR = 24;
const SHORTEST_BAR = 8;
/** Columns of the mode's name with its gap. */
const NAME = 11;
/** Columns that the words want before the bar may grow. */
const WORDS = 78;

/**
 * The lines of the live view, each at most `width` columns: what is measured and for how long, then per mode a bar,
 * the bracket as it narrows, and the time left.
 *
 * @param elapsed seconds since the measurement started
 * @param width columns, at least 1
 */
export function renderProgress(snapshot: TargetSnapshot, elapsed: Seconds, width: number): string[] {
  const bar = Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, width - NAME - WORDS));
  const lines = [
    headline(snapshot, elapsed),
    ...snapshot.modes.map((mode) => modeLine(mode, snapshot, elapsed, bar, width)),
  ];
  return lines.map((line) => fit(visible(line), width));
}

function headline(snapshot: TargetSnapshot, elapsed: Seconds): string {
  const { config, up, downReason } = snapshot;
  const so = `measuring ${config.name} for ${humanDuration(Math.floor(elapsed))}`;
  if (up === undefined) return `${so}: connecting`;
  if (!up) return `${so}: the far end does not answer${downReason === undefined ? '' : ` (${downReason})`}`;
  return so;
}

function modeLine(
  mode: ModeSnapshot,
  snapshot: TargetSnapshot,
  elapsed: Seconds,
  bar: number,
  width: number,
): string {
  const { min_idle: minIdle, max_idle: maxIdle, guard } = snapshot.config.search;
  const decided = isDecided(mode.finding, {
    minIdle,
    maxIdle,
    guard,
    required: requirementOf(mode.mode).idle,
  });
  const left = timeLeft(mode, snapshot, elapsed);
  const share = decided ? 1 : left === undefined ? 0 : elapsed / Math.max(elapsed + left.seconds, 1);
  const filled = Math.min(decided ? bar : bar - 1, Math.floor(share * bar));
  const drawn = `[${'#'.repeat(filled)}${'.'.repeat(bar - filled)}]`;
  const words = [
    whatWasSeen(mode.finding, mode.finding.deaths),
    ...(decided ? ['; done'] : remaining(left, mode)),
  ];
  let line = `${mode.mode.padEnd(NAME)}${drawn} `;
  for (const part of words) {
    if (line.length + part.length > width) break;
    line += part;
  }
  return line;
}

/** Parts of the sentence about the time left, the least important last: what does not fit is left out. */
function remaining(left: ReturnType<typeof timeLeft>, { waiting, finding }: ModeSnapshot): string[] {
  if (left === undefined) return [];
  // Rounded up to what is shown: a promise of at most so long must not be too short.
  const step = left.seconds < 3600 ? 1 : 60;
  const time = humanDuration(Math.ceil(left.seconds / step) * step);
  if (left.kind === 'guess') return [`; about ${time} left`];
  const idle = waiting.filter(({ state }) => state === 'idle').length;
  return [
    `; at most ${time} left`,
    ...(finding.deaths === 0 ? [', less if one dies'] : []),
    ...(idle > 0 ? [`; ${idle} wait`] : []),
  ];
}

/** Cuts a line to the terminal's width, so that it never wraps and the view can be redrawn in place. */
function fit(line: string, width: number): string {
  return line.slice(0, Math.max(0, width));
}
