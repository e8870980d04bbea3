/** The law of the two steps and their corner, against packets that go from box to box. */
import { describe, expect, test } from 'vitest';
import { boxOf, cornerOf, echoesOf } from '../../../src/core/locate/corner.js';
import { type Chain, type ChainBox, hopsOf, idleAcross } from '../../support/simulated-chain.js';

const T = 40;
const R: ChainBox = { kind: 'router' };
const NAT: ChainBox = { kind: 'router', timeout: T };
const BRIDGE: ChainBox = { kind: 'bridge', timeout: T };

const means = { client: 'keepalive', responder: 'keepalive' } as const;

const isDead = (chain: Chain, { k, m }: { k: number; m: number }): boolean =>
  !idleAcross(chain, 'send', T + 5, { k, m, interval: 5, means }).alive;

/** Both steps, by trying every TTL. */
function stepsOf(chain: Chain): { kc: number; ks: number } {
  const ttls = Array.from({ length: hopsOf(chain) + 2 }, (_, ttl) => ttl);
  return {
    kc: ttls.find((k) => !isDead(chain, { k, m: 0 })) ?? -1,
    ks: ttls.find((m) => !isDead(chain, { k: 0, m })) ?? -1,
  };
}

/** The box that the law names for a chain. */
function named(chain: Chain) {
  const steps = { ...stepsOf(chain), hops: hopsOf(chain) };
  const deadEchoes = echoesOf(steps).filter((cell) => isDead(chain, cell));
  return boxOf(steps, isDead(chain, cornerOf(steps)), deadEchoes);
}

describe('boxOf() names', () => {
  test.each<[string, Chain, object]>([
    ['a router that tracks on arrival', [R, R, NAT, R], { kind: 'router', hop: 3, kc: 3, ks: 2 }],
    ['the first router', [NAT, R], { kind: 'router', hop: 1, kc: 1, ks: 2 }],
    ['the last router', [R, NAT], { kind: 'router', hop: 2, kc: 2, ks: 1 }],
    ['a bridge between two routers', [R, BRIDGE, R, R], { kind: 'transparent', after: 1, kc: 2, ks: 3 }],
    ['a bridge before the first router', [BRIDGE, R, R], { kind: 'transparent', after: 0, kc: 1, ks: 3 }],
    ["the far end's own firewall", [R, R, BRIDGE], { kind: 'transparent', after: 2, kc: 3, ks: 1 }],
    ['a box on a path without routers', [BRIDGE], { kind: 'transparent', after: 0, kc: 1, ks: 1 }],
    [
      'a router that looks at the TTL first',
      [R, R, { ...NAT, ttlFirst: 'both' }, R],
      { kind: 'ttl_first', hop: 3, kc: 4, ks: 3 },
    ],
    [
      'a first router that looks at the TTL first',
      [{ ...NAT, ttlFirst: 'both' }, R, R],
      { kind: 'ttl_first', hop: 1, kc: 2, ks: 4 },
    ],
    [
      'a router that looks first in one direction as what it looks like',
      [R, { ...NAT, ttlFirst: 'outbound' }, R],
      { kind: 'transparent', after: 2, kc: 3, ks: 2 },
    ],
    [
      'a router that only outbound packets refresh by one end alone',
      [R, { ...NAT, refreshedBy: 'outbound' }, R],
      { kind: 'one_sided', kc: 2, refreshedBy: 'client' },
    ],
    [
      'a router that only inbound packets refresh by one end alone',
      [R, { ...NAT, refreshedBy: 'inbound' }, R],
      { kind: 'one_sided', ks: 2, refreshedBy: 'responder' },
    ],
    ['two routers', [NAT, R, NAT, R], { kind: 'several', kc: 3, ks: 4 }],
    ['two neighbours', [R, NAT, NAT, R], { kind: 'several', kc: 3, ks: 3 }],
  ])('%s', (_name, chain, box) => {
    expect(named(chain)).toEqual(box);
  });

  test('nothing where no box has such steps', () => {
    expect(boxOf({ hops: 4, kc: 2, ks: 2 }, true, [])).toBeUndefined();
    expect(boxOf({ hops: 4, kc: 4, ks: 4 }, true, [])).toBeUndefined();
    expect(boxOf({ hops: 4, kc: 2, ks: 3 }, false, [])).toBeUndefined();
  });

  test('hops 1 and 3 of 4 by their corner only: their sum is that of a router that looks at the TTL first', () => {
    expect(boxOf({ hops: 4, kc: 3, ks: 4 }, true, [])).toMatchObject({ kind: 'ttl_first' });
    expect(boxOf({ hops: 4, kc: 3, ks: 4 }, false, [])).toMatchObject({ kind: 'several' });
  });
});

test('echoesOf() asks only where the other end may have helped, and where a TTL of 1 is small enough to tell', () => {
  expect(echoesOf({ hops: 3, kc: 2, ks: 4 })).toEqual([{ k: 1, m: 4, harm: false }]);
  expect(echoesOf({ hops: 3, kc: 4, ks: 2 })).toEqual([{ k: 4, m: 1, harm: false }]);
  expect(echoesOf({ hops: 3, kc: 1, ks: 4 })).toEqual([]);
  expect(echoesOf({ hops: 3, kc: 2, ks: 2 })).toEqual([]);
});
