/** Findings as plain sentences: what the page says, and how durations and moments read. */
import type { PathVerdict } from '../../core/diagnosis/path-verdict.js';
import { requirementOf } from '../../core/modes.js';
import { exactDuration, humanDuration } from '../../core/human-duration.js';
import { betweenWords, mixtureWords, spokenTimeout, UNSTABLE } from '../../core/words.js';
import type { ModeSnapshot, TargetSnapshot } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';

/** How a target or a mode stands: the colour and the sign that it gets. */
export type Standing = 'compliant' | 'violating' | 'measuring' | 'down';

export interface TargetVerdict {
  readonly standing: Standing;
  /** One plain sentence. */
  readonly sentence: string;
}

const STANDING_OF: Readonly<Record<PathVerdict['result'], Standing>> = {
  compliant: 'compliant',
  not_compliant: 'violating',
  unknown: 'measuring',
};

export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  compliant: 'remembers long enough',
  violating: 'forgets too early',
  measuring: 'measuring',
  down: 'no answer',
};

/** The same for a number of targets: `3 forget too early`. */
export function countInWords(standing: Standing, count: number): string {
  const verb = count === 1 ? STANDING_WORDS[standing] : STANDING_WORDS[standing].replace(/^(\w+)s /, '$1 ');
  return `${count} ${verb}`;
}

/** `2026-03-01 12:00:00 UTC` */
export function moment(at: Seconds): string {
  return `${isoMoment(at).slice(0, 19).replace('T', ' ')} UTC`;
}

/** `2026-03-01T12:00:00.000Z` */
export function isoMoment(at: Seconds): string {
  return new Date(at * 1000).toISOString();
}

export function modeStanding({ finding }: ModeSnapshot): Standing {
  if (finding.compliant === undefined) return 'measuring';
  return finding.compliant ? 'compliant' : 'violating';
}

/** What is known of one mode, as the rest of a sentence that begins with the mode's name. */
export function modeSentence(
  { mode, finding }: ModeSnapshot,
  { config, up, verdict }: TargetSnapshot,
): string {
  if (verdict.leftOut.includes(mode))
    return verdict.conditions.includes('keepalives_answered_between')
      ? 'TCP keepalives are answered where data dies: somebody in between answers, and the verdict leaves them out'
      : 'TCP keepalives get no answer although data does: something drops them, and the verdict leaves them out';
  const { search } = config;
  const { lower, upper, timeout, compliant, closed } = finding;
  if (upper !== undefined && finding.mixture !== undefined)
    return mixtureWords({ ...finding, upper }, finding.mixture);
  if (upper !== undefined) {
    const known = timeout === undefined || lower === undefined ? '' : ` (${betweenWords(lower, upper)})`;
    const proof =
      compliant === undefined
        ? closed === true && timeout !== undefined
          ? ", which is no NAT's forgetting"
          : timeout === undefined
            ? '; still narrowing'
            : `; nothing is proven about ${requirementOf(mode).standard} yet`
        : '';
    return `${forgets(mode, finding)}${known}${proof}`;
  }
  if (lower === undefined) {
    if (up === false) return 'nothing is known: the far end does not answer';
    return `no answer yet; the first is due after ${humanDuration(search.min_idle)} of silence`;
  }
  if (compliant === false) return `survived ${humanDuration(lower)}, but forgets ${UNSTABLE}`;
  if (compliant === true) return `remembers for at least ${humanDuration(lower)}`;
  const isLongest = lower >= search.max_idle - search.guard;
  return isLongest
    ? `survived ${humanDuration(lower)}, the longest idle time that is tested here`
    : `survived ${humanDuration(lower)} so far, nothing died`;
}

function forgets(mode: ModeSnapshot['mode'], finding: ModeSnapshot['finding']): string {
  const { lower, upper, timeout } = finding;
  if (upper === undefined) return `survived ${humanDuration(lower ?? 0)}`;
  const ends = finding.closed === true ? 'is closed by somebody' : 'forgets';
  if (lower === undefined) return `${ends} within ${exactDuration(upper)}`;
  if (timeout !== undefined)
    return `${ends} after ${humanDuration(spokenTimeout(mode, { ...finding, lower, upper }))}`;
  if (lower > upper) return `survived ${exactDuration(lower)}, but also died after ${exactDuration(upper)}`;
  return `${ends} ${betweenWords(lower, upper)}`;
}

/** How a target stands: the verdict on its path, or that nothing is known because the far end does not answer. */
export function targetVerdict({ verdict, up, downReason }: TargetSnapshot): TargetVerdict {
  const standing = STANDING_OF[verdict.result];
  if (standing !== 'measuring' || up !== false) return { standing, sentence: verdict.sentence };
  const reason = downReason === undefined ? '' : `: ${downReason}`;
  return { standing: 'down', sentence: `The far end does not answer${reason}.` };
}

/** `4 min ago`, or `just now`. */
export function ago(seconds: Seconds): string {
  return seconds < 5 ? 'just now' : `${humanDuration(Math.floor(seconds))} ago`;
}

/** The same words, but no line breaks inside of a duration. */
export function unbroken(sentence: string): string {
  const space = '\u00a0';
  return sentence
    .replace(/(\d) (?=(d|h|min|s)\b)/g, `$1${space}`)
    .replace(/\b(d|h|min) (?=\d)/g, `$1${space}`);
}
