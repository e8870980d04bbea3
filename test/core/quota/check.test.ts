import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crowdedRun } from '../../../bench/search/crowded-path.js';
import { shippedSearch } from '../../../bench/search/model.js';
import type { Finding } from '../../../src/core/finding.js';
import type { Mode } from '../../../src/core/modes.js';
import {
  type Accusation,
  beginCheck,
  checkAt,
  dueAccusation,
  heldConnections,
  learnCheck,
  type QuotaCheck,
} from '../../../src/core/quota/check.js';
import type { Verdict } from '../../../src/core/verdict.js';
import { randomFrom } from '../../support/prng.js';
import { propertySeed } from '../../support/seed.js';

const FOREVER = Number.POSITIVE_INFINITY;
const ACCUSATION: Accusation = { mode: 'send', lower: 590, upper: 600, connections: 72 };
const ALIVE: Verdict = { kind: 'alive' };
const DEAD: Verdict = { kind: 'dead', evidence: 'silence' };
const NOTHING: Verdict = { kind: 'inconclusive', reason: 'canary_lost' };

/** `a` a survivor, `d` a death, `i` a test that told nothing, in turn. */
function learnAll(tests: string, check: QuotaCheck = beginCheck(ACCUSATION)): QuotaCheck {
  return Array.from(tests).reduce(
    (known, test) => learnCheck(known, { a: ALIVE, d: DEAD }[test] ?? NOTHING, 606),
    check,
  );
}

describe('a check for a quota', () => {
  it('holds a quarter of the connections, and asks once they are older than any was', () => {
    const check = beginCheck(ACCUSATION);
    expect(check).toMatchObject({ outcome: 'checking', left: 18 });
    expect(heldConnections({ connections: 72 })).toBe(18);
    expect(heldConnections({ connections: 9 })).toBe(3);
    expect(heldConnections({ connections: 3 })).toBe(2);
    expect(checkAt(check, 5)).toBe(606);
    expect(checkAt(check, 20)).toBe(620);
  });

  it('is decided by two deaths without a survivor', () => {
    expect(learnAll('d').outcome).toBe('checking');
    expect(learnAll('dd')).toMatchObject({ outcome: 'timeout', died: 2, survived: 0 });
    expect(learnAll('idid').outcome).toBe('timeout');
  });

  it('asks all before it calls survivors a quota: the most of a pool may be good nodes', () => {
    expect(learnAll('a'.repeat(17)).outcome).toBe('checking');
    expect(learnAll('a'.repeat(18)).outcome).toBe('quota');
    expect(learnAll(`i${'a'.repeat(17)}`).outcome).toBe('quota');
    expect(learnAll('addd').outcome).toBe('timeout');
    expect(learnAll(`add${'a'.repeat(14)}d`).outcome).toBe('timeout');
  });

  it('stays open where a few of many died: an eviction by chance, or a pool', () => {
    expect(learnAll(`aad${'a'.repeat(15)}`)).toMatchObject({ outcome: 'checking', left: 0 });
    expect(learnAll(`add${'a'.repeat(15)}`)).toMatchObject({ outcome: 'checking', survived: 16, died: 2 });
  });

  it('stays open where too few tell anything, and learns nothing once it is decided', () => {
    expect(learnAll('i'.repeat(18))).toMatchObject({ outcome: 'checking', left: 0 });
    expect(learnAll(`a${'i'.repeat(17)}`).outcome).toBe('checking');
    const decided = learnAll('dd');
    expect(learnCheck(decided, ALIVE, 700)).toBe(decided);
  });

  it('holds with the fewest: two that survive are a quota, one of each is nothing', () => {
    const two = beginCheck({ ...ACCUSATION, connections: 6 });
    expect(two.left).toBe(2);
    expect(learnAll('aa', two).outcome).toBe('quota');
    expect(learnAll('ad', two).outcome).toBe('checking');
  });

  it('learns nothing from survivors that are no older than the deaths, nor from early deaths and closes', () => {
    const check = beginCheck(ACCUSATION);
    expect(learnCheck(check, ALIVE, 600)).toMatchObject({ survived: 0, died: 0, left: 17 });
    expect(learnCheck(check, DEAD, 300)).toMatchObject({ survived: 0, died: 0 });
    expect(learnCheck(check, { kind: 'dead', evidence: 'closed' }, 606)).toMatchObject({ died: 0 });
    // A RST at expiry comes at the timeout, not beyond it.
    expect(learnCheck(check, { kind: 'dead', evidence: 'reset_idle' }, 595)).toMatchObject({ died: 1 });
  });
});

describe('an accusation', () => {
  const finding = (fields: Partial<Finding>): Finding => ({
    phase: 'refine',
    suspect: false,
    deaths: 3,
    ...fields,
  });
  const KNOWN = finding({ lower: 590, upper: 600, timeout: 595 });
  const due = (found: Partial<Record<Mode, Finding>>, accusing: Mode[], accusedFor = 0) =>
    dueAccusation(new Map(Object.entries(found) as [Mode, Finding][]), accusing, 72, accusedFor);

  it('is checked once the timeout is known, with the bounds of the mode that accuses', () => {
    const found = { send: finding({ lower: 3000, upper: 3100, timeout: 3050 }), recv: KNOWN };
    expect(due(found, ['recv'])).toEqual({ mode: 'recv', lower: 590, upper: 600, connections: 72 });
    expect(due(found, ['send'])).toMatchObject({ mode: 'send', lower: 3000, upper: 3100 });
    expect(due(found, ['send', 'recv'])).toMatchObject({ mode: 'recv' });
    expect(due(found, [])).toBeUndefined();
  });

  it('waits for modes that may come to the same soon, but not for ever: behind a quota they may never', () => {
    const open = { send: finding({ lower: 100, upper: 600 }), recv: KNOWN };
    expect(due(open, ['recv'])).toBeUndefined();
    expect(due(open, ['recv'], 599)).toBeUndefined();
    expect(due(open, ['recv'], 600)).toMatchObject({ mode: 'recv' });
    const alone = { send: finding({ lower: 100, upper: 600 }) };
    expect(due(alone, ['send'], 599)).toBeUndefined();
    expect(due(alone, ['send'], 600)).toMatchObject({ mode: 'send' });
    // One that has outlived the others is on its way to 7440 s.
    expect(due({ send: finding({ lower: 601, deaths: 0 }), recv: KNOWN }, ['recv'])).toMatchObject({
      mode: 'recv',
    });
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
