import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { pause } from '../../src/engine/pause.js';
import { createLogger } from '../../src/log.js';
import { createLegacyPath } from '../../src/probe/legacy-path.js';
import type { Path } from '../../src/probe/path.js';
import { startResponder } from '../../src/responder/responder.js';

const signal = new AbortController().signal;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    closing.push(() => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Servers that do what the original ones do: one read of up to 64 bytes, one write, close. */
async function originalServers() {
  const echo = await listen((socket) => socket.once('data', (bytes) => socket.end(bytes.subarray(0, 64))));
  const sleep = await listen((socket) =>
    socket.once('data', (bytes) => {
      const timer = setTimeout(() => socket.end(bytes), Number.parseInt(bytes.toString('latin1'), 10) * 1000);
      closing.push(() => clearTimeout(timer));
    }),
  );
  return { echo, sleep };
}

async function ourServers() {
  const loopback = [{ host: '127.0.0.1', port: 0 }];
  const running = await startResponder({
    native: loopback,
    legacyEcho: loopback,
    legacySleep: loopback,
    logger: createLogger({ level: 'error', format: 'logfmt' }),
  });
  closing.push(() => running.close());
  const { legacyEcho, legacySleep } = running.addresses;
  return { echo: legacyEcho[0]?.port ?? 0, sleep: legacySleep[0]?.port ?? 0 };
}

function pathTo({ echo, sleep }: { echo: number; sleep: number }): Path {
  const endpoint = (port: number) => ({ address: '127.0.0.1', port });
  return createLegacyPath({ clock: systemClock, deadline: 3, echo: endpoint(echo), sleep: endpoint(sleep) });
}

describe.each([
  ['the original servers', originalServers],
  ['our own legacy servers', ourServers],
] as const)('createLegacyPath with %s', (_name, servers) => {
  it.each(['send', 'keepalive'] as const)('%s is answered', async (mode) => {
    const connection = await pathTo(await servers()).open(mode, undefined, signal);
    closing.push(() => connection.close());
    await pause(systemClock, 1.2, signal);
    expect(await connection.test({ clock: systemClock, deadline: 2, signal })).toMatchObject({
      kind: 'answered',
    });
  });

  it('recv hears the far end after the idle time that was fixed at launch', async () => {
    const path = pathTo(await servers());
    expect(path.timing('recv')).toBe('at_launch');
    const connection = await path.open('recv', 2, signal);
    closing.push(() => connection.close());
    const started = systemClock.monotonic();
    const observed = await connection.test({ clock: systemClock, deadline: 2, signal });
    expect(observed).toMatchObject({ kind: 'answered' });
    expect(systemClock.monotonic() - started).toBeGreaterThan(1.9);
  });

  it('a canary gives signs of life again and again on one connection', async () => {
    const canary = await pathTo(await servers()).openCanary(signal);
    closing.push(() => canary.close());
    for (let beats = 0; beats < 3; beats++) {
      await pause(systemClock, 1.1, signal);
      expect(await canary.beat(2, signal)).toBe(true);
    }
  });

  it('a fresh connection proves that the path works', async () => {
    expect(await pathTo(await servers()).check(signal)).toEqual({ localAddress: '127.0.0.1' });
  });
});

describe('createLegacyPath with a far end that is not as it should be', () => {
  it('recv dies of silence when the far end never writes', async () => {
    const { echo } = await originalServers();
    const path = pathTo({ echo, sleep: await listen((socket) => socket.resume()) });
    const connection = await path.open('recv', 1, signal);
    closing.push(() => connection.close());
    const observed = await connection.test({ clock: systemClock, deadline: 0.5, signal });
    expect(observed).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('a server that answers something else is no echo server', async () => {
    const echo = await listen((socket) => socket.once('data', () => socket.end('220 welcome')));
    await expect(pathTo({ echo, sleep: echo }).check(signal)).rejects.toThrow(
      `127.0.0.1:${echo} does not echo`,
    );
  });
});
