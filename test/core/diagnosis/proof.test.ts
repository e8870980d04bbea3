import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Advised,
  adviceOf,
  durationOfProof,
  isSameGround,
  planWords,
  type Proof,
  PROOF_INTERVALS,
  type ProofKind,
  proofWords,
  provingOf,
  standing,
  verifiedBy,
  whyUnproven,
} from '../../../src/core/diagnosis/proof.js';
import { keepaliveRecommended } from '../../../src/core/diagnosis/publishable.js';
import type { Finding } from '../../../src/core/finding.js';
import { MODES } from '../../../src/core/modes.js';
import { propertySeed } from '../../support/seed.js';
import { forgets, LIMITS, survives } from './findings.js';

const DAY = 86_400;
const NOW = 1_700_000_000;

function advised(findings: Advised['findings'], more: Partial<Advised> = {}): Advised {
  const speaking = MODES.filter((mode) => findings[mode] !== undefined);
  const interval = keepaliveRecommended(findings, speaking, LIMITS);
  return { interval, findings, speaking, conditions: [], ...more };
}

const finding = (timeout: number): Finding => forgets(timeout).finding;
const all = (of: Finding) => ({ send: of, recv: of, keepalive: of });
const GROUND = { interval: 49, mode: 'send', lower: 99.5, upper: 100.5 } as const;

const HELD: Proof = {
  ...GROUND,
  kind: 'data',
  held: true,
  at: NOW,
  address: '203.0.113.9',
  seen: '198.51.100.1',
};
const FAILED: Proof = { ...HELD, kind: 'keepalive', held: false };
const HERE = { address: '203.0.113.9', seen: ['198.51.100.1'] };

describe('what can be proven', () => {
  it('is an interval that a silent connection does not live through three of', () => {
    expect(adviceOf(advised(all(finding(100))))).toEqual({ ground: GROUND });
  });

  it('is asked in the mode that forgets first, by data where that dies as well', () => {
    const modes = { send: survives(7800).finding, recv: finding(100), keepalive: survives(7800).finding };
    expect(adviceOf(advised(modes)).ground?.mode).toBe('recv');
    const two = { send: finding(130), recv: finding(100), keepalive: finding(90) };
    expect(adviceOf(advised(two)).ground?.mode).toBe('recv');
    expect(adviceOf(advised({ keepalive: finding(100) })).ground?.mode).toBe('keepalive');
  });

  it('is nothing where nothing died, or three intervals are no longer than a silent life', () => {
    expect(adviceOf(advised(all(survives(7800).finding)))).toEqual({
      why: 'nothing died here, and a connection that lives anyway shows nothing',
    });
    expect(adviceOf(advised({ send: finding(3) })).ground).toBeUndefined();
    expect(adviceOf(advised({ send: finding(3) })).why).toBe(
      'a silent connection may live through 3 intervals (3 s)',
    );
    // At most an hour is advised: three of them are not long enough here.
    expect(adviceOf(advised({ send: { ...finding(12_000), compliant: true } })).ground).toBeUndefined();
    expect(adviceOf({ ...advised({}), interval: undefined }).why).toBe('no interval is advised yet');
  });

  it('waits while a finding is in doubt, or one connection does not stand for the others', () => {
    const suspect = { ...finding(100), suspect: true };
    expect(adviceOf(advised({ ...all(finding(100)), recv: suspect }))).toEqual({
      ground: GROUND,
      why: 'the finding awaits confirmation',
    });
    const { compliant: _compliant, ...unclaimed } = finding(100);
    expect(adviceOf(advised(all(unclaimed))).why).toBe('the finding awaits confirmation');
    expect(adviceOf(advised(all({ ...unclaimed, closed: true })))).toEqual({ ground: GROUND });
    for (const condition of ['mixture', 'connection_quota', 'fixed_lifetime'] as const) {
      const advice = adviceOf(advised(all(finding(100)), { conditions: [condition] }));
      expect(advice.ground).toEqual(GROUND);
      expect(advice.why).toBeDefined();
    }
    expect(adviceOf(advised(all(finding(100)), { conditions: ['several_far_ends'] }))).toEqual({
      ground: GROUND,
    });
  });

  it('has an interval below the timeout, and three of them beyond it, whatever was found', () => {
    const timeout = fc.double({ min: 1, max: 20_000, noNaN: true });
    const width = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(timeout, width), { minLength: 1, maxLength: 3 }), (brackets) => {
        const findings: Advised['findings'] = Object.fromEntries<Finding>(
          brackets.map(([lower, more], index) => [
            String(MODES[index]),
            { ...finding(lower), lower, upper: lower + more, timeout: lower + more / 2 },
          ]),
        );
        const { ground, why } = adviceOf(advised(findings));
        if (ground === undefined) {
          expect(why).toBeDefined();
          return;
        }
        const { interval, mode, lower, upper } = ground;
        expect(findings[mode]).toMatchObject({ lower, upper });
        expect(interval).toBeLessThan(lower);
        expect(PROOF_INTERVALS * interval).toBeGreaterThan(upper);
      }),
      { seed: propertySeed() },
    );
  });
});

describe('what was shown', () => {
  it('counts for the same advice on the same path', () => {
    const proofs = [HELD, FAILED];
    expect(standing(proofs, GROUND, HERE)).toBe(proofs);
    // The bracket gets narrower, and with it the interval changes a little.
    expect(standing(proofs, { ...GROUND, interval: 50, lower: 100.2 }, HERE)).toBe(proofs);
    expect(standing(proofs, { ...GROUND, mode: 'recv' }, HERE)).toBe(proofs);
    // What is unknown is no other one.
    expect(standing(proofs, GROUND, { address: undefined, seen: [] })).toBe(proofs);
    expect(standing(proofs, GROUND, { ...HERE, seen: ['198.51.100.7', '198.51.100.1'] })).toBe(proofs);
  });

  it('is withdrawn with the timeout and with the path', () => {
    const proofs = [HELD, FAILED];
    expect(standing(proofs, undefined, HERE)).toEqual([]);
    expect(standing(proofs, { ...GROUND, interval: 47 }, HERE)).toEqual([]);
    expect(standing(proofs, { ...GROUND, lower: 110, upper: 111 }, HERE)).toEqual([]);
    expect(standing(proofs, { ...GROUND, lower: 89, upper: 90 }, HERE)).toEqual([]);
    expect(standing(proofs, GROUND, { ...HERE, address: '203.0.113.10' })).toEqual([]);
    expect(standing(proofs, GROUND, { ...HERE, seen: ['198.51.100.2'] })).toEqual([]);
    const { address: _address, seen: _seen, ...anywhere } = FAILED;
    expect(standing([HELD, anywhere], GROUND, { ...HERE, address: '203.0.113.10' })).toEqual([anywhere]);
  });

  it('is tried again after a week, and what failed after a day', () => {
    const kinds = ['keepalive', 'data'] as const;
    const open = (proofs: readonly Proof[], after: number, holds: readonly ProofKind[] = kinds) =>
      provingOf({ ground: GROUND }, proofs, holds, NOW + after).open;
    expect(open([], 0)).toEqual(kinds);
    expect(open([HELD], 0, ['keepalive'])).toEqual(['keepalive']);
    expect(open([HELD, FAILED], DAY)).toEqual([]);
    expect(open([HELD, FAILED], DAY + 1)).toEqual(['keepalive']);
    expect(open([HELD, FAILED], 7 * DAY + 1)).toEqual(kinds);
  });

  it('is 1, 0 or nothing for each kind', () => {
    expect(verifiedBy([])).toEqual({});
    expect(verifiedBy([HELD, FAILED])).toEqual({ data: true, keepalive: false });
  });

  it('never counts for another timeout: brackets apart are two', () => {
    const bracket = fc.tuple(fc.integer({ min: 10, max: 7000 }), fc.integer({ min: 0, max: 10 }));
    fc.assert(
      fc.property(bracket, bracket, ([a, more], [b, most]) => {
        const one = { ...GROUND, lower: a, upper: a + more };
        const other = { ...GROUND, lower: b, upper: b + most };
        expect(isSameGround(one, other)).toBe(isSameGround(other, one));
        const apart = Math.max(one.lower - other.upper, other.lower - one.upper);
        if (isSameGround(one, other))
          expect(apart).toBeLessThanOrEqual(0.01 * Math.max(one.upper, other.upper));
        else expect(apart).toBeGreaterThan(0);
      }),
      { seed: propertySeed() },
    );
  });
});

describe('the words', () => {
  it('say what is done and how long it takes', () => {
    expect(durationOfProof(GROUND, 3)).toEqual({ least: 147, most: 306 });
    expect(planWords(['keepalive', 'data'], GROUND, 3)).toBe(
      'one connection is held by TCP keepalives, one connection is held by data, every 49 s for 2 min 27 s (147 s), and asked whether it lives; what fails is tried once more, which makes 5 min 6 s (306 s) at most',
    );
  });

  it('say what came of it', () => {
    expect(proofWords(HELD)).toBe('tried here: data every 49 s kept a connection alive');
    expect(proofWords(FAILED)).toBe('tried here: TCP keepalives every 49 s did not keep a connection alive');
  });

  it('say why nothing came of it', () => {
    const kinds = ['keepalive', 'data'] as const;
    const why = (...args: Parameters<typeof provingOf>) => whyUnproven(provingOf(...args));
    expect(why({ ground: GROUND }, [HELD], kinds, NOW)).toBeUndefined();
    expect(why({ ground: GROUND }, [], kinds, NOW)).toBe('it could not be tried to its end');
    expect(why({ ground: GROUND }, [], [], NOW)).toBe('connections to this far end cannot be held');
    expect(why({ why: 'nothing died' }, [], kinds, NOW)).toBe('nothing died');
    expect(provingOf({ ground: GROUND, why: 'in doubt' }, [], kinds, NOW).open).toEqual([]);
    expect(provingOf({ ground: GROUND }, [HELD], kinds, NOW).open).toEqual(['keepalive']);
  });
});
