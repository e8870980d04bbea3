import { describe, expect, it } from 'vitest';
import { addressClass } from '../../../src/core/diagnosis/address-class.js';

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
    ['8.8.4.4', 'public'],
    ['2a00:1450::1', 'public'],
    ['224.0.0.1', 'other'],
    ['not an address', 'other'],
  ])('%s is %s', (address, expected) => {
    expect(addressClass(address)).toBe(expected);
  });
});
