import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openFileLimit } from '../../src/descriptors.js';
import { Admission, type Client, type Pool, type Evictable } from '../../src/responder/admission.js';
import { processRoom, resolveLimits, WORKER_ROOM } from '../../src/responder/limits.js';
import { isExposed } from '../../src/responder/listener.js';

describe('Admission', () => {
  const limits = {
    maxConnections: 6,
    maxConnectionsPerClient: 3,
    maxConnectionsPerProcess: 100,
    maxLegacyConnections: 2,
  };

  it('never exceeds its limits and counts exactly, whatever comes and goes', () => {
    const step = fc.record({
      client: fc.integer({ min: 1, max: 5 }),
      what: fc.nat({ max: 3 }),
      pool: fc.constantFrom<Pool>('native', 'legacy'),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const admission = new Admission(limits);
        const open: { client: Client; pool: Pool; connection: Evictable }[] = [];
        const leave = (entry: (typeof open)[number] | undefined): void => {
          if (entry === undefined) return;
          open.splice(open.indexOf(entry), 1);
          admission.settle(entry.client, entry.connection);
          admission.release(entry.client, entry.pool);
        };
        for (const { client: number, what, at, pool } of steps) {
          const some = open[at % Math.max(1, open.length)];
          if (what === 0) leave(some);
          else if (what === 1 && some !== undefined) admission.settle(some.client, some.connection);
          else {
            const client = admission.admit(`192.0.2.${number}`, pool);
            if (typeof client !== 'string') {
              const entry = { client, pool, connection: { evict: () => leave(entry) } };
              open.push(entry);
              if (pool === 'native') admission.waitForOpening(client, entry.connection);
              else admission.waitForRequest(entry.connection);
            }
          }
          expect(admission.connections).toBe(open.length);
          expect(open.length).toBeLessThanOrEqual(limits.maxConnections);
          const legacy = open.filter(({ pool }) => pool === 'legacy').length;
          expect(legacy).toBeLessThanOrEqual(limits.maxLegacyConnections);
          for (const { client } of open) {
            const own = open.filter((other) => other.client === client);
            expect(client.connections).toBe(own.filter(({ pool }) => pool === 'native').length);
            expect(client.legacy).toBe(own.filter(({ pool }) => pool === 'legacy').length);
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

  it('lets silent legacy callers give way to native callers, and to newer ones where their pool is full', () => {
    const roomy = { ...limits, maxLegacyConnections: 4, maxConnectionsPerClient: 10 };
    const admission = new Admission(roomy);
    const ended: number[] = [];
    const come = (host: number): Client | string => {
      const client = admission.admit(`192.0.2.${host}`, 'legacy');
      if (typeof client === 'string') return client;
      const caller: Evictable = {
        evict: () => {
          ended.push(host);
          admission.settle(client, caller);
          admission.release(client, 'legacy');
        },
      };
      admission.waitForRequest(caller);
      return client;
    };
    for (const host of [1, 2, 3, 4]) expect(come(host)).toBeTypeOf('object');
    expect(come(5)).toBeTypeOf('object');
    expect(ended).toEqual([1]);
    for (let native = 0; native < 6; native += 1) {
      expect(admission.admit('192.0.2.9')).toBeTypeOf('object');
    }
    expect(ended).toEqual([1, 2, 3, 4, 5]);
    // Of what is full of opened connections nobody gets a place, and a legacy caller costs nobody his.
    expect(admission.admit('192.0.2.9')).toBe('limit_total');
    expect(come(6)).toBe('limit_total');
  });

  it('does not let one client push the others out of the legacy pool', () => {
    const admission = new Admission({ ...limits, maxLegacyConnections: 4, maxConnectionsPerClient: 10 });
    const ended: string[] = [];
    for (const host of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']) {
      const client = admission.admit(host, 'legacy');
      if (typeof client === 'object') admission.waitForRequest({ evict: () => ended.push(host) });
    }
    expect(admission.admit('192.0.2.1', 'legacy')).toBe('limit_client');
    expect(ended).toEqual([]);
  });

  it('refuses legacy callers where all have asked for something, and leaves the rest to native callers', () => {
    const admission = new Admission(limits);
    for (const host of [1, 2]) admission.admit(`192.0.2.${host}`, 'legacy');
    expect(admission.admit('192.0.2.3', 'legacy')).toBe('limit_legacy');
    for (const host of [1, 2, 3, 4]) expect(admission.admit(`192.0.2.${host}`)).toBeTypeOf('object');
  });

  it('holds a client to its share in each pool by itself', () => {
    const admission = new Admission({ ...limits, maxLegacyConnections: 6, maxConnectionsPerClient: 2 });
    for (let index = 0; index < 2; index += 1) admission.admit('192.0.2.1', 'legacy');
    expect(admission.admit('192.0.2.1', 'legacy')).toBe('limit_client');
    for (let index = 0; index < 2; index += 1) expect(admission.admit('192.0.2.1')).toBeTypeOf('object');
    expect(admission.admit('192.0.2.1')).toBe('limit_client');
  });

  it('ends a pending one of who has most of them, so that a flood from few addresses ends its own', () => {
    const admission = new Admission({ ...limits, maxConnectionsPerClient: 6 });
    const evicted: string[] = [];
    const come = (host: string): void => {
      const client = admission.admit(host);
      if (typeof client === 'string') throw new Error(client);
      const connection: Evictable = {
        evict: () => {
          evicted.push(host);
          admission.settle(client, connection);
          admission.release(client);
        },
      };
      admission.waitForOpening(client, connection);
    };
    come('192.0.2.1');
    for (let index = 0; index < 100; index += 1) come(`192.0.2.${2 + (index % 2)}`);
    expect(evicted).toHaveLength(95);
    expect(evicted).not.toContain('192.0.2.1');
  });

  it('does not let legacy callers evict native ones that are about to open', () => {
    const admission = new Admission({ ...limits, maxLegacyConnections: 6, maxConnectionsPerClient: 10 });
    const evicted: number[] = [];
    for (let index = 0; index < 6; index += 1) {
      const client = admission.admit('192.0.2.1');
      if (typeof client === 'object') admission.waitForOpening(client, { evict: () => evicted.push(index) });
    }
    expect(admission.admit('192.0.2.1', 'legacy')).toBe('limit_total');
    expect(evicted).toEqual([]);
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

  it('gives the legacy servers a quarter, of what each of several processes holds on the average', () => {
    const given = { maxConnections: 1200, maxConnectionsPerProcess: 1000 };
    expect(resolveLimits(given).maxLegacyConnections).toBe(250);
    expect(resolveLimits(given, 3).maxLegacyConnections).toBe(100);
    expect(resolveLimits({ ...given, maxLegacyConnections: 100 }).maxLegacyConnections).toBe(100);
    expect(resolveLimits({ maxConnections: 1 }).maxLegacyConnections).toBe(1);
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
