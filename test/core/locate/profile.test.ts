/** The profile of a path, with the chains that a prototype was measured on. */
import { describe, expect, test } from 'vitest';
import {
  cellsBehind,
  type CellTimeout,
  leftWhenMended,
  profileCells,
  profileKey,
  profileOf,
} from '../../../src/core/locate/profile.js';
import type { Cell } from '../../../src/core/locate/locate-contract.js';
import { type Chain, type ChainBox, hopsOf, idleAcross } from '../../support/simulated-chain.js';

const R: ChainBox = { kind: 'router' };
const nat = (timeout: number): ChainBox => ({ kind: 'router', timeout });
const bridge = (timeout: number): ChainBox => ({ kind: 'bridge', timeout });

/** Idle times at which searches here ask, seconds. */
const LONGEST = 40;

function search(chain: Chain, { k, m }: Cell): CellTimeout {
  const means = { client: 'keepalive', responder: 'keepalive' } as const;
  for (let idle = 1; idle <= LONGEST; idle++)
    if (!idleAcross(chain, 'send', idle + 0.5, { k, m, interval: 1, means }).alive)
      return { lower: idle - 0.5, upper: idle + 0.5 };
  return { lower: LONGEST };
}

/** Searches every cell that is asked for. */
function known(chain: Chain): Map<string, CellTimeout> {
  const found = new Map<string, CellTimeout>();
  for (;;) {
    const cells = profileCells(hopsOf(chain), found);
    if (cells.length === 0) return found;
    for (const cell of cells) found.set(profileKey(cell), search(chain, cell));
  }
}

/** What forgets, with its second. */
const told = (chain: Chain): [hop: string, kind: string, timeout: number][] =>
  profileOf(hopsOf(chain), known(chain)).flatMap(({ hop, kind, lower, upper }) =>
    upper === undefined ? [] : [[hop, kind, (lower + upper) / 2]],
  );

describe('profileOf() tells every hop of', () => {
  test('CPE 20, CGN 12, firewall 30', () => {
    expect(told([nat(20), R, nat(12), R, nat(30)])).toEqual([
      ['1', 'router', 20],
      ['3', 'router', 12],
      ['5', 'router', 30],
    ]);
  });

  test('CPE 10, bridge 16, TTL-first CGN 22, firewall 28', () => {
    const chain = [nat(10), bridge(16), { ...nat(22), ttlFirst: 'both' as const }, R, nat(28)];
    expect(told(chain)).toEqual([
      ['1', 'router', 10],
      ['1-2', 'transparent', 16],
      ['2', 'ttl_first', 22],
      ['4', 'router', 28],
    ]);
  });

  test.each([1, 2, 4])('a first and a last router that look at the TTL first, of %i', (hops) => {
    const first: ChainBox = { ...nat(12), ttlFirst: 'both' };
    const last: ChainBox = { ...nat(20), ttlFirst: 'both' };
    const between = Array.from({ length: hops - 2 < 0 ? 0 : hops - 2 }, () => R);
    const chain = hops === 1 ? [first] : [first, ...between, last];
    expect(told(chain)).toEqual([
      ['1', 'ttl_first', 12],
      ...(hops === 1 ? [] : [[String(hops), 'ttl_first', 20]]),
    ]);
  });

  test.each([1, 2, 4])(
    'no router, of %i, in place of a box at an end that packets of one direction alone refresh',
    (hops) => {
      const routers = Array.from({ length: hops }, () => R);
      const behindFirst: ChainBox = { ...bridge(20), refreshedBy: 'outbound' };
      const beforeLast: ChainBox = { ...bridge(20), refreshedBy: 'inbound' };
      expect(told([R, behindFirst, ...routers.slice(1)])).toEqual([]);
      expect(told([...routers.slice(1), beforeLast, R])).toEqual([]);
    },
  );

  test('no router in place of a box that one direction refreshes and a router before it hides in part', () => {
    const chain: Chain = [
      { ...nat(10), ttlFirst: 'both' },
      R,
      { ...bridge(20), refreshedBy: 'outbound' },
      R,
      R,
    ];
    expect(told(chain)).toEqual([['1', 'ttl_first', 10]]);
  });

  test('a path on which nothing forgets', () => {
    expect(told([R, R])).toEqual([]);
    expect(profileOf(2, known([R, R]))).toContainEqual({ hop: '1-2', kind: 'transparent', lower: LONGEST });
  });

  test('a router behind a bridge that forgets sooner by its lower bound only', () => {
    const entries = profileOf(2, known([bridge(10), nat(20), R]));
    expect(entries).toContainEqual({ hop: '0-1', kind: 'transparent', lower: 9.5, upper: 10.5 });
    expect(entries).toContainEqual({ hop: '1', kind: 'router', lower: 9.5 });
  });
});

test('profileCells() asks windows and gaps first, slits only where both gaps forget, and beside them only where a slit does', () => {
  expect(profileCells(2, new Map())).toEqual([
    { k: 0, m: 1 },
    { k: 1, m: 0 },
    { k: 0, m: 2 },
    { k: 1, m: 1 },
    { k: 2, m: 0 },
  ]);
  const none: CellTimeout = { lower: 40 };
  const some: CellTimeout = { lower: 9, upper: 10 };
  const found = (first: CellTimeout, second: CellTimeout) =>
    new Map([
      ['0,1', some],
      ['1,0', none],
      ['0,2', first],
      ['1,1', second],
      ['2,0', none],
    ]);
  expect(profileCells(2, found(some, none))).toEqual([]);
  expect(profileCells(2, found(some, some))).toEqual([{ k: 1, m: 2 }]);
  expect(profileCells(2, found(some, some).set('1,2', none))).toEqual([]);
  expect(profileCells(2, found(some, some).set('1,2', some))).toEqual([
    { k: 1, m: 3 },
    { k: 2, m: 2 },
  ]);
});

test('leftWhenMended() is the shorter of what stands before and behind the box', () => {
  const chain = [nat(20), R, nat(12), R, nat(30)];
  const cells = cellsBehind({ kc: 3, ks: 3 });
  const found = new Map(cells.map((cell) => [profileKey(cell), search(chain, cell)]));
  expect(found.get('3,0')).toEqual({ lower: 29.5, upper: 30.5 });
  expect(leftWhenMended(cells, found)).toEqual({ lower: 19.5, upper: 20.5 });
  expect(leftWhenMended(cells, new Map())).toBeUndefined();
  expect(leftWhenMended(cellsBehind({ kc: 1 }), new Map([['1,0', { lower: 40 }]]))).toEqual({ lower: 40 });
});
