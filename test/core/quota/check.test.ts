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
  leastShareOfDeaths,
  learnCheck,
  type QuotaCheck,
  type TestAmongMany,
  tryAgain,
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

  it('holds more where all may have met good nodes of a pool by chance, until that is hardly believable', () => {
    const once = learnAll('a'.repeat(18), beginCheck(ACCUSATION, 0.1));
    expect(once).toMatchObject({ outcome: 'checking', survived: 18, left: 0 });
    const second = tryAgain(once, 1);
    expect(second).toMatchObject({ outcome: 'checking', survived: 18, left: 18 });
    const twice = learnAll('a'.repeat(18), second);
    expect(twice.outcome).toBe('checking');
    // 0.9 ^ 54 < 1 % < 0.9 ^ 36.
    expect(learnAll('a'.repeat(18), tryAgain(twice, 2)).outcome).toBe('quota');
    expect(learnAll('a'.repeat(18), beginCheck(ACCUSATION, 0.25)).outcome).toBe('quota');
    expect(learnAll(`${'a'.repeat(9)}ddd${'a'.repeat(6)}`, second).outcome).toBe('checking');
  });

  it('is a quota, whatever the share is, once as many survived as were open', () => {
    let check = beginCheck(ACCUSATION, 0.01);
    for (let tries = 1; tries <= 3; tries++) {
      check = learnAll('a'.repeat(18), check);
      expect(check.outcome).toBe('checking');
      check = tryAgain(check, tries) ?? check;
    }
    expect(learnAll('a'.repeat(18), check)).toMatchObject({ outcome: 'quota', survived: 72 });
  });

  it('is tried once more from the beginning where one died, and not without end', () => {
    const died = learnAll(`aad${'a'.repeat(15)}`, beginCheck(ACCUSATION, 0.1));
    expect(tryAgain(died, 1)).toEqual(beginCheck(ACCUSATION, 0.1));
    expect(tryAgain(died, 2)).toBeUndefined();
    const barely = learnAll(`a${'i'.repeat(17)}`);
    expect(tryAgain(barely, 5)).toMatchObject({ survived: 1, left: 18 });
    expect(tryAgain(barely, 6)).toBeUndefined();
  });

  it('knows the least share that dies among many from their newest tests', () => {
    const tests = (verdict: Verdict, count: number, idle: number, ago = 0): TestAmongMany[] =>
      Array.from({ length: count }, () => ({ idle, verdict, ago }));
    const dead = tests(DEAD, 9, 606);
    expect(leastShareOfDeaths([], 600)).toBe(1);
    expect(leastShareOfDeaths(tests(ALIVE, 9, 590), 600)).toBe(1);
    expect(leastShareOfDeaths([...tests(ALIVE, 30, 300), ...dead], 600)).toBeCloseTo(0.7, 1);
    const pool = [...tests(ALIVE, 81, 620), ...dead];
    expect(leastShareOfDeaths(pool, 600)).toBeCloseTo(0.054, 2);
    // A survivor of long ago, a close in good order, and what told nothing do not count.
    const old = [...tests(ALIVE, 81, 620, 2401), ...tests(NOTHING, 9, 620)];
    expect(leastShareOfDeaths([...old, ...dead], 600)).toBe(leastShareOfDeaths(dead, 600));
    expect(leastShareOfDeaths(tests({ kind: 'dead', evidence: 'closed' }, 9, 620), 600)).toBe(1);
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
