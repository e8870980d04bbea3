/** The answer checked with a quarter of the connections: how soon it comes, and how often it is wrong. */
import { randomFrom } from '../../test/support/prng.js';
import { crowdedRun, type CrowdedRun } from './crowded-path.js';
import { SHIPPED_ROUNDS, shippedSearch } from './model.js';
import { DAY } from './steady.js';

/** Modes that share a path, each with the shipped budget. */
const SEARCHES = 3;
const CONNECTIONS = 24;
/** Connections that a box with a quota keeps: fewer than are open, and as many as the check holds at least. */
const QUOTAS = [20, 30, 40, 50, 60, 70];

function run(quota: number, timeout: number, eviction: number, seed: number): CrowdedRun {
  return crowdedRun({
    search: shippedSearch(CONNECTIONS),
    searches: SEARCHES,
    quota,
    timeout,
    eviction,
    until: 100_000,
    random: randomFrom(seed),
  });
}

/** Plain NATs with these timeouts, and what came of their accusation. */
export function plainNats(timeouts: readonly number[], eviction = 0): readonly CrowdedRun[] {
  return timeouts.map((timeout, seed) => run(Number.POSITIVE_INFINITY, timeout, eviction, seed));
}

/** Boxes with a quota and no timeout. */
export function quotaBoxes(count: number, eviction = 0): readonly CrowdedRun[] {
  return Array.from({ length: count }, (_, seed) =>
    run(QUOTAS[seed % QUOTAS.length] ?? 0, Number.POSITIVE_INFINITY, eviction, 1000 + seed),
  );
}

/**
 * Pools of which this share forgets after 300, 900 or 3600 s, the others never, with 0.5 % evictions: four days as the
 * engine has them, the modes telling one another.
 * @param connections of each of the three modes
 */
export function pools(badShare: number, count: number, connections: number): readonly CrowdedRun[] {
  return Array.from({ length: count }, (_, seed) =>
    crowdedRun({
      search: shippedSearch(connections),
      searches: SEARCHES,
      quota: Number.POSITIVE_INFINITY,
      timeout: [300, 900, 3600][seed % 3] ?? 300,
      badShare,
      eviction: 0.005,
      rounds: SHIPPED_ROUNDS,
      until: 4 * DAY,
      random: randomFrom(2000 + seed),
    }),
  );
}

/** Those of which something else was found than they are, of those that were accused, %. */
export function wronglyChecked(runs: readonly CrowdedRun[], right: 'quota' | 'timeout'): number {
  const accused = runs.filter(({ accusedAt }) => accusedAt !== undefined);
  return (100 * accused.filter(({ check }) => check?.outcome !== right).length) / accused.length;
}
