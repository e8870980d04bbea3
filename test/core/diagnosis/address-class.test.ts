import { describe, expect, it } from 'vitest';
import { addressClass, sameAddress } from '../../../src/core/diagnosis/address-class.js';

describe('sameAddress()', () => {
  it.each([
    ['fe80::1%c0', 'fe80::1', true],
    ['fe80::1', 'fe80:0:0:0:0:0:0:1%eth0.2', true],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['2001:DB8::1', '2001:db8:0::1', true],
    ['fe80::1%c0', 'fe80::2', false],
  ])('%s and %s: %s', (one, other, same) => {
    expect(sameAddress(one, other)).toBe(same);
    expect(sameAddress(other, one)).toBe(same);
  });
});

describe('addressClass()', () => {
  it.each([
    ['100.64.0.1', 'cgn'],
    ['100.127.255.255', 'cgn'],
    ['100.128.0.0', 'public'],
    ['192.168.1.2', 'private'],
    ['10.0.0.1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['fd00::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['169.254.1.1', 'link_local'],
    ['fe80::1', 'link_local'],
    ['fe80::1%c0', 'link_local'],
    ['8.8.4.4', 'public'],
    ['2a00:1450::1', 'public'],
    ['224.0.0.1', 'other'],
    ['not an address', 'other'],
  ])('%s is %s', (address, expected) => {
    expect(addressClass(address)).toBe(expected);
  });
});
