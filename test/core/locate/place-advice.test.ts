import { describe, expect, test } from 'vitest';
import type { ForgettingBox } from '../../../src/core/locate/localization.js';
import { placeAdvice } from '../../../src/core/locate/place-advice.js';
import { PLACE_WORDS } from '../../../src/core/locate/places.js';
import { ADDRESSES, MIXED } from '../../support/located.js';
import { toldOf } from '../../support/located-targets.js';

const router = (hop: number): ForgettingBox => ({ kind: 'router', hop, kc: hop, ks: 4 - hop });
const gap = (after: number): ForgettingBox => ({ kind: 'transparent', after, kc: after + 1, ks: 4 - after });
const advise = (box: ForgettingBox, ...known: [address?: string, local?: number]) => {
  const [address, local] = known;
  const addresses = address === undefined ? ADDRESSES : [{ hop: 3, address }];
  const told = toldOf(box, new Map(addresses.map((each) => [each.hop, each.address])), local);
  return { place: told.place, ...placeAdvice(told, addresses, 7440) };
};

describe('placeAdvice()', () => {
  test('the modem of the blog: what to do, and no letter', () => {
    const advice = advise(gap(0));
    expect(advice).not.toHaveProperty('letter');
    expect(advice).toEqual({
      place: 'before_hop_1',
      todo: "It stands on this side of hop 1 (192.168.1.1). Switch the firewall of the modem off (in bridge mode it should not track connections at all), update it, or put another one in its place; then look at this computer's own firewall. Measure again after each change.",
    });
  });

  test("the hosts' own tracking: what to set, and no letter", () => {
    expect(advise(gap(0), undefined, 3600)).toEqual({
      place: 'own_host',
      todo: expect.stringContaining('nf_conntrack_tcp_timeout_established = 432000') as string,
    });
    const far = placeAdvice({ ...toldOf(gap(3)), place: 'far_end' }, ADDRESSES, 7440);
    expect(far).toEqual({
      todo: expect.stringMatching(/^Raise the connection tracking of the far end's host/) as string,
    });
  });

  test('a router in 100.64.0.0/10: a letter that names it, and says nothing of its owner', () => {
    expect(advise(router(2))).toEqual({
      place: 'cgn_hop',
      todo: 'Its address is one of 100.64.0.0/10, which providers use inside of their networks: give them the report.',
      letter:
        'Please set, of the router at hop 2 (100.64.2.1) as counted from our computer, the timeout for established TCP connections to at least 2 h 4 min (7440 s).',
    });
  });

  test('a router with a private address may be anybody’s', () => {
    const { todo, letter, place } = advise(router(1));
    expect(place).toBe('private_hop');
    expect(todo).toMatch(
      /^If the router at hop 1 \(192\.168\.1\.1\) is yours, set its timeout .*; then nobody has to be asked\./,
    );
    expect(letter).toMatch(/^If you supplied or run the router at hop 1 \(192\.168\.1\.1\)/);
  });

  test.each<[string, ForgettingBox, string | undefined, string, RegExp, RegExp | undefined]>([
    ['a public router', router(3), '1.2.3.4', 'public_hop', /whois/, /hop 3 \(1\.2\.3\.4\)/],
    [
      'a router that told nothing',
      router(3),
      undefined,
      'unknown',
      /at hop 3 has to mend it/,
      /of the router at hop 3 as/,
    ],
    [
      'between two',
      gap(1),
      undefined,
      'unknown',
      /between hop 1 \(192\.168\.1\.1\) and hop 2/,
      /a transparent firewall/,
    ],
    ['before the far end', gap(3), undefined, 'unknown', /behind hop 3, in front of the far end/, undefined],
    [
      'several',
      { kind: 'several', kc: 3, ks: 3 },
      undefined,
      'unknown',
      /begin with the nearest/,
      /at least two/,
    ],
    ['one side', { kind: 'one_sided', kc: 2 }, undefined, 'unknown', /One end alone/, /which of the devices/],
  ])('%s', (_what, box, address, place, todo, letter) => {
    const advice = advise(box, address);
    expect(advice.place).toBe(place);
    expect(advice.todo).toMatch(todo);
    if (letter === undefined) expect(advice).not.toHaveProperty('letter');
    else expect(advice.letter).toMatch(letter);
  });

  test('where no router is, nobody between is accused', () => {
    const told = toldOf(gap(0));
    const { result } = told;
    const direct = { ...result, evidence: { ...result.evidence, hops: { client: 0, responder: 0 } } };
    expect(placeAdvice({ ...told, result: direct }, [], 7440)).toEqual({
      todo: 'No router stands in between: look at the firewalls of both hosts, and at what connects them.',
    });
  });

  test('nothing is advised where nothing was located', () => {
    expect(placeAdvice({ at: 0, sentence: '', result: MIXED }, [], 7440)).toBeUndefined();
  });

  test('no place names an owner', () => {
    expect(Object.values(PLACE_WORDS).join(' ')).not.toMatch(/provider|your|owner/);
  });
});
