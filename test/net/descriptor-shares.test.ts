import { expect, test } from 'vitest';
import { RESERVED_DESCRIPTORS, siteShare } from '../../src/net/descriptor-shares.js';

test.each([64, 256, 300, 512, 1024, 65_536, Number.POSITIVE_INFINITY])(
  'siteShare() of %d descriptors leaves room for the rest of the process and for who asks',
  (descriptors) => {
    const share = siteShare(descriptors);
    expect(share.connections).toBeLessThanOrEqual(Math.min(descriptors, RESERVED_DESCRIPTORS) / 2);
    expect(share.perClient).toBeLessThanOrEqual(share.connections / 2);
    // A browser has six connections, one of them a stream, and there are scrapers beside it.
    expect(share.perClient).toBeGreaterThanOrEqual(8);
    expect(share.streams).toBeLessThanOrEqual(share.connections - 4);
    expect(share.streamsPerClient).toBeLessThanOrEqual(share.perClient - 2);
    expect(share.streamsPerClient).toBeGreaterThanOrEqual(6);
  },
);

test('siteShare() is 128 connections where descriptors abound', () => {
  const whole = { connections: 128, perClient: 64, streams: 96, streamsPerClient: 48 };
  expect(siteShare(Number.POSITIVE_INFINITY)).toEqual(whole);
  expect(siteShare(512)).toEqual(whole);
});
