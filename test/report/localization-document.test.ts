import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { localizationDocument, localizationSchema } from '../../src/report/localization-document.js';
import { buildDocument } from '../../src/report/build.js';
import { BRIDGE_MODEM, CGN, locating, locatingAgain, MIXED, PROFILE } from '../support/located.js';
import { forgettingTarget, SCENE_TIME } from '../support/fake-view.js';

const asIs = (at: number): number => at;

describe('localizationDocument()', () => {
  test.each([
    ['a box', locating({ result: BRIDGE_MODEM })],
    ['a box with its profile', locating({ result: BRIDGE_MODEM, profile: PROFILE })],
    ['a box that is asked for again', locatingAgain({ result: CGN })],
    ['why there is none', locating({ result: MIXED })],
  ])('%s fits the schema', (_what, known) => {
    const document = localizationDocument(known, asIs);
    expect(localizationSchema(z.number()).safeParse(document).error).toBeUndefined();
    expect(localizationSchema(z.number()).safeParse({ ...document, surprise: 1 }).success).toBe(false);
  });

  test('has rows, counts and the moment of what was found', () => {
    const [send, recv] = localizationDocument(locating({ result: BRIDGE_MODEM }), asIs).modes;
    expect(send).toMatchObject({
      state: 'located',
      found: { at: SCENE_TIME - 3600, kind: 'transparent', hop: '0-1', place: 'before_hop_1', kc: 1, ks: 4 },
    });
    expect(send?.found?.evidence.client_row.map(({ ttl, alive }) => [ttl, alive])).toEqual([
      [0, 0],
      [1, 3],
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
    expect(send?.found?.evidence.responder_row.map(({ ttl }) => ttl)).toEqual([0, 1, 2, 3, 4]);
    expect(send?.found?.evidence.harm).toHaveLength(2);
    expect(recv).toEqual({
      mode: 'recv',
      state: 'idle',
      why: 'it forgets when send does, where it is located',
    });
  });

  test('keeps what was found while it is asked again, and says why nothing was', () => {
    const [again] = localizationDocument(locatingAgain({ result: CGN }), asIs).modes;
    expect(again).toMatchObject({
      state: 'running',
      running: { left_seconds: 7200 },
      found: { place: 'cgn_hop' },
    });
    const [mixed] = localizationDocument(locating({ result: MIXED }), asIs).modes;
    expect(mixed).toMatchObject({ state: 'not_located', found: { reason: 'mixed' } });
    expect(mixed?.found).not.toHaveProperty('kind');
  });
});

test('addresses of routers are masked in a report that is redacted, in sentences too', () => {
  const snapshot = { ...forgettingTarget(), locating: locating({ result: CGN }) };
  const build = (redact: boolean): string =>
    JSON.stringify(buildDocument({ snapshot, at: SCENE_TIME, version: '0' }, { redact }).localization);
  expect(build(false)).toContain('hop 2 (100.64.2.1)');
  expect(build(true)).not.toContain('100.64.2.1');
  expect(build(true)).toMatch(/hop 2 \(address-\d\)/);
});
