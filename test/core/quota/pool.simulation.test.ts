/** A pool of which few nodes forget early is no quota, although the few connections of a check may all miss them. */
import { expect, test } from 'vitest';
import { pools } from '../../../bench/search/quota.js';

/**
 * With one check of 9 connections, whatever is known of the share, 15 of 100 such pools were called a quota. With 24
 * connections in each mode, a quarter of which is 18, it was 1.
 */
test('a pool of 20 % is checked and called no quota, with 12 connections in each mode', {
  timeout: 180_000,
}, () => {
  const outcomes = pools(0.2, 30, 12).map(({ check }) => check?.outcome);
  expect(outcomes.filter((outcome) => outcome === 'quota')).toEqual([]);
  expect(outcomes.filter((outcome) => outcome === 'timeout').length).toBeGreaterThan(15);
});
