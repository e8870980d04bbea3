/** The horizontal scale of the strips: 0 at the left, max_idle at the right, short times spread out. */
import { type Position, ROUND_TIMES, spaced } from '../../paper/drawing.js';
import type { Seconds } from '../../units.js';

export interface Scale {
  readonly max: Seconds;
  /** Below this the scale is nearly linear, above nearly logarithmic; seconds. */
  readonly knee: Seconds;
  /** Position of an idle time, percent of the width, 0 … 100. */
  readonly position: Position;
}

export interface Tick {
  readonly at: Seconds;
  /** Whether a narrow screen has room for its label. */
  readonly major: boolean;
}

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
  const chosen = spaced(ROUND_TIMES, scale.position, [0, 100], WIDE_GAP);
  const major = spaced(chosen, scale.position, [0, 100], NARROW_GAP);
  return [
    { at: 0, major: true },
    ...chosen.map((at) => ({ at, major: major.includes(at) })),
    { at: scale.max, major: true },
  ];
}
