import { describe, expect, test } from 'vitest';
import type { ForgettingBox } from '../../../src/core/locate/localization.js';
import { locatedPath, type Station, stationsOf } from '../../../src/core/locate/path-stations.js';
import { told } from '../../../src/core/locate/locating.js';
import { ADDRESSES, MIXED, SURROUNDINGS } from '../../support/located.js';
import { boxed } from '../../support/located-targets.js';

/** A path of three routers on one line: `0 -` this host and a gap, `!` forgets, `?` perhaps. */
const drawn = (stations: readonly Station[] | undefined): string | undefined =>
  stations
    ?.map(({ kind, hop, mark }) => {
      const sign = mark === 'forgets' ? '!' : mark === 'perhaps' ? '?' : '';
      return kind === 'gap' ? `-${sign}` : `${hop}${sign}`;
    })
    .join(' ');
const draw = (box: ForgettingBox, local?: number, far?: number): string | undefined => {
  const conntrack = { ...(local !== undefined && { local }), ...(far !== undefined && { responder: far }) };
  const found = told({ at: 0, result: boxed(box) }, { ...SURROUNDINGS, conntrack });
  return drawn(stationsOf(locatedPath(found, ADDRESSES)));
};

describe('stationsOf()', () => {
  test('has this host, each router with what it told, and the far end', () => {
    const found = told({ at: 0, result: MIXED }, SURROUNDINGS);
    const stations = stationsOf(locatedPath(found, ADDRESSES)) ?? [];
    expect(drawn(stations)).toBe('0 - 1 - 2 - 3 - 4');
    expect(stations.map(({ kind }) => kind).filter((kind) => kind !== 'gap')).toEqual([
      'here',
      'router',
      'router',
      'router',
      'far_end',
    ]);
    expect(stations.flatMap(({ address }) => address ?? [])).toEqual(['192.168.1.1', '100.64.2.1']);
  });

  test.each<[string, ForgettingBox, string, (number | undefined)?, number?]>([
    ['a router', { kind: 'router', hop: 2, kc: 2, ks: 2 }, '0 - 1 - 2! - 3 - 4'],
    ['one that looks first', { kind: 'ttl_first', hop: 1, kc: 2, ks: 4 }, '0 - 1! - 2 - 3 - 4'],
    ['the modem', { kind: 'transparent', after: 0, kc: 1, ks: 4 }, '0 -! 1 - 2 - 3 - 4'],
    ['this host', { kind: 'transparent', after: 0, kc: 1, ks: 4 }, '0! - 1 - 2 - 3 - 4', 3600],
    ['between two', { kind: 'transparent', after: 2, kc: 3, ks: 2 }, '0 - 1 - 2 -! 3 - 4'],
    ['the far end', { kind: 'transparent', after: 3, kc: 4, ks: 1 }, '0 - 1 - 2 - 3 - 4!', undefined, 3600],
    ['two', { kind: 'several', kc: 3, ks: 3 }, '0 - 1? -? 2? -? 3? - 4'],
    ['two at the ends', { kind: 'several', kc: 4, ks: 4 }, '0 -? 1? - 2 - 3? -? 4'],
    ["this end's row", { kind: 'one_sided', kc: 1 }, '0 -? 1? - 2 - 3 - 4'],
    ["the far end's row", { kind: 'one_sided', ks: 1 }, '0 - 1 - 2 - 3? -? 4'],
  ])('marks %s', (_what, box, expected, local, far) => {
    expect(draw(box, local, far)).toBe(expected);
  });

  test("does not put what the far end counts on this end's hops where both count otherwise", () => {
    const path = { kind: 'one_sided', ks: 2, addresses: [] } as const;
    expect(drawn(stationsOf({ ...path, hops: { client: 3, responder: 5 } }))).toBe('0 - 1 - 2 - 3 - 4');
    expect(drawn(stationsOf({ ...path, hops: { responder: 3 } }))).toBe('0 - 1 - 2? -? 3? - 4');
    expect(stationsOf({ ...path, hops: {} })).toBeUndefined();
  });

  test('a path without routers is one gap', () => {
    const path = { kind: 'transparent', hop: '0-1', kc: 1, ks: 1, place: 'before_hop_1' } as const;
    expect(drawn(stationsOf({ ...path, addresses: [], hops: { client: 0, responder: 0 } }))).toBe('0 -! 1');
  });
});
