/** How findings are said: pages, reports, logs and the terminal use these words and no others. */
import type { Finding, Mixture } from './finding.js';
import {
  betweenDurations,
  durationWithSeconds,
  exactDuration,
  humanDuration,
  plainSeconds,
} from './human-duration.js';
import { type Mode, requirementOf } from './modes.js';
import type { VerdictReason } from './verdict.js';
import type { Seconds } from '../units.js';

/** The part of a finding that tells where the timeout lies. */
export type Bracket = Pick<Finding, 'lower' | 'upper' | 'compliant' | 'mixture'>;

/** How a test ended. */
export const REASON_WORDS: Readonly<Record<VerdictReason, string>> = {
  answered: 'answered',
  silence: 'no answer',
  reset: 'answered with a RST',
  reset_idle: 'a RST arrived while idle',
  closed: 'closed by somebody',
  unreachable: 'the far end could not be reached',
  interrupted: 'the measurement itself was interrupted',
  control_failed:
    'a fresh connection did not work at that moment, or the far end did not answer what had reached it',
  canary_lost: 'the heartbeat connection did not live through the same time',
  late: 'the test was fired too late',
  disturbed: 'the heartbeat connection was not answered in the middle of the test',
  lifetime: 'it was as old as any connection gets on this path',
  other_instance: 'another far end answered than the one that welcomed the connection',
};

/** How a change of the timeout is told in the moment in which it is confirmed. */
export const CHANGE_WORDS = {
  drop: 'dies earlier than before',
  rise: 'survives longer than before; measuring anew',
} as const;

/** When connections are forgotten of which some died early, but the newest survived longer. */
export const UNSTABLE = 'early at times: unstable, the timeout dropped and rose within a day';

/** `send`, `send and recv`, `send, recv and keepalive`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** Steps to which a time that is left is rounded up: it shall not be another one at each look. From so many seconds on. */
const LEFT_STEPS = [
  [7200, 600],
  [600, 60],
  [60, 10],
  [0, 1],
] as const;

/** What is said while an accusation waits for its check; `left` seconds, rounded up. */
export function checkingWords(left: Seconds): string {
  const [, step] = LEFT_STEPS.find(([from]) => left >= from) ?? [0, 1];
  const time = humanDuration(Math.max(step, Math.ceil(left / step) * step));
  return `checking whether it depends on how many connections are open (about ${time} left)`;
}

/** What is said while modes contradict one another and nobody knows why yet. */
export function contradictionWords(isMixture: boolean): string {
  return isMixture
    ? 'only some of the modes tell a share of bad nodes: asking all of them anew'
    : 'TCP keepalives survive longer than data: asking both anew, to tell whether somebody in between answers them';
}

/** What the story tells of a check; `held` is the number of its connections. */
export const CHECK_WORDS = {
  begins: ({ upper, connections }: { upper: Seconds; connections: number }, held: number) =>
    `connections died after ${durationWithSeconds(upper)}; checking whether it depends on how many are open, with ${held} instead of ${connections}`,
  timeout: ({ connections }: { connections: number }, held: number) =>
    `with ${held} connections instead of ${connections} they die as well: it does not depend on how many are open`,
  quota: ({ connections }: { connections: number }, held: number) =>
    `with ${held} connections instead of ${connections} they survive: it depends on how many are open; measuring anew with few`,
  undecided: 'whether it depends on how many connections are open could not be checked; it is tried again',
} as const;

/** Steps of the times that people configure, roundest first, seconds. */
const ROUND_STEPS: readonly Seconds[] = [86_400, 3600, 1800, 600, 300, 60, 30, 10, 5, 1];

/**
 * The one value that stands for a mode's bracket in a sentence: the roundest time in it, on the same side of what is
 * required as the verdict; its middle where none is.
 */
export function spokenTimeout(
  mode: Mode,
  { lower, upper, compliant }: Bracket & { readonly lower: Seconds; readonly upper: Seconds },
): Seconds {
  const required = requirementOf(mode).idle;
  return roundestWithin(lower, upper, (at) => compliant !== at < required) ?? (lower + upper) / 2;
}

/** The roundest time above `lower`, at most `upper`, that fits, seconds; undefined where none does. */
export function roundestWithin(
  lower: Seconds,
  upper: Seconds,
  fits: (at: Seconds) => boolean = () => true,
): Seconds | undefined {
  for (const step of ROUND_STEPS) {
    const at = (Math.floor(lower / step) + 1) * step;
    if (at <= upper && fits(at)) return at;
  }
  return undefined;
}

/** Widest bracket of which one value is told: 2 % of it, at least one second. */
const NARROW_SHARE = 0.02;

/** A share in per cent, to a tenth where that matters: `3.6`, `12`. */
function percent(share: number): string {
  return (100 * share).toFixed(share < 0.0995 ? 1 : 0);
}

/** A bracket to the whole second, outwards: `295-305 s`. */
function rangeWords(lower: Seconds = 0, upper: Seconds): string {
  return `${Math.floor(lower)}-${Math.ceil(upper)} s`;
}

/** A minority: `5.0 % (3.6-7.7 %) of the connections are forgotten after 295-305 s, the others survived 7436 s`. */
export function mixtureWords(
  { lower, upper }: Bracket & { readonly upper: Seconds },
  mixture: Mixture,
): string {
  const { share, shareLower, shareUpper, survived } = mixture;
  const range = `${percent(share)} % (${percent(shareLower)}-${percent(shareUpper)} %)`;
  return `${range} of the connections are forgotten after ${rangeWords(lower, upper)}, the others survived ${Math.floor(survived)} s`;
}

/** When every connection ends: `300 s after its start`, `1 h 0 min (3600 s) after its start`. @param age seconds */
export function sinceStart(age: Seconds): string {
  return `${age < 120 ? humanDuration(age) : durationWithSeconds(age)} after its start`;
}

/** When idle connections are forgotten: `after 20 s`, `between 54 s and 1 min (60 s)`, `within 15 s`. */
export function whenForgotten(mode: Mode, bracket: Bracket & { readonly upper: Seconds }): string {
  const { lower = 0, upper, mixture } = bracket;
  if (mixture !== undefined) return `in some cases: ${mixtureWords(bracket, mixture)}`;
  if (lower === 0) return `within ${durationWithSeconds(upper)}`;
  return upper - lower <= Math.max(1, NARROW_SHARE * upper)
    ? `after ${durationWithSeconds(spokenTimeout(mode, { ...bracket, lower }))}`
    : betweenDurations(lower, upper);
}

/**
 * What was seen of a mode: `survived 3594.1 s, died at 3600.4 s (3 times)`; of a minority
 * `5.0 % died at 295-305 s, others survived 7436 s`.
 */
export function whatWasSeen({ lower, upper, mixture }: Bracket, deaths = 0): string {
  if (upper !== undefined && mixture !== undefined)
    return `${percent(mixture.share)} % died at ${rangeWords(lower, upper)}, others survived ${Math.floor(mixture.survived)} s`;
  if (upper === undefined) {
    return lower === undefined ? 'nothing tested yet' : `survived ${humanDuration(lower)}, nothing died`;
  }
  const died = `died at ${plainSeconds(upper)}${deaths > 1 ? ` (${deaths} times)` : ''}`;
  return lower === undefined ? `${died}, nothing survived` : `survived ${plainSeconds(lower)}, ${died}`;
}

/** A found timeout: `at least 2 h 9 min (7795 s)`, `5 min (300 s) for 5.0 % of the connections`, `not known`. */
export function timeoutWords(mode: Mode, found: Bracket & Pick<Finding, 'timeout'>): string {
  const { timeout, lower, upper, mixture } = found;
  if (timeout === undefined) return 'not known';
  if (upper === undefined) return `at least ${durationWithSeconds(timeout)}`;
  const spoken = lower === undefined ? timeout : spokenTimeout(mode, { ...found, lower, upper });
  const whose = mixture === undefined ? '' : ` for ${percent(mixture.share)} % of the connections`;
  return durationWithSeconds(spoken) + whose;
}

/** Both ends of a bracket to the second: `between 59 min 55 s and 1 h 0 min 1 s`. */
export function betweenWords(lower: Seconds, upper: Seconds): string {
  return `between ${exactDuration(lower)} and ${exactDuration(upper)}`;
}
