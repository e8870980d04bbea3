/** The bytes of the kernel's error queue, written by hand; on a real path with routers it is read in the namespace lab. */
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import * as linux from '../../../src/net/socket-options/linux.js';
import { timeExceededSender } from '../../../src/net/socket-options/time-exceeded.js';

const ICMP = { origin: 2, type: 11, code: 0 };
const ICMP6 = { origin: 3, type: 3, code: 0 };

/** One control message, as long as the kernel's own unless told otherwise. */
function message(
  what: { readonly origin: number; readonly type: number; readonly code: number },
  sender: string,
  { wordBytes = 8, length = 200, family = 0 } = {},
): Uint8Array {
  const bytes = new Uint8Array(200);
  const view = new DataView(bytes.buffer);
  const error = wordBytes + 8;
  bytes.set([what.origin, what.type, what.code], error + 4);
  const octets = ipaddr.parse(sender).toByteArray();
  const isIpv6 = octets.length === 16;
  view.setUint16(error + 16, family || (isIpv6 ? linux.AF_INET6 : linux.AF_INET), linux.LITTLE_ENDIAN);
  bytes.set(octets, error + 16 + (isIpv6 ? 8 : 4));
  return bytes.subarray(0, length);
}

describe('timeExceededSender()', () => {
  it.each([4, 8])('reads who discarded the packet, with words of %d bytes', (wordBytes) => {
    expect(timeExceededSender(message(ICMP, '192.0.2.7', { wordBytes }), wordBytes)).toBe('192.0.2.7');
    expect(timeExceededSender(message(ICMP6, '2001:db8::7', { wordBytes }), wordBytes)).toBe('2001:db8::7');
  });

  it('reads a message that is no longer than it has to be', () => {
    expect(timeExceededSender(message(ICMP, '192.0.2.7', { length: 48 }), 8)).toBe('192.0.2.7');
    expect(timeExceededSender(message(ICMP6, '2001:db8::7', { length: 56 }), 8)).toBe('2001:db8::7');
  });

  it.each([
    ['of another origin', message({ ...ICMP, origin: 1 }, '192.0.2.7')],
    ['of another type', message({ ...ICMP, type: 3 }, '192.0.2.7')],
    ['of another code: a fragment that was waited for', message({ ...ICMP, code: 1 }, '192.0.2.7')],
    ['of the other family', message({ ...ICMP, origin: 3 }, '192.0.2.7')],
    ['of an unknown family', message(ICMP, '192.0.2.7', { family: 99 })],
    ['cut off', message(ICMP, '192.0.2.7', { length: 47 })],
    ['cut off within an IPv6 address', message(ICMP6, '2001:db8::7', { length: 55 })],
  ])('knows nobody from a message %s', (_what, bytes) => {
    expect(timeExceededSender(bytes, 8)).toBeUndefined();
  });
});
