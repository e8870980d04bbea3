import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Admission,
  type Client,
  clientKey,
  type Evictable,
  plainAddress,
} from '../../src/responder/admission.js';
import { openFileLimit } from '../../src/descriptors.js';
import { processRoom, resolveLimits, WORKER_ROOM } from '../../src/responder/limits.js';
import { isExposed } from '../../src/responder/listener.js';

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

describe('Admission', () => {
  const limits = { maxConnections: 6, maxConnectionsPerClient: 3, maxConnectionsPerProcess: 100 };

  it('never exceeds its limits and counts exactly, whatever comes and goes', () => {
    const step = fc.record({
      client: fc.integer({ min: 1, max: 5 }),
      what: fc.nat({ max: 3 }),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const admission = new Admission(limits);
        const open: { client: Client; connection: Evictable }[] = [];
        const leave = (entry: (typeof open)[number] | undefined): void => {
          if (entry === undefined) return;
          open.splice(open.indexOf(entry), 1);
          admission.settle(entry.client, entry.connection);
          admission.release(entry.client);
        };
        for (const { client: number, what, at } of steps) {
          const some = open[at % Math.max(1, open.length)];
          if (what === 0) leave(some);
          else if (what === 1 && some !== undefined) admission.settle(some.client, some.connection);
          else {
            const client = admission.admit(`192.0.2.${number}`);
            if (typeof client !== 'string') {
              const entry = { client, connection: { evict: () => leave(entry) } };
              open.push(entry);
              admission.wait(client, entry.connection);
            }
          }
          expect(admission.connections).toBe(open.length);
          expect(open.length).toBeLessThanOrEqual(limits.maxConnections);
          for (const { client } of open) {
            expect(client.connections).toBe(open.filter((other) => other.client === client).length);
            expect(client.connections).toBeLessThanOrEqual(limits.maxConnectionsPerClient);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses when nobody can give way', () => {
    const admission = new Admission(limits);
    for (let index = 0; index < 6; index += 1) admission.admit(`192.0.2.${index % 2}`);
    expect(admission.admit('192.0.2.0')).toBe('limit_client');
    expect(admission.admit('192.0.2.9')).toBe('limit_total');
  });

  it('counts what other processes hold, and says what this one holds', () => {
    const reports: number[] = [];
    const admission = new Admission(limits, (connections) => reports.push(connections));
    const client = admission.admit('192.0.2.1');
    admission.elsewhere = 5;
    expect(admission.admit('192.0.2.2')).toBe('limit_total');
    admission.elsewhere = 4;
    expect(admission.admit('192.0.2.2')).toBeTypeOf('object');
    if (typeof client !== 'string') admission.release(client);
    expect(reports).toEqual([1, 2, 1]);
  });

  it('holds the limit of its process below that of all', () => {
    const admission = new Admission({ ...limits, maxConnectionsPerProcess: 1 });
    admission.admit('192.0.2.1');
    expect(admission.admit('192.0.2.2')).toBe('limit_total');
  });
});

describe('resolveLimits', () => {
  it('stays below the limit of open descriptors', () => {
    expect(resolveLimits({ maxConnections: 1e9 }).maxConnectionsPerProcess).toBe(openFileLimit() - 256);
    expect(resolveLimits({ maxConnectionsPerProcess: 20 }).maxConnectionsPerProcess).toBe(20);
  });

  it('processRoom() bounds each of several processes, whatever its descriptors', () => {
    // 37 µs for each were seen; a client waits 2 s before it asks its canaries.
    expect(WORKER_ROOM * 37e-6).toBeLessThan(1);
    expect(processRoom(2, 65_536)).toBe(WORKER_ROOM);
    expect(processRoom(2, Number.POSITIVE_INFINITY)).toBe(WORKER_ROOM);
    expect(processRoom(2, 1024)).toBe(768);
    expect(processRoom(1, 65_536)).toBe(65_536 - 256);
    expect(resolveLimits({ maxConnectionsPerProcess: 1e9 }, 2).maxConnectionsPerProcess).toBeLessThanOrEqual(
      WORKER_ROOM,
    );
  });
});

describe('isExposed', () => {
  it('spares only loopback', () => {
    const hosts = [undefined, '0.0.0.0', '::', '192.0.2.1', '127.0.0.1', '::1', 'localhost'];
    const exposed = hosts.map((host) => isExposed(host === undefined ? { port: 1 } : { host, port: 1 }));
    expect(exposed).toEqual([true, true, true, true, false, false, false]);
  });
});
