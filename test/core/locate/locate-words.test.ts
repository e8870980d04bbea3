import { describe, expect, test } from 'vitest';
import type { ForgettingBox, LocateEvidence, Localization } from '../../../src/core/locate/localization.js';
import {
  evidenceLines,
  localizationSentence,
  mendedSentence,
  profileSentence,
} from '../../../src/core/locate/locate-words.js';
import { hopLabel, type PathSurroundings, placeOf } from '../../../src/core/locate/places.js';

const EVIDENCE: LocateEvidence = {
  mode: 'send',
  lower: 3598,
  upper: 3602,
  idle: 3607,
  interval: 55,
  hops: { client: 3, responder: 3 },
  cells: [
    { k: 0, m: 0, alive: 0, dead: 3 },
    { k: 0, m: 3, alive: 0, dead: 3 },
    { k: 0, m: 4, alive: 3, dead: 0 },
    { k: 1, m: 0, alive: 3, dead: 0 },
    { k: 1, m: 2, alive: 0, dead: 3 },
  ],
  harm: [{ k: 3, m: 0, alive: 1, dead: 0 }],
  lost: {},
};
const NOWHERE: PathSurroundings = { conntrack: {}, guard: 5, addresses: new Map() };
const located = (box: ForgettingBox, evidence: Partial<LocateEvidence> = {}): Localization => ({
  kind: 'located',
  box,
  evidence: { ...EVIDENCE, ...evidence },
});
const say = (
  box: ForgettingBox,
  known: Partial<PathSurroundings> = {},
  evidence: Partial<LocateEvidence> = {},
) => localizationSentence(located(box, evidence), { ...NOWHERE, ...known });

const ROUTER: ForgettingBox = { kind: 'router', hop: 3, kc: 3, ks: 1 };
const BEFORE_HOP_1: ForgettingBox = { kind: 'transparent', after: 0, kc: 1, ks: 4 };
const LAST: ForgettingBox = { kind: 'transparent', after: 3, kc: 4, ks: 1 };

describe('localizationSentence()', () => {
  test('names a router with what it told of itself', () => {
    expect(say(ROUTER)).toBe('The router at hop 3 forgets connections that are idle for 1 h 0 min (3600 s).');
    expect(say(ROUTER, { addresses: new Map([[3, '100.64.2.1']]) })).toBe(
      'The router at hop 3 (100.64.2.1) forgets connections that are idle for 1 h 0 min (3600 s). Its address lies in 100.64.0.0/10, which is kept for carrier-grade NATs (RFC 6598).',
    );
  });

  test("tells the blog's customer to look at the modem, with the evidence", () => {
    expect(say(BEFORE_HOP_1, { addresses: new Map([[1, '10.0.0.1']]) })).toBe(
      "What forgets connections that are idle for 1 h 0 min (3600 s) stands between this computer and hop 1 (10.0.0.1), the first router that can be seen. With every router on the path kept fresh from outside, connections still died (3 of 3); kept fresh only up to hop 1 from here, they lived (3 of 3). So it is not a NAT at hop 1 or beyond, unless hop 1 counts only what comes from inside: look at the modem (also in bridge mode), then at this computer's own firewall.",
    );
  });

  test("names or excludes this host's own connection tracking", () => {
    expect(say(BEFORE_HOP_1, { conntrack: { local: 3600 } })).toContain(
      "This computer's own connection tracking has that very timeout: it is what forgets.",
    );
    expect(say(BEFORE_HOP_1, { conntrack: { local: 432_000 } })).toContain(
      "look at the modem (also in bridge mode); this computer's own connection tracking keeps them for 5 d 0 h (432000 s), it is not that.",
    );
  });

  test("names or excludes the far end's own connection tracking", () => {
    expect(say(LAST, { conntrack: { responder: 3600 } })).toContain(
      "The far end's own connection tracking has that very timeout",
    );
    expect(say(LAST, { conntrack: { responder: 7440 } })).toContain('it is not that');
    expect(say(LAST)).toContain('or its own firewall');
  });

  test('tells what stands between two routers', () => {
    expect(say({ kind: 'transparent', after: 1, kc: 2, ks: 3 })).toBe(
      'Between hop 1 and hop 2 stands something without an address that forgets connections that are idle for 1 h 0 min (3600 s): a modem in bridge mode, a transparent firewall; or a router next to it that handles the TTL differently in the two directions.',
    );
  });

  test('tells several by both ends of where they stand', () => {
    expect(say({ kind: 'several', kc: 3, ks: 3 })).toContain(
      'the nearest stands at hop 1 or right behind it, or at hop 2 if that checks the TTL first; the farthest at hop 3 or right before it, or at hop 2 if that checks the TTL first.',
    );
    expect(say({ kind: 'several', kc: 4, ks: 4 })).toContain(
      'the nearest stands between this computer and hop 1, or is that router; the farthest behind hop 3, the last router, or is that router.',
    );
  });

  test('tells one side by its three candidates, and why there is one side only', () => {
    expect(say({ kind: 'one_sided', kc: 2 }, {}, { hops: { client: 3 } })).toBe(
      'The farthest box that forgets connections that are idle for 1 h 0 min (3600 s) is, counted from here, hop 2, something without an address before it, or hop 1 if that checks the TTL before it remembers. The far end cannot refresh connections by itself: a newer responder would tell which of them it is.',
    );
    expect(say({ kind: 'one_sided', kc: 1 }, {}, { hops: { client: 3 } })).toContain(
      'hop 1, or something without an address between this computer and it.',
    );
    expect(say({ kind: 'one_sided', kc: 4, refreshedBy: 'client' })).toContain(
      'hop 3, the last router, or something without an address between it and the far end. Something on the path counts only packets of this end',
    );
    expect(say({ kind: 'one_sided', ks: 2 }, {}, { hops: { client: 2, responder: 5 } })).toContain(
      'counted from the far end, hop 2, something without an address before it, or hop 1 if that checks the TTL before it remembers. The two ends count different numbers of routers (2 from here, 5 from the far end)',
    );
    expect(say({ kind: 'one_sided', kc: 2 }, {}, { lost: { responder: 'not_refreshed' } })).toContain(
      "The far end's own refreshes say nothing: keepalives that go all the way keep no connection alive",
    );
  });

  test('says why nothing is named', () => {
    const none = (reason: 'mixed' | 'distances_differ'): string =>
      localizationSentence(
        { kind: 'not_located', reason, evidence: { ...EVIDENCE, hops: { client: 2, responder: 4 } } },
        NOWHERE,
      );
    expect(none('mixed')).toBe(
      'Not located: connections that were treated alike fared differently: the path is shared among several, or not steady.',
    );
    expect(none('distances_differ')).toContain('(2 from here, 4 from the far end)');
  });
});

test('evidenceLines() gives both rows, the corner and the harm controls', () => {
  expect(evidenceLines(EVIDENCE)).toEqual([
    'Mode send: connections idled for 3607 s and were kept fresh every 55 s; routers on the path: 3 from here, 3 from the far end.',
    'Kept fresh from here only (TTL 0: not at all): TTL 0 dead (3 of 3), TTL 1 alive (3 of 3).',
    'Kept fresh from the far end only (TTL 0: not at all): TTL 0 dead (3 of 3), TTL 3 dead (3 of 3), TTL 4 alive (3 of 3).',
    'Kept fresh with TTL 1 from here and TTL 2 from the far end: dead (3 of 3).',
    'Harm control, tested below the idle timeout, kept fresh with TTL 3 from here: alive (1 of 1).',
  ]);
});

test('profileSentence() and mendedSentence() give bounds', () => {
  expect(profileSentence({ hop: '3', kind: 'router', lower: 11, upper: 12 })).toBe(
    'Hop 3 forgets idle connections between 11 s and 12 s.',
  );
  expect(profileSentence({ hop: '1-2', kind: 'transparent', lower: 16 })).toBe(
    'Between hops 1 and 2, something keeps idle connections for at least 16 s.',
  );
  expect(profileSentence({ hop: '1-2', kind: 'transparent', lower: 16, upper: 17 })).toBe(
    'Between hops 1 and 2, something, or a router beside it, forgets idle connections between 16 s and 17 s.',
  );
  // What stands at the very place of the box is hidden by it: nothing is promised.
  expect(mendedSentence({ lower: 7435 })).toBe(
    'When that box is mended, nothing else that can be seen forgets within 2 h 3 min (7435 s); one that it hides at its own place may forget sooner.',
  );
  expect(mendedSentence({ lower: 895, upper: 905 })).toBe(
    'When that box is mended, another one forgets idle connections between 14 min 55 s and 15 min 5 s (905 s); one that it hides at its own place may forget sooner.',
  );
});

describe('placeOf() and hopLabel()', () => {
  const place = (box: ForgettingBox, known: Partial<PathSurroundings> = {}, hops = 3): string =>
    placeOf(box, { ...EVIDENCE, hops: { client: hops, responder: hops } }, { ...NOWHERE, ...known });

  test('know a host by its own timeout', () => {
    expect(place(BEFORE_HOP_1)).toBe('before_hop_1');
    expect(place(BEFORE_HOP_1, { conntrack: { local: 3600 } })).toBe('own_host');
    expect(place(BEFORE_HOP_1, { conntrack: { local: 7440, responder: 3600 } })).toBe('before_hop_1');
    expect(place(LAST)).toBe('unknown');
    expect(place(LAST, { conntrack: { responder: 3600 } })).toBe('far_end');
    // Two hosts on one cable with one timeout: either.
    expect(place({ ...BEFORE_HOP_1, ks: 1 }, { conntrack: { local: 3600, responder: 3600 } }, 0)).toBe(
      'unknown',
    );
  });

  test.each([
    ['192.168.1.1', 'private_hop'],
    ['fd00::1', 'private_hop'],
    ['100.64.0.1', 'cgn_hop'],
    ['9.9.9.9', 'public_hop'],
    ['203.0.113.1', 'unknown'],
  ])('know a router at %s as %s', (address, expected) => {
    expect(place(ROUTER, { addresses: new Map([[3, address]]) })).toBe(expected);
    expect(place(ROUTER, { addresses: new Map([[2, address]]) })).toBe('unknown');
  });

  test('write hops as labels', () => {
    expect(hopLabel(ROUTER, 3)).toBe('3');
    expect(hopLabel(BEFORE_HOP_1, 3)).toBe('0-1');
    expect(hopLabel(LAST, 3)).toBe('3-4');
    expect(hopLabel({ kind: 'several', kc: 3, ks: 3 }, 3)).toBe('1,3');
    expect(hopLabel({ kind: 'several', kc: 4, ks: 4 }, 3)).toBe('0-1,3-4');
    expect(hopLabel({ kind: 'one_sided', kc: 3 }, 3)).toBe('');
  });
});
