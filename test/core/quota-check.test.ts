import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shippedSearch } from '../../bench/search/model.js';
import { beginCheck, checkAt, heldConnections, isCheckDue, learnCheck } from '../../bench/search/quota-check.js';
import { crowdedRun } from '../support/crowded-path.js';
import { randomFrom } from '../support/prng.js';
import { propertySeed } from '../support/seed.js';

const FOREVER = Number.POSITIVE_INFINITY;

describe('a check for a quota', () => {
  it('holds a quarter of the connections, and asks once they are older than any was', () => {
    const check = beginCheck({ upper: 600, connections: 72 });
    expect(check.outcome).toBe('checking');
    expect(heldConnections(check)).toBe(18);
    expect(heldConnections({ upper: 600, connections: 9 })).toBe(3);
    expect(heldConnections({ upper: 600, connections: 3 })).toBe(2);
    expect(checkAt(check, 5)).toBe(606);
    expect(checkAt(check, 20)).toBe(620);
  });

  it('is decided by two tests that agree', () => {
    const check = beginCheck({ upper: 600, connections: 72 });
    const once = learnCheck(check, 'dead', 606);
    const twice = learnCheck(once, 'alive', 606);
    expect([once.outcome, twice.outcome]).toEqual(['checking', 'checking']);
    const quota = learnCheck(twice, 'alive', 607);
    expect(quota).toMatchObject({ outcome: 'quota', connections: 72, survived: 2, died: 1 });
    expect(learnCheck(twice, 'dead', 614).outcome).toBe('timeout');
    expect(learnCheck(quota, 'dead', 700)).toBe(quota);
  });

  it('learns nothing from survivors that are no older than the deaths', () => {
    const check = beginCheck({ upper: 600, connections: 72 });
    expect(learnCheck(check, 'alive', 600)).toBe(check);
  });
});

describe('the check of an accusation', () => {
  it('waits for the timeout, but not for ever: behind a quota it may never be known', () => {
    expect(isCheckDue({ upper: 600, timeout: 598 }, 0)).toBe(true);
    expect(isCheckDue({ upper: 600 }, 599)).toBe(false);
    expect(isCheckDue({ upper: 600 }, 600)).toBe(true);
    expect(isCheckDue({}, 9999)).toBe(false);
  });
});

describe('over a simulated path', () => {
  const runs = { numRuns: 25, seed: propertySeed() };
  const anySeed = fc.integer({ min: 1, max: 1e6 });

  it('a quota is found to be one: without the check the path would have been accused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 60 }), anySeed, (quota, seed) => {
        const { accusedAt, check } = crowdedRun({
          search: shippedSearch(24),
          searches: 3,
          quota,
          timeout: FOREVER,
          until: 40_000,
          random: randomFrom(seed),
        });
        expect(accusedAt).toBeDefined();
        expect(check?.outcome).toBe('quota');
      }),
      runs,
    );
  });

  it('a plain NAT is accused after one more T, and its timeout is known before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 7000 }), anySeed, (timeout, seed) => {
        const { knownAt, begunAt, check, checkedAt } = crowdedRun({
          search: shippedSearch(24),
          searches: 3,
          quota: FOREVER,
          timeout,
          until: 40_000,
          random: randomFrom(seed),
        });
        expect(check?.outcome).toBe('timeout');
        const took = (checkedAt ?? FOREVER) - (begunAt ?? 0);
        expect(took).toBeGreaterThan(timeout);
        expect(took).toBeLessThan(1.02 * timeout + 10 + 5 + 3 * 8);
        expect(knownAt).toBeDefined();
        expect(knownAt).toBeLessThan(checkedAt ?? 0);
      }),
      runs,
    );
  });
});
