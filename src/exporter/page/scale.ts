/** The horizontal scale of the strips: 0 at the left, max_idle at the right, short times spread out. */
import type { Seconds } from '../../units.js';

export interface Scale {
  readonly max: Seconds;
  /** Below this the scale is nearly linear, above nearly logarithmic; seconds. */
  readonly knee: Seconds;
  /** Position of an idle time, percent of the width, 0 … 100. */
  position(idle: Seconds): number;
}

export interface Tick {
  readonly at: Seconds;
  /** Whether a narrow screen has room for its label. */
  readonly major: boolean;
}

const ROUND_TIMES = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400, 172800];
/** Least distance of two labels, percent of the width, on a wide and on a narrow screen. */
const WIDE_GAP = 6.5;
const NARROW_GAP = 17;

export function makeScale(max: Seconds): Scale {
  const knee = Math.min(60, max / 10);
  const whole = Math.log1p(max / knee);
  return {
    max,
    knee,
    position: (idle) => (100 * Math.log1p(Math.min(Math.max(idle, 0), max) / knee)) / whole,
  };
}

/** Round times that fit on the scale without their labels touching; 0 and `max` are always there. */
export function ticks(scale: Scale): Tick[] {
  const chosen: Tick[] = [];
  let wide = 0;
  let narrow = 0;
  for (const at of ROUND_TIMES) {
    const x = scale.position(at);
    if (at >= scale.max || x - wide < WIDE_GAP || 100 - x < WIDE_GAP) continue;
    const major = x - narrow >= NARROW_GAP && 100 - x >= NARROW_GAP;
    if (major) narrow = x;
    wide = x;
    chosen.push({ at, major });
  }
  return [{ at: 0, major: true }, ...chosen, { at: scale.max, major: true }];
}
