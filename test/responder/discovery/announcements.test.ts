/** The book of announced exporters, with a clock that the test moves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Announcements,
  type AnnouncementsOptions,
  type Announcer,
} from '../../../src/responder/discovery/announcements.js';
import { RESERVED_LABEL_NAMES } from '../../../src/config/labels.js';
import { announcements as anyAnnouncement } from '../../wire/arbitraries.js';

const TTL = 90;

function book(options: Partial<AnnouncementsOptions> = {}) {
  let now = 5000;
  const announcements = new Announcements({ ttl: TTL, now: () => now, ...options });
  return {
    announcements,
    advance: (seconds: number) => {
      now += seconds;
    },
    addresses: () => announcements.groups().map(({ targets: [address] }) => address),
  };
}

const from = (seen: string, session = `session of ${seen}`): Announcer => ({ seen, session });
const ALICE = from('203.0.113.1');
const BOB = from('203.0.113.2');

describe('Announcements', () => {
  it('lists what was announced in the form of HTTP service discovery', () => {
    const { announcements } = book();
    const labels = { site: 'home', isp: 'example' };
    announcements.take(ALICE, { address: 'Exporter.Example.:15382', scheme: 'https', path: '/m', labels });
    expect(announcements.groups()).toEqual([
      {
        targets: ['exporter.example:15382'],
        labels: {
          __scheme__: 'https',
          __metrics_path__: '/m',
          __meta_nat_idle_host: 'exporter.example',
          __meta_nat_idle_seen_address: '203.0.113.1',
          __meta_nat_idle_label_site: 'home',
          __meta_nat_idle_label_isp: 'example',
        },
      },
    ]);
  });

  it('leaves scheme and path to the reader where nothing was said, and fills in the host that it sees', () => {
    const { announcements } = book();
    announcements.take(ALICE, { address: ':15382' });
    announcements.take(from('2001:db8::9'), { address: ':15382' });
    expect(announcements.groups()).toEqual([
      {
        targets: ['203.0.113.1:15382'],
        labels: { __meta_nat_idle_host: '203.0.113.1', __meta_nat_idle_seen_address: '203.0.113.1' },
      },
      {
        targets: ['[2001:db8::9]:15382'],
        labels: { __meta_nat_idle_host: '2001:db8::9', __meta_nat_idle_seen_address: '2001:db8::9' },
      },
    ]);
  });

  it('is empty at first', () => {
    expect(book().announcements.groups()).toEqual([]);
  });

  it('forgets an exporter that was silent for the time to live, and no sooner', () => {
    const { announcements, advance, addresses } = book();
    announcements.take(ALICE, { address: 'a.example:1' });
    advance(60);
    announcements.take(BOB, { address: 'b.example:1' });
    advance(TTL - 60 - 0.001);
    expect(addresses()).toEqual(['a.example:1', 'b.example:1']);
    advance(0.001);
    expect(addresses()).toEqual(['b.example:1']);
    advance(60);
    expect(announcements.size).toBe(0);
  });

  it('asks for three announcements in the time to live, whole seconds and at least one', () => {
    expect(book().announcements.interval).toBe(30);
    expect(book({ ttl: 900 }).announcements.interval).toBe(300);
    expect(book({ ttl: 5 }).announcements.interval).toBe(1);
  });

  it('replaces an exporter that announces itself again: one entry with the newest labels, alive for longer', () => {
    const { announcements, advance } = book();
    announcements.take(ALICE, { address: '192.0.2.9:1', labels: { site: 'old' } });
    advance(60);
    announcements.take(ALICE, { address: '192.0.2.9:1', labels: { site: 'new' } });
    advance(60);
    expect(announcements.groups()).toMatchObject([{ labels: { __meta_nat_idle_label_site: 'new' } }]);
  });

  it('knows one address in several spellings', () => {
    const { announcements, addresses } = book();
    announcements.take(ALICE, { address: '[2001:db8:0:0:0:0:0:1]:1' });
    announcements.take(ALICE, { address: '[2001:DB8::1]:1' });
    announcements.take(ALICE, { address: '192.0.2.9:1' });
    announcements.take(ALICE, { address: '[::ffff:192.0.2.9]:1' });
    announcements.take(ALICE, { address: 'A.example:1' });
    announcements.take(ALICE, { address: 'a.EXAMPLE.:1' });
    expect(addresses()).toEqual(['192.0.2.9:1', '[2001:db8::1]:1', 'a.example:1']);
  });

  it('lets nobody else change an address, but repeat it, until it has expired', () => {
    const { announcements, advance } = book();
    const site = (name: string) => ({ address: 'a.example:1', labels: { site: name } });
    announcements.take(ALICE, site('home'));
    expect(announcements.take(BOB, site('elsewhere'))).toMatchObject({ reason: 'taken' });
    advance(60);
    expect(announcements.take(BOB, site('home'))).toBeUndefined();
    advance(60);
    // Bob has kept it alive, and it is still Alice's.
    expect(announcements.groups()).toMatchObject([
      { labels: { __meta_nat_idle_label_site: 'home', __meta_nat_idle_seen_address: '203.0.113.1' } },
    ]);
    expect(announcements.take(BOB, site('elsewhere'))).toMatchObject({ reason: 'taken' });
    advance(TTL);
    expect(announcements.take(BOB, site('elsewhere'))).toBeUndefined();
    expect(announcements.refused).toEqual({
      address: 0,
      label: 0,
      taken: 2,
      limit_client: 0,
      limit_total: 0,
    });
  });

  it('follows a session to another address, and a client to another session', () => {
    const { announcements } = book();
    const site = (name: string) => ({ address: 'a.example:1', labels: { site: name } });
    announcements.take(from('203.0.113.1', 'one'), site('a'));
    expect(announcements.take(from('203.0.113.77', 'one'), site('b'))).toBeUndefined();
    expect(announcements.take(from('203.0.113.77', 'two'), site('c'))).toBeUndefined();
    expect(announcements.take(from('203.0.113.1', 'three'), site('d'))).toMatchObject({ reason: 'taken' });
    expect(announcements.groups()).toMatchObject([
      { labels: { __meta_nat_idle_label_site: 'c', __meta_nat_idle_seen_address: '203.0.113.77' } },
    ]);
  });

  describe.each([
    ['IPv4', '198.51.100.7', '198.51.100.7:15382'],
    ['IPv6', '2001:db8:7::1', '[2001:db8:7::1]:15382'],
  ])('an announcer that is seen at the %s address that it announces', (_, host, address) => {
    const victim = from(host);
    const listed = (site: string, seen: string) => [
      {
        targets: [address],
        labels: {
          __meta_nat_idle_host: host,
          __meta_nat_idle_seen_address: seen,
          __meta_nat_idle_label_site: site,
        },
      },
    ];

    it.each([
      ['other values', 'home'],
      ['the same values', 'forged'],
    ])('takes it over with %s from one that is not, and keeps it', (__, site) => {
      const { announcements, advance } = book();
      expect(announcements.take(BOB, { address, labels: { site: 'forged' } })).toBeUndefined();
      expect(announcements.groups()).toEqual(listed('forged', BOB.seen));
      expect(announcements.take(victim, { address: ':15382', labels: { site } })).toBeUndefined();
      expect(announcements.groups()).toEqual(listed(site, host));
      advance(60);
      expect(announcements.take(BOB, { address, labels: { site: 'again' } })).toMatchObject({
        reason: 'taken',
      });
      // A repetition keeps it alive and changes nothing else.
      expect(announcements.take(BOB, { address, labels: { site } })).toBeUndefined();
      advance(60);
      expect(announcements.groups()).toEqual(listed(site, host));
    });

    it('keeps what it announced first', () => {
      const { announcements } = book();
      announcements.take(victim, { address, labels: { site: 'home' } });
      expect(announcements.take(BOB, { address, labels: { site: 'forged' } })).toMatchObject({
        reason: 'taken',
      });
      expect(announcements.take(BOB, { address, labels: { site: 'home' } })).toBeUndefined();
      expect(announcements.groups()).toEqual(listed('home', host));
    });

    it('may announce it from another address in the same session, and after a restart in another one', () => {
      const { announcements } = book();
      announcements.take(victim, { address, labels: { site: 'a' } });
      expect(announcements.take(from(host, 'restarted'), { address, labels: { site: 'b' } })).toBeUndefined();
      expect(
        announcements.take(from(ALICE.seen, 'restarted'), { address, labels: { site: 'c' } }),
      ).toBeUndefined();
      expect(announcements.groups()).toEqual(listed('c', ALICE.seen));
    });

    it('counts for its own client then, and no longer for the other', () => {
      const { announcements } = book({ maxPerClient: 1 });
      announcements.take(BOB, { address });
      expect(announcements.take(BOB, { address: 'b.example:1' })).toMatchObject({ reason: 'limit_client' });
      announcements.take(victim, { address });
      expect(announcements.take(BOB, { address: 'b.example:1' })).toBeUndefined();
      expect(announcements.take(victim, { address: 'v.example:1' })).toMatchObject({
        reason: 'limit_client',
      });
    });
  });

  it('lets a neighbour in the same /64 change nothing that its owner announced of itself', () => {
    const { announcements } = book();
    const address = '[2001:db8:7::1]:15382';
    const [owner, neighbour] = [from('2001:db8:7::1'), from('2001:db8:7::2')];
    announcements.take(neighbour, { address, labels: { site: 'forged' } });
    expect(announcements.take(owner, { address, labels: { site: 'home' } })).toBeUndefined();
    expect(announcements.take(neighbour, { address, labels: { site: 'forged' } })).toMatchObject({
      reason: 'taken',
    });
    expect(announcements.groups()).toMatchObject([
      { labels: { __meta_nat_idle_label_site: 'home', __meta_nat_idle_seen_address: '2001:db8:7::1' } },
    ]);
  });

  it.each([
    ['127.0.0.1:15382', 'loopback'],
    ['127.9.9.9:1', 'loopback'],
    ['[::1]:1', 'loopback'],
    ['[::ffff:127.0.0.1]:1', 'loopback'],
    ['localhost:1', 'loopback'],
    ['x.LOCALHOST.:1', 'loopback'],
    ['localhost.localdomain:1', 'loopback'],
    ['localhost6.localdomain6:1', 'loopback'],
    ['ip6-localhost:1', 'loopback'],
    ['IP6-Loopback.:1', 'loopback'],
    ['0x7f000001:1', 'loopback'],
    ['0x7f.1.:1', 'loopback'],
    ['0.0.0.0:1', 'unspecified'],
    ['[::]:1', 'unspecified'],
    ['169.254.169.254:80', 'link-local'],
    ['0xa9.0xfe.0xa9.0xfe:80', 'link-local'],
    ['0xa9.0xfe.0xa9.0xfe.:80', 'link-local'],
    ['0XA9.0xFE.0xa9.254.:80', 'link-local'],
    ['[fe80::1]:1', 'link-local'],
    ['[fd00:ec2::254]:80', 'metadata service'],
    ['[FD00:0EC2:0::0254]:80', 'metadata service'],
    ['100.100.100.200:80', 'metadata service'],
    ['[::ffff:100.100.100.200]:80', 'metadata service'],
    ['0x64.100.100.200.:80', 'metadata service'],
    ['192.0.0.192:80', 'metadata service'],
    ['224.0.0.1:1', 'multicast'],
    ['[ff02::1]:1', 'multicast'],
    ['255.255.255.255:1', 'broadcast'],
    ['[64:ff9b::169.254.169.254]:80', 'link-local'],
    ['[64:ff9b:1::a9fe:a9fe]:80', 'link-local'],
    ['[2002:7f00:1::]:1', 'loopback'],
    ['[fec0::1]:1', 'site-local'],
    ['[100::1]:1', 'discard'],
    ['240.0.0.1:1', 'reserved'],
    ['168.63.129.16:80', 'metadata service'],
    ['[fd20:ce::254]:80', 'metadata service'],
    ['[fd00:c1::a9fe:a9fe]:80', 'metadata service'],
    ['[fd00:42::42]:80', 'metadata service'],
    ['metadata:80', 'metadata'],
    ['Metadata.Google.Internal.:80', 'metadata'],
    ['metadata.goog:80', 'metadata'],
    ['instance-data:80', 'metadata'],
    ['instance-data.ec2.internal:80', 'metadata'],
    ['instance-data.eu-west-1.compute.internal:80', 'metadata'],
    ['kubernetes.default.svc.cluster.local:443', 'cluster service'],
    ['ip6-allnodes:1', 'loopback'],
    ['broadcasthost:1', 'loopback'],
    ['host.docker.internal:1', 'loopback'],
    ['_:1', 'host'],
    ['_x.example:1', 'host'],
    ['x_.example:1', 'host'],
    ['exporter.1:1', 'host'],
    ['exporter.0x7f:1', 'host'],
    ['1.2.3:1', 'host'],
    ['2130706433:1', 'host'],
    ['-a.example:1', 'host'],
    ['a..example:1', 'host'],
    ['no-port', 'host'],
  ])('refuses %s (%s)', (address, word) => {
    const { announcements } = book();
    const refused = announcements.take(ALICE, { address });
    expect(refused).toMatchObject({ reason: 'address' });
    expect(refused?.detail).toContain(word);
    expect(announcements.groups()).toEqual([]);
  });

  it.each([
    '10.1.2.3:1',
    '192.168.1.9:1',
    '100.64.0.9:1',
    '100.100.100.201:1',
    '192.0.0.193:1',
    '[fd00:ec2::253]:1',
    '[fd00::1]:1',
    'exporter:1',
    'a_b.example:1',
    'localhost.example:1',
    'ip6-localhost.example:1',
    'metadata.example:1',
    'kubernetes.example:1',
    '1and1.example:1',
    '[fd20:ce::253]:1',
    '[64:ff9b::198.51.100.7]:1',
    '[64:ff9b:1::10.1.2.3]:1',
    '[2002:c633:6407::1]:1',
    '[2001:db8::200:5efe:10.1.2.3]:1',
  ])('takes %s: where Prometheus may scrape is its operator’s affair', (address) => {
    expect(book().announcements.take(ALICE, { address })).toBeUndefined();
  });

  it.each(RESERVED_LABEL_NAMES)('refuses the label %s, which belongs to a series already', (name) => {
    const { announcements } = book();
    const before = { address: '192.0.2.9:1', labels: { site: 'home' } };
    announcements.take(ALICE, before);
    expect(announcements.take(ALICE, { ...before, labels: { site: 'home', [name]: 'x' } })).toEqual({
      reason: 'label',
      detail: `the label name ${name} is reserved`,
    });
    // What was announced rightly stays.
    expect(announcements.groups()).toMatchObject([{ labels: { __meta_nat_idle_label_site: 'home' } }]);
    expect(announcements.groups()[0]?.labels).not.toHaveProperty(`__meta_nat_idle_label_${name}`);
    expect(announcements.refused.label).toBe(1);
  });

  it('takes a label whose name only resembles a reserved one', () => {
    const labels = { Job: 'a', targets: 'b', exported_instance: 'c' };
    expect(book().announcements.take(ALICE, { address: '192.0.2.9:1', labels })).toBeUndefined();
  });

  it('refuses a host of its own choice where it sees the client on loopback', () => {
    expect(book().announcements.take(from('127.0.0.1'), { address: ':1' })).toMatchObject({
      reason: 'address',
    });
  });

  it('lets a flood of one client push nobody out, and forgets how many it had', () => {
    const { announcements, advance, addresses } = book({ maxPerClient: 3, maxEntries: 5 });
    announcements.take(BOB, { address: 'bob.example:1' });
    const flood = Array.from({ length: 10 }, (_, index) =>
      // A session for each, all from one /64.
      announcements.take(from(`2001:db8::${index + 1}`), { address: `flood-${index}.example:1` }),
    );
    expect(flood.filter((refused) => refused === undefined)).toHaveLength(3);
    expect(announcements.refused.limit_client).toBe(7);
    expect(addresses()).toContain('bob.example:1');
    // What it has already may be repeated at the limit.
    expect(announcements.take(from('2001:db8::1'), { address: 'flood-0.example:1' })).toBeUndefined();
    advance(TTL);
    expect(announcements.take(from('2001:db8::1'), { address: 'flood-9.example:1' })).toBeUndefined();
    expect(addresses()).toEqual(['flood-9.example:1']);
  });

  it('holds no more than it may in all, keeps those it has, and has room again when they expire', () => {
    const { announcements, advance } = book({ maxEntries: 2 });
    announcements.take(ALICE, { address: 'a.example:1' });
    announcements.take(BOB, { address: 'b.example:1' });
    const carol = from('203.0.113.3');
    expect(announcements.take(carol, { address: 'c.example:1' })).toMatchObject({ reason: 'limit_total' });
    expect(announcements.take(BOB, { address: 'b.example:1' })).toBeUndefined();
    expect(announcements.size).toBe(2);
    advance(TTL);
    expect(announcements.take(carol, { address: 'c.example:1' })).toBeUndefined();
  });

  it('keeps its bounds and its order whatever is announced', () => {
    const who = fc.record({
      session: fc.constantFrom('a', 'b', 'c'),
      seen: fc.constantFrom('203.0.113.1', '203.0.113.2', '2001:db8::1'),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(who, anyAnnouncement, fc.nat({ max: 40 })), { maxLength: 40 }),
        (steps) => {
          const { announcements, advance, addresses } = book({ maxPerClient: 4, maxEntries: 8 });
          for (const [announcer, announcement, pause] of steps) {
            advance(pause);
            const before = announcements.size;
            const refused = announcements.take(announcer, announcement);
            if (refused !== undefined) expect(announcements.size).toBe(before);
            // A detail fits into an ERROR.
            if (refused !== undefined) expect(refused.detail).toMatch(/^[\x20-\x7e]{1,64}$/);
            expect(announcements.size).toBeLessThanOrEqual(8);
          }
          expect(addresses()).toEqual([...new Set(addresses())].sort());
          advance(TTL);
          expect(announcements.groups()).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
