/** The live view of a measurement: for each mode a bar, what is known, and the time left. */
import { isDecided } from '../core/diagnosis/decided.js';
import { humanDuration } from '../core/human-duration.js';
import { requirementOf } from '../core/modes.js';
import { contradictionWords, whatWasSeen } from '../core/words.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { visible } from '../visible.js';
import { timeLeft } from './estimate.js';
import { idleAxis, idleBar, idleLegend } from './idle-scale.js';
import { type Paint, PLAIN } from './paint.js';
import { wrapped } from './wrap.js';

/** What a localisation is at. */
const STAGE_WORDS = {
  distances: 'counting the routers',
  rows: 'keeping connections fresh up to each of them',
  confirmation: 'making sure',
  profile: 'measuring each of them',
} as const;

/** Columns of the mode's name with its gap. */
const NAME = 11;
/** Columns of a bar's frame. */
const FRAME = 2;
/** Columns from which on bar and words stand side by side. */
const WIDE = 110;
/** Columns that the words have then. */
const WORDS = 76;
const LONGEST_BAR = 60;
const SHORTEST_BAR = 8;

/**
 * The lines of the live view, each at most `width` columns: what is measured and for how long, then per mode a bar with
 * the bracket as it narrows and the time left, side by side on a wide terminal and below each other on a narrow one; at
 * last the check that an accusation waits for, or that modes contradict one another.
 *
 * @param elapsed seconds since the measurement started
 * @param width columns, at least 1
 */
export function renderProgress(
  snapshot: TargetSnapshot,
  elapsed: Seconds,
  width: number,
  paint: Paint = PLAIN,
): string[] {
  const { modes, verdict, config } = snapshot;
  const isWide = width >= WIDE;
  const cells = Math.min(LONGEST_BAR, width - NAME - FRAME - (isWide ? WORDS : 0));
  const longest = config.search.max_idle;
  const lines = wrapped(visible(headline(snapshot, elapsed)), width);
  for (const mode of modes) {
    const parts = wordsOf(mode, snapshot, elapsed);
    const name = mode.mode.padEnd(NAME);
    if (cells < SHORTEST_BAR) {
      lines.push(...wrapped(parts.join(''), width, name));
      continue;
    }
    const bar = `${name}[${idleBar(mode, longest, cells, paint)}]`;
    const room = isWide ? WORDS - 1 : width - NAME;
    const words = wrapped(fitting(parts, room), room);
    if (isWide && words.length === 1) lines.push(`${bar} ${words[0] ?? ''}`);
    else lines.push(bar, ...words.map((line) => ' '.repeat(NAME) + line));
  }
  if (cells >= SHORTEST_BAR && modes.length > 0) {
    const axis = `${' '.repeat(NAME + 1)}${idleAxis(longest, cells).padEnd(cells)}`;
    const legend = idleLegend(modes);
    if (isWide) lines.push(paint.faint(`${axis}  ${legend}`));
    else
      lines.push(
        ...[axis.trimEnd(), `${' '.repeat(NAME + 1)}${legend}`]
          .filter((line) => line.length <= width)
          .map(paint.faint),
      );
  }
  if (verdict.check !== undefined) lines.push(...wrapped(visible(verdict.check.words), width));
  for (const { mode, running } of snapshot.locating?.modes ?? []) {
    if (running === undefined) continue;
    const left = humanDuration(Math.ceil(running.left));
    const what = `looking for the box that forgets in ${mode}: ${STAGE_WORDS[running.stage]}, ${left} left`;
    lines.push(...wrapped(what, width));
  }
  if (verdict.contradicting.length > 0)
    lines.push(...wrapped(contradictionWords(verdict.conditions.includes('mixture')), width));
  return lines;
}

function headline(snapshot: TargetSnapshot, elapsed: Seconds): string {
  const { config, up, downReason } = snapshot;
  const so = `measuring ${config.name} for ${humanDuration(Math.floor(elapsed))}`;
  if (up === undefined) return `${so}: connecting`;
  if (!up) return `${so}: the far end does not answer${downReason === undefined ? '' : ` (${downReason})`}`;
  return so;
}

/** The parts of a mode's sentence, the least important last. */
function wordsOf(mode: ModeSnapshot, snapshot: TargetSnapshot, elapsed: Seconds): readonly string[] {
  const { min_idle: minIdle, max_idle: maxIdle, guard } = snapshot.config.search;
  const { finding } = mode;
  const question = { minIdle, maxIdle, guard, required: requirementOf(mode.mode).idle };
  const decided = !snapshot.verdict.contradicting.includes(mode.mode) && isDecided(finding, question);
  const seen = whatWasSeen(finding, finding.deaths);
  return decided ? [seen, '; done'] : [seen, ...remaining(timeLeft(mode, snapshot, elapsed), mode)];
}

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

/** As many of the first parts as `room` columns hold, the first one in any case. */
function fitting(parts: readonly string[], room: number): string {
  let line = '';
  for (const part of parts) {
    if (line !== '' && line.length + part.length > room) break;
    line += part;
  }
  return line;
}
