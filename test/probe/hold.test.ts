import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { embeddedResponder } from '../../src/commands/embedded-responder.js';
import type { ProofKind } from '../../src/core/diagnosis/proof.js';
import { openEmbeddedTarget } from '../../src/embedded/target.js';
import type { LinkEnd } from '../../src/net/errors.js';
import { createNativePath } from '../../src/probe/far-ends/native.js';
import { heldPath } from '../../src/probe/hold.js';
import type { Path, ProbeConnection } from '../../src/probe/path.js';
import { Scene } from './scene.js';

/** A path in virtual time that forgets after 10 s, unless told otherwise. */
function scene(idleTimeout = 10, protocol: 'native' | 'legacy' = 'native') {
  const made = new Scene(protocol);
  made.network.idleTimeout = idleTimeout;
  const { clock, stop } = made;
  const hold = async (by: ProofKind, interval: number): Promise<ProbeConnection & { ends: LinkEnd[] }> => {
    const path = heldPath(made.path, { by, interval }, { clock, deadline: 2 });
    const connection = await clock.settle(path.open('send', undefined, stop.signal), 10);
    const ends: LinkEnd[] = [];
    connection.whenEnded((end) => ends.push(end));
    return { ...connection, ends };
  };
  return Object.assign(made, { hold });
}

describe('a connection that is held', () => {
  it.each(['keepalive', 'data'] as const)(
    'by %s below the timeout lives through three intervals',
    async (by) => {
      const { clock, hold, test } = bound(scene());
      const connection = await hold(by, 4);
      await clock.advance(12);
      expect(connection.ends).toEqual([]);
      expect((await test(connection)).kind).toBe('answered');
      connection.close();
      await clock.advance(1);
      expect(clock.timers).toBe(0);
    },
  );

  it('is dead where its keepalives are swallowed: the kernel gives it up, or it does not answer', async () => {
    const made = scene();
    made.network.eatsKeepalives = true;
    const [given, asked] = [await made.hold('keepalive', 4), await made.hold('keepalive', 8)];
    await made.clock.advance(12);
    expect((await made.test(asked)).kind).toBe('died');
    await made.clock.advance(3);
    expect(given.ends.map(({ kind }) => kind)).toEqual(['silence']);
    const other = await made.hold('data', 4);
    await made.clock.advance(12);
    expect((await made.test(other)).kind).toBe('answered');
  });

  it.each(['keepalive', 'data'] as const)('by %s too seldom dies of it', async (by) => {
    const { clock, hold } = bound(scene(3));
    const connection = await hold(by, 4);
    await clock.advance(30);
    expect(connection.ends.map(({ kind }) => kind)).toEqual(['silence']);
    expect(connection.ends[0]?.detail).toBe(by === 'data' ? 'data was not answered' : 'no answer');
  });

  it('says nothing where our own process stood still while data was due', async () => {
    const { clock, hold } = bound(scene());
    const connection = await hold('data', 4);
    clock.stall(9);
    await clock.advance(1);
    expect(connection.ends.map(({ kind }) => kind)).toEqual(['local']);
  });

  it('is left alone once it is closed', async () => {
    const { clock, hold, newest } = bound(scene());
    const connection = await hold('data', 4);
    const { written } = newest();
    connection.close();
    await clock.advance(20);
    expect(newest().written).toBe(written);
    expect(connection.ends).toEqual([]);
  });

  it('by keepalives needs no protocol that answers twice', async () => {
    const made = scene(10, 'legacy');
    expect(made.path.holds).toEqual(['keepalive']);
    const connection = await made.hold('keepalive', 4);
    await made.clock.advance(12);
    expect((await made.test(connection)).kind).toBe('answered');
  });
});

function bound(made: ReturnType<typeof scene>) {
  const test = (connection: ProbeConnection) => made.test(connection);
  return { clock: made.clock, hold: made.hold, test, newest: () => made.newest };
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** The timer that runs on a connection of this host, and the seconds until it fires. */
function timerOf(local: string, remote: string): { kind: string; left: number } {
  const hex = (end: string): string => Number(end.split(':')[1]).toString(16).toUpperCase().padStart(4, '0');
  const row = readFileSync('/proc/self/net/tcp', 'latin1')
    .split('\n')
    .find((line) => new RegExp(`:${hex(local)} [0-9A-F]+:${hex(remote)} `).test(line));
  const [kind = '', left = ''] = row?.trim().split(/\s+/)[5]?.split(':') ?? [];
  return { kind, left: parseInt(left, 16) / 100 };
}

describe('on real sockets', () => {
  const signal = new AbortController().signal;
  const held = (path: Path, by: ProofKind, interval: number) =>
    heldPath(path, { by, interval }, { clock: systemClock, deadline: 1 }).open('send', undefined, signal);
  const pathTo = (port: number): Path =>
    createNativePath({
      clock: systemClock,
      deadline: 2,
      endpoint: () => ({ address: '127.0.0.1', port }),
    });

  it.runIf(process.platform === 'linux')('the kernel has the interval as it was asked for', async () => {
    const responder = await embeddedResponder();
    open.push(responder);
    const connection = await held(pathTo(responder.port), 'keepalive', 49);
    open.push(connection);
    const { kind, left } = timerOf(connection.local, connection.remote);
    expect(kind).toBe('02');
    expect(left).toBeGreaterThan(46);
    expect(left).toBeLessThanOrEqual(49.5);
    const answered = await connection.test({ clock: systemClock, deadline: 1, signal });
    expect(answered.kind).toBe('answered');
  });

  it('data holds a connection through the built-in NAT, TCP keepalives do not: they end at its relay', async () => {
    const farEnd = await openEmbeddedTarget({ kind: 'embedded', idle_timeout: 2.5 }, embeddedResponder);
    open.push(farEnd);
    const path = pathTo(farEnd.port('send'));
    const [byData, byKeepalives] = [await held(path, 'data', 1), await held(path, 'keepalive', 1)];
    open.push(byData, byKeepalives);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const context = { clock: systemClock, deadline: 1, signal };
    const [data, keepalives] = await Promise.all([byData.test(context), byKeepalives.test(context)]);
    expect([data.kind, keepalives.kind]).toEqual(['answered', 'died']);
  });
});
