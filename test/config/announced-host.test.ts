/** Refused hosts stay refused however they are spelt. */
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it, vi } from 'vitest';
import { announcedHost } from '../../src/config/announced-host.js';
import { announcedAddress } from '../../src/config/fields.js';

// The many inputs take seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const groups = fc.array(fc.nat({ max: 0xffff }), { minLength: 8, maxLength: 8 });
const within = (text: string) =>
  fc.nat({ max: 0xffff_ffff }).map((random) => {
    const [prefix, length] = ipaddr.IPv4.parseCIDR(text);
    const base = prefix.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
    return base + (random % 2 ** (32 - length));
  });
const refused = fc.oneof(
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'].map(within),
  ...['168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32', '255.255.255.255/32'].map(within),
);
const served = fc.oneof(
  ...['10.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12', '203.0.113.0/24', '8.8.8.0/24'].map(within),
);

const hex = (value: number): string => value.toString(16);
/** All places in which an IPv6 address may have an IPv4 address; random stands for what is free. */
function embeddings(four: number, random: readonly number[]): string[] {
  const [high, low] = [four >>> 16, four & 0xffff];
  const tail = `${hex(high)}:${hex(low)}`;
  const [a, b, c, d] = [four >>> 24, (four >>> 16) & 255, (four >>> 8) & 255, four & 255] as const;
  const free = random.map(hex);
  const dotted = [a, b, c, d].join('.');
  return [
    `::ffff:${dotted}`,
    `::ffff:${tail}`,
    `::ffff:0:${tail}`,
    `::ffff:0:${dotted}`,
    `::${tail}`,
    `64:ff9b::${tail}`,
    `64:ff9b::${dotted}`,
    `64:ff9b:1::${tail}`,
    `2002:${tail}:${free.slice(0, 5).join(':')}`,
    `2001:0:${tail}:${free.slice(0, 4).join(':')}`,
    `2001:0:5db8:d822:${free.slice(0, 2).join(':')}:${hex(high ^ 0xffff)}:${hex(low ^ 0xffff)}`,
    `2001:db8:${free.slice(0, 2).join(':')}:0:5efe:${tail}`,
    `2001:db8:${free.slice(0, 2).join(':')}:200:5efe:${tail}`,
    // RFC 6052 with /48, /56 and /64; a leading zero byte is no address there.
    ...(a === 0
      ? []
      : [
          `64:ff9b:1:${hex(high)}:${hex(c)}:${hex(d << 8)}::`,
          `64:ff9b:1:${hex(a)}:${hex(b)}:${hex((c << 8) | d)}::`,
          `64:ff9b:1:0:${hex(a)}:${hex((b << 8) | c)}:${hex(d << 8)}:0`,
        ]),
  ];
}

/** Whether a configuration may announce it. */
const configurable = (host: string): boolean =>
  announcedAddress('').safeParse(host.includes(':') ? `[${host}]:1` : `${host}:1`).success;

describe('announcedHost()', () => {
  it('refuses every embedding of an IPv4 address that it refuses, and so does the configuration', () => {
    fc.assert(
      fc.property(refused, groups, (four, random) => {
        const plain = ipaddr.fromByteArray([24, 16, 8, 0].map((shift) => (four >>> shift) & 255)).toString();
        for (const host of [plain, ...embeddings(four, random)]) {
          expect([host, announcedHost(host)]).toEqual([host, expect.stringMatching(/^[\x20-\x7e]{1,64}$/)]);
          expect([host, configurable(host)]).toEqual([host, false]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('serves embeddings of an address that it serves', () => {
    fc.assert(
      fc.property(served, (four) => {
        const random = [0x2001, 0xdb8, 0x1234, 0x5678, 0x9abc, 1, 2, 3];
        // Of a Teredo address the server counts, too; where lengths are unknown, each may be meant.
        const several = /^(?:2001:0:|64:ff9b:1:[0-9a-f])/;
        for (const host of embeddings(four, random).filter((each) => !several.test(each))) {
          expect([host, announcedHost(host)]).toEqual([host, expect.objectContaining({})]);
          expect([host, configurable(host)]).toEqual([host, true]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each(['metadata', 'metadata.google.internal.', 'ip6-allnodes', '_', 'kubernetes.default.svc'])(
    'refuses the name %s in a configuration, too',
    (name) => {
      expect(announcedHost(name)).toBeTypeOf('string');
      expect(configurable(name)).toBe(false);
    },
  );
});
