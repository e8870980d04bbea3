import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type HostAddresses, interfaceAddress } from '../../src/net/interface-address.js';

const [PUBLIC_V4, PUBLIC_V6, LOCAL_V6] = ['8.8.8.8', '2600::1', 'fd00::1'] as const;
const DEVICES = 'Inter-|   Receive\n face |bytes\n    lo: 1 2\n  wan: 3 4\n';

/** A host whose interface `wan` has these addresses, with the kernel's flags where they have any. */
function host(addresses: Readonly<Record<string, number>>, devices = DEVICES): HostAddresses {
  const own = Object.keys(addresses).map((address) => ({
    address,
    family: address.includes(':') ? 'IPv6' : 'IPv4',
  }));
  const lines = Object.entries(addresses).map(([address, flags]) => {
    const groups = address.split('::');
    const [head = [], tail = []] = groups.map((part) => part.split(':').filter(Boolean));
    const middle = Array.from({ length: 8 - head.length - tail.length }, () => '0');
    const hex = [...head, ...middle, ...tail].map((group) => group.padStart(4, '0')).join('');
    return `${hex} 02 40 00 ${flags.toString(16).padStart(2, '0')}      wan`;
  });
  const interfaces = own.length === 0 ? {} : { wan: own as NetworkInterfaceInfo[] };
  return { interfaces, flags: lines.join('\n'), devices };
}

describe('interfaceAddress', () => {
  it('is of the family of the far end', () => {
    const both = host({ '192.168.1.7': 0, '2600::7': 0x80 });
    expect(interfaceAddress('wan', PUBLIC_V4, undefined, both)).toBe('192.168.1.7');
    expect(interfaceAddress('wan', PUBLIC_V6, undefined, both)).toBe('2600::7');
  });

  it.each<[string, Readonly<Record<string, number>>, string, string]>([
    ['a stable address before a temporary one', { '2600::a': 0x01, '2600::b': 0 }, PUBLIC_V6, '2600::b'],
    ['a temporary one before a deprecated one', { '2600::a': 0x20, '2600::b': 0x01 }, PUBLIC_V6, '2600::b'],
    ['a deprecated one before link-local', { 'fe80::a': 0x80, '2600::b': 0x20 }, PUBLIC_V6, '2600::b'],
    ['a public one for a public far end', { 'fd00::a': 0, '2600::b': 0x01 }, PUBLIC_V6, '2600::b'],
    ['a local one for a local far end', { '2600::a': 0, 'fd00::b': 0x01 }, LOCAL_V6, 'fd00::b'],
    [
      'a usable one before one that is being tried out',
      { '2600::a': 0x40, '2600::b': 0x21 },
      PUBLIC_V6,
      '2600::b',
    ],
    ['no duplicate', { '2600::a': 0x08, 'fd00::b': 0 }, PUBLIC_V6, 'fd00::b'],
    ['one that may be used while it is tried out', { '2600::a': 0x44, 'fd00::b': 0 }, PUBLIC_V6, '2600::a'],
    ['link-local with its interface, where there is no other', { 'fe80::a': 0x80 }, PUBLIC_V6, 'fe80::a%wan'],
    ['link-local for a link-local far end', { '2600::a': 0, 'fe80::b': 0 }, 'fe80::9%wan', 'fe80::b%wan'],
    ['169.254.0.0/16 last', { '169.254.3.4': 0, '192.168.1.7': 0 }, PUBLIC_V4, '192.168.1.7'],
    ['169.254.0.0/16 where there is no other', { '169.254.3.4': 0 }, PUBLIC_V4, '169.254.3.4'],
    ['the first of equal ones', { '192.168.1.7': 0, '192.168.1.8': 0 }, PUBLIC_V4, '192.168.1.7'],
  ])('is %s', (_what, addresses, remote, expected) => {
    expect(interfaceAddress('wan', remote, undefined, host(addresses))).toBe(expected);
  });

  it('stays the one in use while none is better', () => {
    const equal = host({ '2600::a': 0, '2600::b': 0, 'fe80::a': 0, 'fe80::b': 0 });
    expect(interfaceAddress('wan', PUBLIC_V6, '2600::b', equal)).toBe('2600::b');
    expect(interfaceAddress('wan', PUBLIC_V6, '2600::c', equal)).toBe('2600::a');
    expect(interfaceAddress('wan', 'fe80::9', 'fe80::b%wan', equal)).toBe('fe80::b%wan');
    const renumbered = host({ '2600::a': 0, '2600::b': 0x20 });
    expect(interfaceAddress('wan', PUBLIC_V6, '2600::b', renumbered)).toBe('2600::a');
  });

  it('takes addresses whose flags nobody knows as they come', () => {
    const { interfaces } = host({ '2600::a': 0x20, '2600::b': 0 });
    expect(interfaceAddress('wan', PUBLIC_V6, undefined, { interfaces, flags: '', devices: '' })).toBe(
      '2600::a',
    );
  });

  it.each<[string, HostAddresses, string]>([
    ['does not exist', host({}, '    lo: 1 2\n'), 'interface wan does not exist'],
    ['has no address', host({}), 'interface wan is down or has no IPv4 address'],
    ['has only one of the other family', host({ '2600::a': 0 }), 'interface wan has no IPv4 address'],
    [
      'is unknown where nobody lists interfaces',
      host({}, ''),
      'interface wan is down or has no IPv4 address',
    ],
  ])('says that the interface %s', (_what, addresses, message) => {
    expect(() => interfaceAddress('wan', PUBLIC_V4, undefined, addresses)).toThrow(
      expect.objectContaining({ message, remedy: 'interface' }),
    );
  });

  it("reads this host's own", () => {
    expect(interfaceAddress('lo', '127.0.0.1')).toBe('127.0.0.1');
    for (const name of ['nothere0', 'constructor', '__proto__'])
      expect(() => interfaceAddress(name, '127.0.0.1')).toThrow(`interface ${name} does not exist`);
  });
});
