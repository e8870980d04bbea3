/** Durations as people say them: the only place that writes them for readers. */
import type { Seconds } from '../units.js';

/** Idle times are known to some milliseconds: what is so near to the next step has reached it. */
const CLOCK_NOISE: Seconds = 0.001;

/**
 * A duration in words, to the tenth below a minute and then in its two largest units: `9.5 s`, `5 min`, `5 min 1 s`,
 * `2 h 4 min`, `5 d 0 h`. Always rounded down: 7439 s must not read like the 2 h 4 min that it misses.
 *
 * @param duration seconds; what is below 0 counts as 0
 */
export function humanDuration(duration: Seconds): string {
  if (!Number.isFinite(duration)) return duration > 0 ? '∞' : 'unknown';
  const seconds = Math.max(0, duration) + CLOCK_NOISE;
  if (seconds < 60) return `${Math.floor(seconds * 10) / 10} s`;
  if (seconds < 3600) {
    const rest = Math.floor(seconds % 60);
    return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
  }
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** A duration with the seconds that its words leave out: `1 h 0 min 1 s`. */
export function exactDuration(duration: Seconds): string {
  const whole = Math.floor(duration + CLOCK_NOISE);
  const rest = whole % 60;
  const unsaid = whole < 86_400 ? rest : whole % 3600;
  if (!Number.isFinite(duration) || whole < 3600 || unsaid === 0) return humanDuration(duration);
  const minutes = whole < 86_400 ? '' : ` ${Math.floor((whole % 3600) / 60)} min`;
  return `${humanDuration(whole)}${minutes} ${rest} s`;
}

/** A duration with its whole seconds, for readers who compare it with a setting: `1 h 0 min (3600 s)`, `20 s`. */
export function durationWithSeconds(duration: Seconds): string {
  const words = humanDuration(duration);
  return duration < 60 || !Number.isFinite(duration)
    ? words
    : `${words} (${Math.floor(duration + CLOCK_NOISE)} s)`;
}

/**
 * The ends of a bracket: `between 54 s and 1 min (60 s)`. Where their words would be the same they are told apart to the
 * second: `between 1 h 0 min 5 s and 1 h 0 min 50 s`.
 */
export function betweenDurations(lower: Seconds, upper: Seconds): string {
  return humanDuration(lower) === humanDuration(upper)
    ? `between ${exactDuration(lower)} and ${exactDuration(upper)}`
    : `between ${humanDuration(lower)} and ${durationWithSeconds(upper)}`;
}

/** From here on seconds are easier to grasp in words, too, seconds. */
const IN_WORDS_FROM: Seconds = 120;

/**
 * Seconds to the tenth, and the same in words where those tell more: `60 s`, `3600.4 s, which is 1 h 0 min`. The one
 * place that says a duration both ways in a sentence.
 */
export function secondsInWords(duration: Seconds): string {
  const tenths = Math.round(duration * 10) / 10;
  return tenths < IN_WORDS_FROM
    ? plainSeconds(tenths)
    : `${plainSeconds(tenths)}, which is ${humanDuration(tenths)}`;
}

/** Seconds to the tenth: the two ends of a narrow bracket must not read the same. `3594.1 s` */
export function plainSeconds(duration: Seconds): string {
  return `${Math.round(duration * 10) / 10} s`;
}
