import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Mode } from '../../src/core/mode.js';
import { MODES } from '../../src/core/mode.js';
import { startRelay } from '../../src/embedded/relay.js';
import { createLogger } from '../../src/log.js';
import { createNativePath } from '../../src/probe/native-path.js';
import type { Path } from '../../src/probe/path.js';
import type { Observation } from '../../src/probe/prober.js';
import { startResponder } from '../../src/responder/responder.js';
import { pause } from '../../src/engine/pause.js';

const TOKEN = 'a token of more than sixteen characters';
const signal = new AbortController().signal;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function responder(token?: string): Promise<number> {
  const running = await startResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    logger: createLogger({ level: 'error', format: 'logfmt' }),
    ...(token === undefined ? {} : { token }),
  });
  closing.push(() => running.close());
  return running.addresses.native[0]?.port ?? 0;
}

function pathTo(port: number | ((mode: Mode) => number), token?: string): Path {
  return createNativePath({
    clock: systemClock,
    deadline: 3,
    endpoint: (mode) => ({ address: '127.0.0.1', port: typeof port === 'number' ? port : port(mode) }),
    ...(token === undefined ? {} : { token }),
  });
}

/** A canary beside it, as the engine keeps one: recv tests ask over it. */
async function withCanary(path: Path): Promise<Path> {
  const canary = await path.openCanary(signal);
  closing.push(() => canary.close());
  return path;
}

async function testAfter(path: Path, mode: Mode, idle: number, deadline = 1): Promise<Observation> {
  const connection = await path.open(mode, undefined, signal);
  closing.push(() => connection.close());
  await pause(systemClock, idle, signal);
  return connection.test({ clock: systemClock, deadline, signal });
}

describe('createNativePath', () => {
  it.each(MODES)('%s is answered over a path that forgets nothing', async (mode) => {
    const path = await withCanary(pathTo(await responder()));
    expect(await testAfter(path, mode, 1.2, 2)).toMatchObject({ kind: 'answered' });
  });

  it.each(MODES)('%s is answered when both sides know the token', async (mode) => {
    const path = await withCanary(pathTo(await responder(TOKEN), TOKEN));
    expect(await testAfter(path, mode, 1.2, 2)).toMatchObject({ kind: 'answered' });
  });

  it.each(['send', 'recv'] as const)('%s dies of silence behind a NAT that drops', async (mode) => {
    const upstream = { host: '127.0.0.1', port: await responder() };
    const relay = await startRelay({ upstream, idleTimeout: 1.2, onExpiry: 'drop' });
    closing.push(() => relay.close());
    const path = pathTo(relay.address.port);
    const canary = await path.openCanary(signal);
    closing.push(() => canary.close());
    const connection = await path.open(mode, undefined, signal);
    closing.push(() => connection.close());
    for (let beats = 0; beats < 3; beats++) {
      await pause(systemClock, 0.5, signal);
      expect(await canary.beat(1, signal)).toBe(true);
    }
    const observation = await connection.test({ clock: systemClock, deadline: 0.8, signal });
    expect(observation).toMatchObject({ kind: 'died', evidence: 'silence' });
    expect(await canary.beat(1, signal)).toBe(true);
  });

  it('a keepalive connection behind a NAT that resets ends while it idles', async () => {
    const upstream = { host: '127.0.0.1', port: await responder() };
    const relay = await startRelay({ upstream, idleTimeout: 1, onExpiry: 'reset' });
    closing.push(() => relay.close());
    const connection = await pathTo(relay.address.port).open('keepalive', undefined, signal);
    const started = systemClock.monotonic();
    const end = await new Promise<string>((resolve) => connection.whenEnded(({ kind }) => resolve(kind)));
    expect(end).toBe('reset');
    expect(systemClock.monotonic() - started).toBeGreaterThan(0.8);
  });

  it('recv says canary_lost when no control connection lives', async () => {
    expect(await testAfter(pathTo(await responder()), 'recv', 0.1)).toEqual({
      kind: 'unclear',
      reason: 'canary_lost',
    });
  });

  it('starts the idle clock at the hello of the far end, not at connect', async () => {
    const path = pathTo(await responder(TOKEN), TOKEN);
    const connection = await path.open('send', undefined, signal);
    closing.push(() => connection.close());
    const now = systemClock.monotonic();
    expect(connection.opened.earliest).toBeLessThanOrEqual(now);
    expect(connection.opened.latest).toBeGreaterThan(connection.opened.earliest);
    expect(connection.seen).toBe(connection.local);
    expect(await path.check(signal)).toMatchObject({ localAddress: '127.0.0.1', seenAddress: '127.0.0.1' });
  });

  it('gives the same instance as long as the responder runs, and another one after a restart', async () => {
    const port = await responder();
    const first = await pathTo(port).check(signal);
    expect(first.instance).toMatch(/^[0-9a-f]{16}$/);
    expect((await pathTo(port).check(signal)).instance).toBe(first.instance);
    expect((await pathTo(await responder()).check(signal)).instance).not.toBe(first.instance);
  });
});

describe('createNativePath with a far end that is not as it should be', () => {
  it('names the token that is missing', async () => {
    const port = await responder(TOKEN);
    await expect(pathTo(port).check(signal)).rejects.toThrow(
      `127.0.0.1:${port} asks for a token: set token_file`,
    );
  });

  it('names the token that is wrong, and does not show it', async () => {
    const port = await responder(TOKEN);
    const wrong = 'another token of enough characters';
    const failure = await pathTo(port, wrong)
      .check(signal)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).toContain(
      `127.0.0.1:${port} turned the connection away: auth (the token is not the one it was started with)`,
    );
    expect((failure as Error).message).not.toContain(wrong);
  });

  it('refuses a responder without a token when one is configured', async () => {
    const port = await responder();
    await expect(pathTo(port, TOKEN).check(signal)).rejects.toThrow('did not ask for the token');
  });

  it('says that a web server does not speak the protocol', async () => {
    const port = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      }),
    );
    await expect(pathTo(port).check(signal)).rejects.toThrow('does not speak the native protocol');
  });

  it('says that a far end which accepts and is silent sent no hello', async () => {
    const port = await listen(createServer((socket) => socket.on('error', () => undefined)));
    await expect(pathTo(port).check(signal)).rejects.toThrow(`no hello from 127.0.0.1:${port} within 3 s`);
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}
