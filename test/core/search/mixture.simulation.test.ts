/** Pools of nodes of which a minority forgets early: recognised, measured, told steadily, and given up when it is gone. */
import { describe, expect, test } from 'vitest';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { minorityOf } from '../../../src/core/search/minority.js';
import { reviveSearch } from '../../../src/core/search/revive.js';
import type { Regime } from '../../support/simulated-nat.js';
import { randomFrom } from '../../support/prng.js';
import { SimulatedPath, disturbances } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';
import { SHIPPED } from './drafts.js';

const DAY = 86_400;

function pool(from: number, share: number, timeout: number): Regime {
  return {
    from,
    nodes: [
      { timeout, share },
      { timeout: DAY, share: 1 - share },
    ],
  };
}

function watched(regimes: readonly Regime[], until: number, seed: number, eviction = 0.005) {
  const random = randomFrom(seed);
  const outages = disturbances(random, until, 1, 120);
  let mixedFor = 0;
  let not0 = 0;
  let since: number | undefined;
  let last = { at: 0, mixed: false, is0: false };
  const run = drive({
    search: SHIPPED,
    path: new SimulatedPath({ regimes, eviction, outages }, random),
    rounds: 300,
    until,
    observe: (state, at) => {
      if (last.mixed) mixedFor += at - last.at;
      if (since !== undefined && !last.is0) not0 += at - last.at;
      const { mixture, compliant } = findingOf(state);
      last = { at, mixed: mixture !== undefined, is0: compliant === false };
      if (last.mixed) since ??= at;
      return false;
    },
  });
  return { ...run, finding: findingOf(run.state), mixedFor, not0, since };
}

describe('a pool of nodes', () => {
  test.each([
    [0.1, 3600],
    [0.2, 300],
    [0.3, 900],
  ])(
    'of which %f forgets after %i s is told as that, steadily and with the minority’s bracket',
    (share, timeout) => {
      const { finding, since, not0, announced } = watched([pool(0, share, timeout)], 4 * DAY, 5);
      expect(since).toBeLessThan(2 * DAY);
      expect(not0).toBe(0);
      expect(announced.length).toBeLessThanOrEqual(3);
      expect(finding).toMatchObject({ phase: 'track', compliant: false });
      expect(finding.lower).toBeLessThan(timeout + 1);
      expect(finding.upper).toBeGreaterThanOrEqual(timeout);
      expect(finding.timeout).toBeCloseTo(timeout, -2);
      expect(finding.mixture?.shareLower).toBeLessThan(share);
      expect(finding.mixture?.shareUpper).toBeGreaterThan(share);
      expect(finding.mixture?.survived).toBeGreaterThan(7000);
    },
  );

  test('is not seen in random evictions of 2 % and outages', () => {
    for (const timeout of [3600, 7440, DAY]) {
      const { mixedFor, announced } = watched(
        [{ from: 0, nodes: [{ timeout, share: 1 }] }],
        20 * DAY,
        timeout,
        0.02,
      );
      expect(mixedFor).toBe(0);
      expect(announced).toEqual([]);
    }
  });

  test('that was repaired is given up: a rise, then compliant', () => {
    const { finding, since, announced } = watched([pool(0, 0.3, 900), pool(DAY, 0, 900)], 3 * DAY, 2);
    expect(since).toBeLessThan(DAY);
    expect(announced.at(-1)?.change).toBe('rise');
    expect(finding).toMatchObject({ compliant: true });
    expect(finding).not.toHaveProperty('mixture');
  });

  test('of which all nodes forget early in the end is an ordinary finding', () => {
    const { finding, since } = watched([pool(0, 0.3, 900), pool(DAY, 1, 900)], 3 * DAY, 2);
    expect(since).toBeLessThan(DAY);
    expect(finding).toMatchObject({ compliant: false, phase: 'track' });
    expect(finding).not.toHaveProperty('mixture');
    expect(Math.abs((finding.timeout ?? 0) - 900)).toBeLessThan(20);
  });

  test('survives a restart, and a state from before it was looked for is taken over', () => {
    const { state } = watched([pool(0, 0.3, 900)], DAY, 2);
    const saved = JSON.parse(JSON.stringify(state)) as Record<string, unknown>;
    const revived = reviveSearch(saved, SHIPPED);
    expect(revived && findingOf(revived)).toEqual(findingOf(state));
    const { census: _census, ...older } = saved;
    expect(reviveSearch(older, SHIPPED)).toMatchObject({ census: { mixed: null, tally: [] } });
    const { pooled, ...alone } = state.census;
    expect(reviveSearch({ ...saved, census: alone }, SHIPPED)).toMatchObject({
      census: { ...alone, pooled: { unanswered: [], others: [] } },
    });
    for (const broken of [{ ...pooled, scores: [] }, { ...pooled, others: [{ idle: -1 }] }, 1])
      expect(reviveSearch({ ...saved, census: { ...alone, pooled: broken } }, SHIPPED)).toBeUndefined();
    expect(reviveSearch({ ...saved, census: { ...state.census, scores: [] } }, SHIPPED)).toBeUndefined();
    expect(
      reviveSearch({ ...saved, census: { ...state.census, tally: [{ idle: -1 }] } }, SHIPPED),
    ).toBeUndefined();
  });
});

describe('minorityOf()', () => {
  const alive = (idle: number, count: number) => ({ idle, alive: count, dead: 0 });

  test('finds where deaths begin, and their share there', () => {
    const found = minorityOf([
      alive(200, 30),
      alive(295, 60),
      { idle: 305, alive: 90, dead: 10 },
      alive(7435, 0),
    ]);
    expect(found).toMatchObject({ lower: 295, upper: 305, share: 0.1 });
    expect(found?.shareLower).toBeCloseTo(0.055, 2);
    expect(found?.shareUpper).toBeCloseTo(0.174, 2);
  });

  test('of two minorities takes the one that forgets first', () => {
    const found = minorityOf([
      alive(295, 200),
      { idle: 305, alive: 180, dead: 20 },
      alive(895, 0),
      { idle: 905, alive: 50, dead: 150 },
    ]);
    expect(found).toMatchObject({ lower: 295, upper: 305 });
  });

  test('finds none where nothing died', () => {
    expect(minorityOf([alive(200, 30)])).toBeUndefined();
    expect(minorityOf([])).toBeUndefined();
  });
});
