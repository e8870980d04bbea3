/** How soon a new, shorter timeout is known after a drop: what the connections of before are worth then. */
import { expect, test } from 'vitest';
import { quantile, shippedSearch } from '../../../bench/search/model.js';
import { newTimeoutKnown } from '../../../bench/search/steady.js';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

/**
 * After a deep drop nearly every connection is far older than the new bracket. Were they kept until somebody asked them,
 * none of the young ones that the bisection needs could be opened: 100 minutes instead of 81 (median of 20 runs, new
 * mappings only), and at worst 38 instead of 19 (existing ones, too).
 */
test('connections that are too old for the new bracket give way to young ones', { timeout: 180_000 }, () => {
  const minutes = (applies: 'existing' | 'refreshed'): number[] =>
    SEEDS.map((seed) => newTimeoutKnown(shippedSearch(24), { from: 7440, to: 300, applies }, seed));
  expect(quantile(minutes('refreshed'), 0.5)).toBeLessThan(90);
  expect(Math.max(...minutes('existing'))).toBeLessThan(28);
});
