import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { MODES } from '../../../src/core/modes.js';
import { createLogger } from '../../../src/log.js';
import { createNativePath } from '../../../src/probe/far-ends/native.js';
import type { FarEndError, Path, ProbeConnection } from '../../../src/probe/path.js';
import { startResponder } from '../../../src/responder/responder.js';
import { serveSilence } from '../../support/fake-far-ends.js';
import { Scene } from '../scene.js';

const TOKEN = 'a token of more than sixteen characters';
const HOUR = 3600;
const signal = new AbortController().signal;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Opens a connection beside a canary that beats for as long as it idles. */
async function idle(scene: Scene, mode: (typeof MODES)[number], duration: number): Promise<ProbeConnection> {
  const canary = await scene.canary();
  const connection = await scene.open(mode);
  for (let left = duration; left > 0; left -= 60) {
    await scene.clock.advance(Math.min(60, left));
    expect(await scene.beat(canary)).toBe(true);
  }
  return connection;
}

/** A canary behind somebody who acknowledges in the far end's place, silent by now, beside connections that idle. */
async function silenced(scene: Scene, idling: number) {
  const canary = await scene.canary();
  const link = scene.newest;
  const connections = await Promise.all(Array.from({ length: idling }, () => scene.open('send')));
  const links = scene.network.opened.slice(-idling);
  await scene.clock.advance(60);
  link.isAcknowledged = () => Promise.resolve(true);
  link.forget();
  const hangs = (): Promise<boolean> =>
    scene.clock.settle(canary.hangs?.(signal) ?? Promise.resolve(false), 30);
  const othersLive = (): Promise<boolean> =>
    scene.clock.settle(canary.othersLive?.(signal) ?? Promise.resolve(false), 30);
  return { canary, connections, links, hangs, othersLive };
}

describe('a native canary that is silent although somebody acknowledges', () => {
  it('was cut off where the far end writes on a connection, and nothing comes', async () => {
    const scene = new Scene();
    const { canary, links, hangs } = await silenced(scene, 3);
    for (const link of links) link.forget();
    expect(await scene.beat(canary)).toBe(false);
    expect(await hangs()).toBe(false);
  });

  it('is no end of all mappings where only the oldest connection was cut off with it', async () => {
    const scene = new Scene();
    const { links, hangs, othersLive } = await silenced(scene, 1);
    links[0]?.forget();
    await scene.open('send');
    expect(await hangs()).toBe(false);
    expect(await othersLive()).toBe(true);
  });

  it('is one where those of middle age were cut off as well, whatever was opened since', async () => {
    const scene = new Scene();
    const { links, hangs, othersLive } = await silenced(scene, 4);
    for (const link of links) link.forget();
    await scene.clock.advance(1);
    await scene.open('send');
    expect(await hangs()).toBe(false);
    expect(await othersLive()).toBe(false);
  });

  it('is none, as far as anybody knows, where no connection is left to ask about', async () => {
    const { links, hangs, othersLive } = await silenced(new Scene(), 1);
    links[0]?.forget();
    expect(await hangs()).toBe(false);
    expect(await othersLive()).toBe(true);
  });

  it('hangs where what the far end writes comes, and that connection is of no use any more', async () => {
    const scene = new Scene();
    const { connections, hangs } = await silenced(scene, 3);
    const ends: string[] = [];
    for (const [index, connection] of connections.entries())
      connection.whenEnded(({ kind }) => ends.push(`${index} ${kind}`));
    expect(await hangs()).toBe(true);
    // The one that is nearest to the canary in age.
    expect(ends).toEqual(['0 local']);
  });

  it('hangs where the far end does not say that it wrote', async () => {
    const scene = new Scene();
    const { links, hangs } = await silenced(scene, 1);
    for (const link of links) link.forget();
    scene.responder.hangs = true;
    expect(await hangs()).toBe(true);
  });

  it('hangs, as far as anybody knows, where those that idled have ended', async () => {
    const { links, hangs } = await silenced(new Scene(), 1);
    for (const link of links) {
      link.finish({ kind: 'reset', detail: 'connection reset' });
      link.forget();
    }
    expect(await hangs()).toBe(true);
  });

  it('hangs, as far as anybody knows, where no connection idles', async () => {
    const { hangs } = await silenced(new Scene(), 0);
    expect(await hangs()).toBe(true);
  });

  it('is asked about once for all of them', async () => {
    const scene = new Scene();
    const [one, other] = [await silenced(scene, 0), await silenced(scene, 2)];
    for (const link of other.links) link.forget();
    const before = scene.network.opened.length;
    const ask = async ({ canary }: typeof one): Promise<boolean | undefined> => canary.hangs?.(signal);
    const both = Promise.all([one, other].map(ask));
    expect(await scene.clock.settle(both, 30)).toEqual([false, false]);
    expect(scene.network.opened).toHaveLength(before + 1);
  });
});

describe('a native path', () => {
  it.each(MODES)('%s is answered over a path that forgets nothing', async (mode) => {
    const scene = new Scene();
    const connection = await idle(scene, mode, 2 * HOUR);
    expect(await scene.test(connection)).toMatchObject({ kind: 'answered' });
  });

  it.each(MODES)('%s is answered when both sides know the token', async (mode) => {
    const scene = new Scene('native', { token: TOKEN });
    const connection = await idle(scene, mode, HOUR);
    expect(await scene.test(connection)).toMatchObject({ kind: 'answered' });
  });

  it.each(MODES)('%s dies of silence behind a NAT that drops', async (mode) => {
    const scene = new Scene();
    scene.network.idleTimeout = 300;
    const connection = await idle(scene, mode, 400);
    const observation = await scene.test(connection);
    expect(observation).toMatchObject({ kind: 'died', evidence: 'silence' });
    expect(await scene.beat(await scene.canary())).toBe(true);
  });

  it.each([
    ['send', 'control_failed'],
    ['recv', 'canary_lost'],
  ] as const)('%s says nothing where the far end hangs, whose kernel acknowledges', async (mode, reason) => {
    const scene = new Scene();
    const connection = await idle(scene, mode, 400);
    scene.responder.hangs = true;
    expect(await scene.test(connection)).toEqual({ kind: 'unclear', reason });
  });

  it('send dies behind a NAT that drops although the far end hangs', async () => {
    const scene = new Scene();
    scene.network.idleTimeout = 300;
    const connection = await idle(scene, 'send', 400);
    scene.responder.hangs = true;
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('send dies behind somebody who acknowledges in the place of a far end that is cut off', async () => {
    const scene = new Scene();
    const connection = await idle(scene, 'send', 400);
    scene.newest.isAcknowledged = () => Promise.resolve(true);
    scene.newest.forget();
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it.each(MODES)('%s dies at once behind a NAT that answers for what it forgot', async (mode) => {
    const scene = new Scene();
    Object.assign(scene.network, { idleTimeout: 300, forgetfulness: 'reset' });
    const connection = await idle(scene, mode, 400);
    const before = scene.clock.monotonic();
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'reset' });
    expect(scene.clock.monotonic() - before).toBeLessThan(0.5);
  });

  it.each(MODES)('a %s connection behind a NAT that resets ends while it idles', async (mode) => {
    const scene = new Scene();
    Object.assign(scene.network, { idleTimeout: 300, forgetfulness: 'reset_idle' });
    const connection = await scene.open(mode);
    const ended = new Promise<string>((resolve) => connection.whenEnded(({ kind }) => resolve(kind)));
    const started = scene.clock.monotonic();
    expect(await scene.clock.settle(ended, 400)).toBe('reset');
    expect(scene.clock.monotonic() - started).toBeCloseTo(300, 0);
  });

  it('a connection ends while it idles when only the far end sees how', async () => {
    const scene = new Scene();
    await scene.canary();
    const connection = await scene.open('send');
    const probe = scene.newest;
    const ended = new Promise<string>((resolve) => connection.whenEnded(({ kind }) => resolve(kind)));
    scene.responder.see(probe.local, 'reset');
    expect(await scene.clock.settle(ended, 1)).toBe('reset');
  });

  it('recv dies of silence although the far end saw another connection reset meanwhile', async () => {
    const scene = new Scene();
    scene.network.idleTimeout = 300;
    const connection = await idle(scene, 'recv', 400);
    await scene.open('send');
    const other = scene.newest.local;
    const test = scene.test(connection);
    scene.responder.see(other, 'reset');
    expect(await test).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('has a canary that says how it ended', async () => {
    const scene = new Scene();
    const canary = await scene.canary();
    expect(canary.end).toBeUndefined();
    scene.newest.finish({ kind: 'reset', detail: 'connection reset' });
    expect(canary.end).toMatchObject({ kind: 'reset' });
  });

  it('spares the far end a ghost after a test without an answer, whose end may never arrive there', async () => {
    const scene = new Scene();
    scene.network.idleTimeout = 300;
    const first = await idle(scene, 'send', 60);
    expect(await scene.test(first)).toMatchObject({ kind: 'answered' });
    first.close();
    const untested = await scene.open('send');
    untested.close();
    const forgotten = await idle(scene, 'send', 400);
    expect(await scene.test(forgotten)).toMatchObject({ kind: 'died' });
    forgotten.close();
    await scene.clock.advance(1);
    const drops = scene.responder.heard.filter(({ kind }) => kind === 'drop');
    expect(drops).toEqual([{ kind: 'drop', probe: 3 }]);
  });

  it('recv says canary_lost when no control connection lives', async () => {
    const scene = new Scene();
    const connection = await scene.open('recv');
    expect(await scene.test(connection)).toEqual({ kind: 'unclear', reason: 'canary_lost' });
  });

  it('says that a far end which accepts and is silent sent no hello', async () => {
    const scene = new Scene();
    scene.serve('native', serveSilence);
    await expect(scene.check()).rejects.toThrow('no hello from 203.0.113.9:5382 within 3 s');
    expect(scene.newest.end).toBeDefined();
  });

  it('starts the idle clock at the hello of the far end, not at connect', async () => {
    const scene = new Scene('native', { token: TOKEN });
    const before = scene.clock.monotonic();
    const connection = await scene.open('send');
    const { earliest, latest } = connection.opened;
    // Connecting and the challenge took a round trip each, the proof took the third.
    expect(earliest - before).toBeCloseTo(4 * scene.network.latency, 6);
    expect(latest - before).toBeCloseTo(6 * scene.network.latency + 0.2, 6);
  });
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

function pathTo(port: number, token?: string): Path {
  return createNativePath({
    clock: systemClock,
    deadline: 3,
    endpoint: () => ({ address: '127.0.0.1', port }),
    ...(token === undefined ? {} : { token: () => token }),
  });
}

describe('a native path to our own responder', () => {
  it('starts the idle clock between two readings and tells its addresses', async () => {
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
    expect((failure as FarEndError).remedy).toBe('token_file');
  });

  it('refuses a responder without a token when one is configured', async () => {
    const port = await responder();
    await expect(pathTo(port, TOKEN).check(signal)).rejects.toThrow('did not ask for the token');
  });
});

describe('a native path to something else', () => {
  it('says that a web server does not speak the protocol', async () => {
    const port = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      }),
    );
    await expect(pathTo(port).check(signal)).rejects.toThrow('does not speak the native protocol');
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}
