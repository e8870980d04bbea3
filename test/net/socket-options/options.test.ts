/** Socket options on real connections; the numbers that they set are read back from the kernel by other means where it can. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { enableSocketOptions, socketOptions } from '../../../src/net/socket-options/library.js';
import {
  sendKeepAliveNow,
  setHops,
  startKeepAlive,
  stopKeepAlive,
  tcpInfo,
  waitPatiently,
} from '../../../src/net/socket-options/options.js';
import { reaches, refresh } from '../../../src/net/socket-options/refreshing.js';
import { descriptorOf } from '../../../src/net/socket-options/descriptor.js';
import { loadSystemCalls, type SystemCalls } from '../../../src/net/socket-options/system-calls.js';
import * as linux from '../../../src/net/socket-options/linux.js';
import { requires } from '../../support/requires.js';
import { eventually } from '../../support/sockets.js';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function serve(
  host: string,
): Promise<{ server: Server; port: number; accepted: () => Promise<Socket> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const accepted = async (): Promise<Socket> => {
    await eventually(() => sockets.length > 0, 'a connection was accepted');
    return sockets.shift()!;
  };
  return { server, port: (server.address() as AddressInfo).port, accepted };
}

async function connectTo(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  open.push({ close: () => void socket.destroy() });
  return socket;
}

async function pairAt(listening: string, host: string): Promise<{ near: Socket; far: Socket }> {
  const { port, accepted } = await serve(listening);
  return { near: await connectTo(host, port), far: await accepted() };
}

/** What a call says of an option, whatever this module made of it. */
function read(calls: SystemCalls, socket: Socket, option: linux.OptionName): number {
  const value = new Int32Array(1);
  calls.getOption(descriptorOf(socket)!, option, new Uint8Array(value.buffer));
  return value[0]!;
}

describe('before the library is asked for', () => {
  it('nothing is available, every function says so, and the connection is as it was', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    expect(socketOptions()).toEqual({ available: false, why: 'switched_off' });
    expect([tcpInfo(near), refresh(near, 1, 1), await reaches(near, 1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const tried = [
      setHops(near, 1),
      startKeepAlive(near, { idle: 1, interval: 1 }),
      stopKeepAlive(near),
      sendKeepAliveNow(near),
      waitPatiently(near),
    ];
    expect(tried).toEqual(tried.map(() => false));
  });
});

describe.runIf(process.platform === 'linux')('socket options', () => {
  let calls: SystemCalls;

  beforeAll(async () => {
    expect(await enableSocketOptions()).toEqual({ available: true });
    expect(socketOptions()).toEqual({ available: true });
    calls = await loadSystemCalls();
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', linux.IP_TTL],
    ['::1', '::1', linux.IPV6_UNICAST_HOPS],
    // The accepted side is an IPv6 socket with an IPv4 peer.
    ['::', '127.0.0.1', linux.IP_TTL],
  ])('set the hops of both ends of a connection over %s, and give them back to the host', async (...at) => {
    const [listening, host, option] = at;
    const { near, far } = await pairAt(listening, host);
    for (const socket of [near, far]) {
      const host = read(calls, socket, option);
      for (const hops of [1, 7, 64, 255]) {
        expect(setHops(socket, hops)).toBe(true);
        expect(read(calls, socket, option)).toBe(hops);
      }
      expect(setHops(socket, undefined)).toBe(true);
      expect(read(calls, socket, option)).toBe(host);
    }
  });

  it.each([0, 256, -2, 70_000])('refuse %d hops, as the kernel does', async (hops) => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    expect(setHops(near, hops)).toBe(false);
  });

  it('set when keepalives leave, and take it back', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    expect(startKeepAlive(near, { idle: 30, interval: 7 })).toBe(true);
    const set = [linux.SO_KEEPALIVE, linux.TCP_KEEPIDLE, linux.TCP_KEEPINTVL].map((option) =>
      read(calls, near, option),
    );
    expect(set).toEqual([1, 30, 7]);
    // Longer than a connection may idle: the kernel counts from what it last received.
    expect(read(calls, near, linux.TCP_USER_TIMEOUT)).toBeGreaterThan(26 * 3600 * 1000);
    expect(stopKeepAlive(near)).toBe(true);
    expect([linux.SO_KEEPALIVE, linux.TCP_USER_TIMEOUT].map((option) => read(calls, near, option))).toEqual([
      0, 0,
    ]);
  });

  it('refuse what the kernel would round or take for something else', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    expect(startKeepAlive(near, { idle: 0, interval: 1 })).toBe(false);
    expect(startKeepAlive(near, { idle: 1, interval: 32_768 })).toBe(false);
  });

  it('tell the segments of a connection', async () => {
    const { near, far } = await pairAt('127.0.0.1', '127.0.0.1');
    const before = tcpInfo(near)!;
    expect(before).toMatchObject({ unansweredProbes: 0, unacknowledged: 0, isEstablished: true });
    near.write('x');
    far.resume();
    await eventually(() => tcpInfo(near)!.segmentsIn > before.segmentsIn, 'it was acknowledged');
    expect(tcpInfo(near)!.segmentsOut).toBe(before.segmentsOut + 1);
  });

  it('send a keepalive now to a connection that idles, and tell that it was answered', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const before = tcpInfo(near)!;
    expect(await reaches(near, 1)).toBe(true);
    const after = tcpInfo(near)!;
    expect(after.segmentsOut - before.segmentsOut).toBe(1);
    expect([linux.SO_KEEPALIVE, linux.TCP_USER_TIMEOUT].map((option) => read(calls, near, option))).toEqual([
      0, 0,
    ]);
  });

  it('wait until the keepalive has left before they say that it arrived', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    const before = tcpInfo(near)!;
    // The kernel sends none before a connection has been idle for a second.
    expect(await reaches(near, 1)).toBe(true);
    expect(tcpInfo(near)!.segmentsOut - before.segmentsOut).toBe(1);
  });

  it('refresh a connection each interval, count what came of it, and stop', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    const refreshing = refresh(near, 1, 1)!;
    expect(refreshing.count()).toEqual({ sent: 0, heard: 0 });
    await new Promise((resolve) => setTimeout(resolve, 2600));
    // Loopback has no hop: each keepalive arrives and is acknowledged.
    const { sent, heard } = refreshing.stop()!;
    expect(sent).toBeGreaterThanOrEqual(2);
    expect(heard).toBe(sent);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(refreshing.count()).toEqual({ sent, heard });
  });

  it('are not there for a socket that was destroyed, reset, or never opened', async () => {
    const { near, far } = await pairAt('127.0.0.1', '127.0.0.1');
    const refreshing = refresh(near, 3, 1)!;
    near.destroy();
    far.resetAndDestroy();
    const unopened = connect({ host: '127.0.0.1', port: 1 }).on('error', () => undefined);
    for (const socket of [near, far, unopened]) {
      expect(descriptorOf(socket)).toBeUndefined();
      expect([tcpInfo(socket), setHops(socket, 3), stopKeepAlive(socket)]).toEqual([undefined, false, false]);
    }
    expect([refreshing.count(), refreshing.stop()]).toEqual([undefined, undefined]);
  });

  it('never touch a socket that has got the number of one that closed', async () => {
    const { port, accepted } = await serve('127.0.0.1');
    const step = fc.oneof(
      { arbitrary: fc.constant('open' as const), weight: 2 },
      fc.record({ close: fc.nat(), how: fc.constantFrom('destroy', 'reset', 'end') }),
      { arbitrary: fc.record({ set: fc.nat(), hops: fc.integer({ min: 1, max: 255 }) }), weight: 3 },
      fc.constant('turn' as const),
    );
    let reused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const known: { socket: Socket; hops: number; number: number; closing: boolean }[] = [];
        const refreshed = new Map<Socket, ReturnType<typeof refresh>>();
        for (const each of steps) {
          if (each === 'turn') await new Promise((resolve) => setImmediate(resolve));
          else if (each === 'open') {
            const socket = await connectTo('127.0.0.1', port);
            await accepted();
            const number = descriptorOf(socket)!;
            if (known.some((other) => other.closing && other.number === number)) reused += 1;
            known.push({ socket, hops: 64, number, closing: false });
          } else if (known.length > 0 && 'close' in each) {
            const chosen = known[each.close % known.length]!;
            if (each.how === 'reset') chosen.socket.resetAndDestroy();
            else if (each.how === 'end') chosen.socket.end();
            else chosen.socket.destroy();
            if (each.how !== 'end') chosen.closing = true;
          } else if (known.length > 0 && 'set' in each) {
            const chosen = known[each.set % known.length]!;
            refreshed.get(chosen.socket)?.stop();
            const alive = !chosen.closing && descriptorOf(chosen.socket) !== undefined;
            expect(setHops(chosen.socket, each.hops)).toBe(alive);
            if (alive) chosen.hops = each.hops;
            refreshed.set(chosen.socket, refresh(chosen.socket, each.hops, 60));
          }
          // Nobody has got what was meant for another one.
          for (const { socket, hops } of known)
            if (descriptorOf(socket) !== undefined) expect(read(calls, socket, linux.IP_TTL)).toBe(hops);
        }
        for (const { socket } of known) socket.destroy();
      }),
      { numRuns: 60 },
    );
    expect(reused).toBeGreaterThan(10);
  });
});

requires({ packages: ['iproute2'], root: true }).describe('keepalives as ss sees them', () => {
  it('are those that were asked for', async () => {
    const { near } = await pairAt('127.0.0.1', '127.0.0.1');
    startKeepAlive(near, { idle: 40, interval: 5 });
    const shown = execFileSync('ss', ['-tno', `sport = :${near.localPort}`], { encoding: 'utf8' });
    expect(shown).toMatch(/timer:\(keepalive,(39|40)/);
  });
});
