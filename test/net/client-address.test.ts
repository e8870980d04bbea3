import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientKey, plainAddress } from '../../src/net/client-address.js';

describe('clientKey', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3::192.0.2.1', '1:2:3:0::/64'],
    ['2001:db8::ffff:192.0.2.1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('of %s is %s', (address, key) => {
    expect(clientKey(address)).toBe(key);
  });

  it('is the same for all addresses of a /64 and differs between two', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const four = fc.tuple(group, group, group, group);
    const text = (parts: readonly number[]) => parts.map((part) => part.toString(16)).join(':');
    fc.assert(
      fc.property(four, four, four, (one, other, host) => {
        const key = clientKey(`${text(one)}:${text(host)}`);
        expect(key).toBe(clientKey(`${text(one)}::`));
        expect(key === clientKey(`${text(other)}:${text(host)}`)).toBe(text(one) === text(other));
      }),
    );
  });

  it('plainAddress() drops a zone', () => {
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
  });
});
