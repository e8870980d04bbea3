/** The searches of a profile: what they come to on known chains, and what makes them say nothing. */
import { describe, expect, test } from 'vitest';
import {
  createProfile,
  profileGround,
  type ProfileOptions,
  profileTimeLeft,
} from '../../../src/core/locate/profile-search.js';
import { enoughFor } from '../../../src/core/locate/profile.js';
import type { ForgettingBox, LocateEvidence } from '../../../src/core/locate/localization.js';
import { driveProfile, type ProfileRun } from '../../support/profile-driver.js';
import { type Chain, type ChainBox, hopsOf } from '../../support/simulated-chain.js';

const R: ChainBox = { kind: 'router' };
const nat = (timeout: number): ChainBox => ({ kind: 'router', timeout });
const SEARCH = {
  minIdle: 1,
  maxIdle: 40,
  resolution: 1,
  connections: 12,
  deadline: 3,
  required: 7440,
  guard: 0.5,
  timing: 'late',
} as const;

const evidence = (hops: number, lower: number): LocateEvidence => ({
  mode: 'send',
  lower,
  upper: lower + 1,
  idle: lower + 1.5,
  interval: 1,
  hops: { client: hops, responder: hops },
  cells: [],
  harm: [],
  lost: {},
});

const optionsOf = (chain: Chain, box: ForgettingBox, lower: number): ProfileOptions => ({
  ...profileGround({ kind: 'located', box, evidence: evidence(hopsOf(chain), lower) })!,
  search: SEARCH,
});

/** CPE 20 s, CGN 12 s, firewall 30 s, of which the CGN was located. */
const CHAIN: Chain = [nat(20), R, nat(12), R, nat(30)];
const CGN: ForgettingBox = { kind: 'router', hop: 3, kc: 3, ks: 3 };

/** What forgets, in whole seconds. */
const told = ({ result }: ProfileRun): unknown =>
  typeof result === 'string'
    ? result
    : result.places.flatMap(({ hop, kind, lower, upper }) =>
        upper === undefined ? [] : [[hop, kind, Math.round((lower + upper) / 2)]],
      );

describe('a profile', () => {
  test('finds every hop and what is left, which is told first, with no more connections than it has', () => {
    const run = driveProfile(optionsOf(CHAIN, CGN, 11.5), CHAIN, 'send');
    expect(told(run)).toEqual([
      ['1', 'router', 20],
      ['3', 'router', 12],
      ['5', 'router', 30],
    ]);
    expect(run.before).toMatchObject({ places: [] });
    const { lower, upper = 0 } = run.before?.behind ?? { lower: 0 };
    expect([lower < 20, upper >= 20, upper - lower <= 1.5]).toEqual([true, true, true]);
    expect(run.result).toMatchObject({ behind: run.before?.behind });
    expect(run.peak).toBeGreaterThan(8);
    expect(run.peak).toBeLessThanOrEqual(12);
    // It is told beforehand for how long at most, or little less.
    const left = profileTimeLeft(createProfile(optionsOf(CHAIN, CGN, 11.5)));
    expect(run.duration / left).toBeGreaterThan(0.3);
    expect(run.duration / left).toBeLessThan(1.3);
  });

  test('searches beside a slit no longer than what that shows, and not at all where the box itself looks at the TTL first', () => {
    const first: ChainBox = { ...nat(12), ttlFirst: 'both' };
    const box: ForgettingBox = { kind: 'ttl_first', hop: 1, kc: 2, ks: 2 };
    const alone = driveProfile(optionsOf([first], box, 11.5), [first], 'send');
    expect(told(alone)).toEqual([['1', 'ttl_first', 12]]);
    expect(alone.opened).toBe(0);
    const chain: Chain = [nat(12), R, { ...nat(30), ttlFirst: 'both' }, R];
    const hop: ForgettingBox = { kind: 'router', hop: 1, kc: 1, ks: 4 };
    const known = new Map([['3,2', { lower: 29.5, upper: 30.5 }]]);
    expect([3, 4].map((k) => enoughFor({ k, m: 6 - k }, 4, known))).toEqual([30.5, 30.5]);
    expect(enoughFor({ k: 2, m: 4 }, 4, known)).toBeUndefined();
    expect(enoughFor({ k: 3, m: 1 }, 4, known)).toBeUndefined();
    const run = driveProfile(optionsOf(chain, hop, 11.5), chain, 'send');
    expect(told(run)).toEqual([
      ['1', 'router', 12],
      ['3', 'ttl_first', 30],
    ]);
  });

  test('asks nothing that the localisation has answered, and no refresh that reaches the far end', () => {
    // Nothing before the modem, nothing behind the last router: its own place alone forgets.
    const chain: Chain = [{ kind: 'bridge', timeout: 12 }, R];
    const run = driveProfile(
      optionsOf(chain, { kind: 'transparent', after: 0, kc: 1, ks: 2 }, 11.5),
      chain,
      'send',
    );
    expect(told(run)).toEqual([['0-1', 'transparent', 12]]);
    expect(run.result).toMatchObject({ behind: { lower: expect.closeTo(40, 0) as unknown } });
    const alone: Chain = [{ kind: 'bridge', timeout: 12 }];
    const none = driveProfile(
      optionsOf(alone, { kind: 'transparent', after: 0, kc: 1, ks: 1 }, 11.5),
      alone,
      'send',
    );
    expect(none).toMatchObject({ opened: 0, result: { places: [{ hop: '0-1', lower: 11.5, upper: 13 }] } });
  });

  test('blames no router for a box that packets of one direction alone refresh', () => {
    const odd: Chain = [nat(12), R, R, { ...nat(30), refreshedBy: 'outbound' }, R];
    const run = driveProfile(optionsOf(odd, { kind: 'router', hop: 1, kc: 1, ks: 5 }, 11.5), odd, 'send');
    expect(JSON.stringify(run.result)).not.toContain('ttl_first');
    expect(told(run)).not.toContainEqual(['2', 'router', 30]);
  });

  test.each([
    ['its refreshes come farther than they may', CHAIN, { strange: 'arrive' }, 'distance_changed'],
    ['nobody knows how far they come', CHAIN, { strange: 'unknown' }, 'unclear'],
    ['connections die sooner than those that nobody refreshed', [nat(5), R, R, R, R], {}, 'harmful'],
    ['it is interrupted again and again', CHAIN, { interruptions: 6, apart: 15 }, 'interrupted'],
  ] as const)('says nothing where %s', (_, chain, troubles, reason) => {
    expect(told(driveProfile(optionsOf(chain, CGN, 11.5), chain, 'send', troubles))).toBe(reason);
  });

  test('goes on after an interruption with what it knows', () => {
    const run = driveProfile(optionsOf(CHAIN, CGN, 11.5), CHAIN, 'send', { interruptions: 2, apart: 50 });
    expect(told(run)).toEqual([
      ['1', 'router', 20],
      ['3', 'router', 12],
      ['5', 'router', 30],
    ]);
  });

  test.each([
    ['several boxes', { kind: 'several', kc: 3, ks: 4 }],
    ['one end alone', { kind: 'one_sided', kc: 3 }],
  ] as const)('is not made of %s', (_, box) => {
    expect(profileGround({ kind: 'located', box, evidence: evidence(5, 12) })).toBeUndefined();
    expect(
      profileGround({ kind: 'not_located', reason: 'mixed', evidence: evidence(5, 12) }),
    ).toBeUndefined();
  });
});
