/** Findings as plain sentences: what the page says, and how durations and moments read. */
import type { Mode } from '../../core/mode.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../../core/rfc5382.js';
import type { ModeSnapshot, TargetSnapshot } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';

/** How a target or a mode stands: the colour and the sign that it gets. */
export type Standing = 'compliant' | 'violating' | 'measuring' | 'down';

export interface TargetVerdict {
  readonly standing: Standing;
  /** One plain sentence. */
  readonly sentence: string;
}

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

/** Who breaks the silence, for readers who do not know the modes. */
export const MODE_WORDS: Readonly<Record<Mode, string>> = {
  send: 'this host breaks the silence',
  recv: 'the far end breaks the silence',
  keepalive: 'the kernel sends TCP keepalives',
};

const WANTED = `RFC 5382 wants ${duration(REQ5_ESTABLISHED_IDLE_TIMEOUT)}`;

/**
 * A duration in words, to a tenth below a minute, else rounded down to what matters at its size: `9.5 s`,
 * `5 min 1 s`, `2 h 4 min`, `5 d 0 h`. Rounding down keeps 7439 s from reading like the 2 h 4 min that it misses.
 */
export function duration(seconds: Seconds): string {
  const s = Math.max(0, seconds);
  if (s < 60) return `${trim(s)} s`;
  const whole = Math.floor(s);
  if (whole < 3600) return join(whole, 60, 'min', 1, 's', false);
  if (whole < 172800) return join(whole, 3600, 'h', 60, 'min', true);
  return join(whole, 86400, 'd', 3600, 'h', true);
}

/** A duration to the second, and to the tenth below a minute: `1 h 0 min 1 s`. */
export function exactDuration(seconds: Seconds): string {
  const s = Math.max(0, seconds);
  if (s < 60) return `${trim(s)} s`;
  const whole = Math.floor(s);
  const rest = whole % 60;
  if (whole < 3600) return duration(whole);
  const head = join(whole - (whole % 60), 3600, 'h', 60, 'min', true);
  return rest === 0 ? head : `${head} ${rest} s`;
}

function trim(seconds: number): string {
  return String(Math.round(seconds * 10) / 10);
}

function join(
  whole: number,
  big: number,
  bigName: string,
  small: number,
  smallName: string,
  always: boolean,
): string {
  const rest = Math.floor((whole % big) / small);
  const head = `${Math.floor(whole / big)} ${bigName}`;
  return rest === 0 && !always ? head : `${head} ${rest} ${smallName}`;
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
export function modeSentence({ finding }: ModeSnapshot, { config, up }: TargetSnapshot): string {
  const { search } = config;
  const { lower, upper, timeout, compliant } = finding;
  if (upper !== undefined) {
    const known = timeout === undefined || lower === undefined ? '' : ` (${between(lower, upper)})`;
    const proof =
      compliant === undefined
        ? timeout === undefined
          ? '; still narrowing'
          : '; nothing is proven about RFC 5382 yet'
        : '';
    return `${forgets(finding)}${known}${proof}`;
  }
  if (lower === undefined) {
    if (up === false) return 'nothing is known: the far end does not answer';
    return `no answer yet; the first is due after ${duration(search.min_idle)} of silence`;
  }
  if (compliant === true) return `remembers for at least ${duration(lower)}`;
  const isLongest = lower >= search.max_idle - search.guard;
  return isLongest
    ? `survived ${duration(lower)}, the longest idle time that is tested here`
    : `survived ${duration(lower)} so far, nothing died`;
}

function between(lower: Seconds, upper: Seconds): string {
  return `between ${exactDuration(lower)} and ${exactDuration(upper)}`;
}

function forgets(finding: ModeSnapshot['finding']): string {
  const { lower, upper, timeout } = finding;
  if (timeout !== undefined) return `forgets after ${duration(spoken(finding, timeout))}`;
  if (upper === undefined) return `survived ${duration(lower ?? 0)}`;
  if (lower === undefined) return `forgets within ${exactDuration(upper)}`;
  if (lower > upper) return `survived ${exactDuration(lower)}, but also died after ${exactDuration(upper)}`;
  return `forgets ${between(lower, upper)}`;
}

/** Steps of the times that people configure, roundest first, seconds. */
const ROUND_STEPS: readonly Seconds[] = [86400, 3600, 1800, 600, 300, 60, 30, 10, 5, 1];

/** The roundest time of the bracket stands for it in a sentence, on the same side of RFC 5382 as the verdict. */
function spoken({ lower, upper, compliant }: ModeSnapshot['finding'], timeout: Seconds): Seconds {
  if (lower === undefined || upper === undefined || !(lower < upper)) return timeout;
  const fits = (at: Seconds): boolean =>
    at > lower && at <= upper && compliant !== at < REQ5_ESTABLISHED_IDLE_TIMEOUT;
  for (const step of ROUND_STEPS) {
    const at = (Math.floor(lower / step) + 1) * step;
    if (fits(at)) return at;
  }
  return timeout;
}

/** The verdict over all modes of a target: the shortest memory decides. */
export function targetVerdict(target: TargetSnapshot): TargetVerdict {
  const { modes } = target;
  const violating = modes.filter((mode) => mode.finding.compliant === false);
  const compliant = modes.filter((mode) => mode.finding.compliant === true);
  const unknown = modes.filter((mode) => mode.finding.compliant === undefined);
  if (violating.length > 0) return { standing: 'violating', sentence: violatingSentence(target, violating) };
  if (target.up === false && compliant.length === 0) {
    const reason = target.downReason === undefined ? '' : `: ${target.downReason}`;
    return { standing: 'down', sentence: `The far end does not answer${reason}` };
  }
  if (compliant.length > 0) {
    const least = Math.min(...compliant.map((mode) => mode.finding.lower ?? REQ5_ESTABLISHED_IDLE_TIMEOUT));
    const sentence = `Remembers idle connections for at least ${duration(least)}; ${WANTED}`;
    // Something that eats keepalives leaves that mode without a verdict for ever: it must not hide the others.
    return unknown.length === 0
      ? { standing: 'compliant', sentence }
      : { standing: 'measuring', sentence: `${sentence}. Not known yet: ${names(unknown)}` };
  }
  return { standing: 'measuring', sentence: measuringSentence(target) };
}

function violatingSentence(target: TargetSnapshot, violating: readonly ModeSnapshot[]): string {
  const shortness = ({ finding }: ModeSnapshot): number => finding.timeout ?? finding.upper ?? Infinity;
  const least = violating.reduce((a, b) => (shortness(b) < shortness(a) ? b : a));
  const near = violating.filter(
    (mode) => shortness(mode) - shortness(least) <= target.config.search.resolution,
  );
  const where = near.length === target.modes.length ? '' : ` (${names(near)})`;
  const sentence = forgets(least.finding).replace(/^forgets/, 'Forgets an idle connection');
  return `${capital(sentence)}${where}; ${WANTED}`;
}

function measuringSentence(target: TargetSnapshot): string {
  const { modes, config } = target;
  const died = modes.filter((mode) => mode.finding.upper !== undefined);
  const first = died.reduce<ModeSnapshot | undefined>(
    (a, b) => (a === undefined || (b.finding.upper ?? Infinity) < (a.finding.upper ?? Infinity) ? b : a),
    undefined,
  );
  if (first !== undefined) return capital(`${first.mode} ${modeSentence(first, target)}`);
  const lowers = modes.map((mode) => mode.finding.lower);
  const least = lowers.includes(undefined) ? undefined : Math.min(...lowers.map((lower) => lower ?? 0));
  if (least === undefined || modes.length === 0) return 'Measuring; no answer yet';
  return least >= config.search.max_idle - config.search.guard
    ? `Idle connections survived ${duration(least)}, the longest idle time that is tested here`
    : `Measuring: idle connections survived ${duration(least)} so far`;
}

function names(modes: readonly ModeSnapshot[]): string {
  return modes.map((mode) => mode.mode).join(', ');
}

function capital(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

/** `4 min ago`, or `just now`. */
export function ago(seconds: Seconds): string {
  return seconds < 5 ? 'just now' : `${duration(Math.floor(seconds))} ago`;
}

/** The same words, but no line breaks inside of a duration. */
export function unbroken(sentence: string): string {
  const space = '\u00a0';
  return sentence
    .replace(/(\d) (?=(d|h|min|s)\b)/g, `$1${space}`)
    .replace(/\b(d|h|min) (?=\d)/g, `$1${space}`);
}
