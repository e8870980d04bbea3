/** Durations as people say them. */
import type { Seconds } from '../units.js';

/** Units from the largest to the smallest; a duration is told in at most two neighbours of this list. */
const UNITS: readonly { readonly name: string; readonly seconds: number }[] = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
];

/**
 * A duration in words: `20 s`, `1 h 0 min`, `2 h 4 min`, `5 d 0 h`. Below ten seconds one decimal is kept where
 * there is one (`1.5 s`); longer ones are rounded to the smaller of the two units shown.
 *
 * @param duration seconds, ≥ 0 and finite
 * @throws RangeError when `duration` is negative or not finite
 */
export function humanDuration(duration: Seconds): string {
  if (!Number.isFinite(duration) || duration < 0) {
    throw new RangeError(`duration must be finite and not negative, got ${duration}`);
  }
  if (duration < 10) return `${Math.round(duration * 10) / 10} s`;
  for (let large = 0; large < UNITS.length - 1; large++) {
    const unit = UNITS[large];
    const next = UNITS[large + 1];
    if (unit === undefined || next === undefined) break;
    const rounded = Math.round(duration / next.seconds) * next.seconds;
    if (rounded < unit.seconds) continue;
    const whole = Math.floor(rounded / unit.seconds);
    return `${whole} ${unit.name} ${(rounded - whole * unit.seconds) / next.seconds} ${next.name}`;
  }
  return `${Math.round(duration)} s`;
}

/** A duration with its seconds, for readers who compare it with a setting: `1 h 0 min (3600 s)`, `20 s`. */
export function durationWithSeconds(duration: Seconds): string {
  const words = humanDuration(duration);
  return duration < 60 ? words : `${words} (${Math.round(duration)} s)`;
}
