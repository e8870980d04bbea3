/** Durations as PromQL and rule files write them. */
import type { Seconds } from '../units.js';

const UNITS: readonly (readonly [string, Seconds])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
];

/** A duration in the largest unit that divides it: `7d`, `3h`, `90s`. Whole seconds, > 0 where a window is meant. */
export function promDuration(duration: Seconds): string {
  for (const [unit, size] of UNITS) {
    if (duration > 0 && duration % size === 0) return `${duration / size}${unit}`;
  }
  return `${duration}s`;
}
