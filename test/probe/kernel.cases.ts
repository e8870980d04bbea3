/** Every mode over every protocol once from end to end, on real sockets: all of them idle side by side. */
import { once, setMaxListeners } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it, type onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { MODES } from '../../src/core/modes.js';
import { MappingTable } from '../../src/embedded/mapping-table.js';
import { startRelay } from '../../src/embedded/nat-relay.js';
import { pause } from '../../src/pause.js';
import { createLogger } from '../../src/log.js';
import { createNativePath } from '../../src/probe/far-ends/native.js';
import type { Path } from '../../src/probe/path.js';
import { startResponder } from '../../src/responder/responder.js';
import { natTcpTestPath } from './scene.js';

const signal = new AbortController().signal;
setMaxListeners(0, signal);
/** An idle connection's first keepalive leaves at once only after more than a second. */
const IDLE = 1.2;
const context = { clock: systemClock, deadline: 3, signal };

type Finish = typeof onTestFinished;

async function ourServers(finished: Finish) {
  const loopback = [{ host: '127.0.0.1', port: 0 }];
  const running = await startResponder({
    native: loopback,
    legacyEcho: loopback,
    legacySleep: loopback,
    logger: createLogger({ level: 'error', format: 'logfmt' }),
  });
  finished(() => running.close());
  const { native, legacyEcho, legacySleep } = running.addresses;
  return { native: native[0]?.port ?? 0, echo: legacyEcho[0]?.port ?? 0, sleep: legacySleep[0]?.port ?? 0 };
}

/** Servers that do what the original ones do: one read of up to 64 bytes, one write, close. */
async function originalServers(finished: Finish) {
  const listen = async (serve: (socket: Socket) => void): Promise<number> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      finished(() => void socket.destroy());
      serve(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    finished(() => void server.close());
    return (server.address() as AddressInfo).port;
  };
  const echo = await listen((socket) => socket.once('data', (bytes) => socket.end(bytes.subarray(0, 64))));
  const sleep = await listen((socket) =>
    socket.once('data', (bytes) => {
      setTimeout(() => socket.end(bytes), Number.parseInt(bytes.toString('latin1'), 10) * 1000);
    }),
  );
  return { echo, sleep };
}

function nativePath(port: number): Path {
  return createNativePath({
    clock: systemClock,
    deadline: 3,
    endpoint: () => ({ address: '127.0.0.1', port }),
  });
}

/** The tests, with or without socket options as the file has it that calls this. */
export function testOnTheKernel(): void {
  it.concurrent.for(MODES)(
    '%s over the native protocol is answered',
    async (mode, { onTestFinished: finished }) => {
      const path = nativePath((await ourServers(finished)).native);
      const canary = await path.openCanary(signal);
      finished(() => canary.close());
      const connection = await path.open(mode, undefined, signal);
      finished(() => connection.close());
      await pause(systemClock, IDLE, signal);
      expect(await connection.test(context)).toMatchObject({ kind: 'answered' });
      expect(await canary.beat(2, signal)).toBe(true);
    },
  );

  it.concurrent.for(['send', 'recv'] as const)(
    '%s dies of silence behind a NAT that drops, and the canary lives',
    async (mode, { onTestFinished: finished }) => {
      const upstream = { host: '127.0.0.1', port: (await ourServers(finished)).native };
      const relay = await startRelay({
        upstream,
        table: new MappingTable({ idleTimeout: 0.6 }),
        onExpiry: 'drop',
      });
      finished(() => relay.close());
      const path = nativePath(relay.address.port);
      const canary = await path.openCanary(signal);
      finished(() => canary.close());
      const connection = await path.open(mode, undefined, signal);
      finished(() => connection.close());
      for (let beats = 0; beats < 4; beats++) {
        await pause(systemClock, 0.2, signal);
        expect(await canary.beat(1, signal)).toBe(true);
      }
      // While the canary lives: it is asked about a connection that the relay's kernel acknowledges.
      const observation = await connection.test({ ...context, deadline: 0.3 });
      expect(observation).toMatchObject({ kind: 'died', evidence: 'silence' });
      expect(await canary.beat(1, signal)).toBe(true);
    },
  );

  it.concurrent('a keepalive connection behind a NAT that resets ends while it idles', async ({
    onTestFinished: finished,
  }) => {
    const upstream = { host: '127.0.0.1', port: (await ourServers(finished)).native };
    const relay = await startRelay({
      upstream,
      table: new MappingTable({ idleTimeout: 1 }),
      onExpiry: 'reset',
    });
    finished(() => relay.close());
    const connection = await nativePath(relay.address.port).open('keepalive', undefined, signal);
    const started = systemClock.monotonic();
    const end = await new Promise<string>((resolve) => connection.whenEnded(({ kind }) => resolve(kind)));
    expect(end).toBe('reset');
    expect(systemClock.monotonic() - started).toBeGreaterThan(0.8);
  });

  for (const [name, servers] of [
    ['the original servers', originalServers],
    ['our own legacy servers', ourServers],
  ] as const) {
    const pathTo = async (finished: Finish): Promise<Path> => {
      const { echo, sleep } = await servers(finished);
      return natTcpTestPath({ clock: systemClock, address: '127.0.0.1', echo, sleep });
    };

    it.concurrent.for(['send', 'keepalive'] as const)(
      `%s over the legacy protocol is answered by ${name}`,
      async (mode, { onTestFinished: finished }) => {
        const connection = await (await pathTo(finished)).open(mode, undefined, signal);
        finished(() => connection.close());
        await pause(systemClock, IDLE, signal);
        expect(await connection.test(context)).toMatchObject({ kind: 'answered' });
      },
    );

    it.concurrent(`recv hears ${name} after the idle time that was fixed at launch`, async ({
      onTestFinished: finished,
    }) => {
      const connection = await (await pathTo(finished)).open('recv', 1, signal);
      finished(() => connection.close());
      const started = systemClock.monotonic();
      expect(await connection.test(context)).toMatchObject({ kind: 'answered' });
      expect(systemClock.monotonic() - started).toBeGreaterThan(0.9);
    });

    it.concurrent(`a canary at ${name} gives a sign of life`, async ({ onTestFinished: finished }) => {
      const canary = await (await pathTo(finished)).openCanary(signal);
      finished(() => canary.close());
      await pause(systemClock, IDLE, signal);
      expect(await canary.beat(2, signal)).toBe(true);
    });

    it.concurrent(`a fresh connection proves that the path to ${name} works`, async ({
      onTestFinished: finished,
    }) => {
      expect(await (await pathTo(finished)).check(signal)).toEqual({ localAddress: '127.0.0.1' });
    });
  }
}
