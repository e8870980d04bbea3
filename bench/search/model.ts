/** The fixed model of the benchmark: the same for the product's search and for its rivals. */
import type { SearchOptions } from '../../src/core/search/contract.js';
import type { Random } from '../../test/support/prng.js';

/** Options of the shipped configuration, with this budget. */
export function shippedSearch(connections: number): SearchOptions {
  return {
    minIdle: 15,
    maxIdle: 7800,
    resolution: 10,
    connections,
    deadline: 8,
    guard: 5,
    required: 7440,
    timing: 'late',
  };
}

/** Seconds between rounds of the shipped schedule, every five minutes. */
export const SHIPPED_ROUNDS = 300;
/** Packets of one connection: opening, exchange before idling, test, close. A model, not a capture. */
export const PACKETS_PER_CONNECTION = 10;

/** Popular values of the mixture, equally likely, 90 % together. */
const POPULAR = [300, 350, 600, 900, 1200, 1800, 3600, 7200, 7440, 86_400];

/** A timeout of the mixture: 90 % popular values, 10 % log-uniform from 20 s to 7800 s. */
export function mixtureTimeout(random: Random): number {
  if (random() < 0.1) return 20 * (7800 / 20) ** random();
  return POPULAR[Math.floor(random() * POPULAR.length)] ?? 7440;
}

/** Timeouts evenly spaced on a logarithmic scale, each moved at random within its cell. */
export function logGrid(from: number, to: number, count: number, random: Random): number[] {
  return Array.from({ length: count }, (_, cell) => from * (to / from) ** ((cell + random()) / count));
}

/** The value below which this share of the values lies; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
