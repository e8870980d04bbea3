/** Both ends of a probe connection over real sockets: those that can refresh, those that cannot, and those that lie. */
import { pino } from 'pino';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { enableSocketOptions } from '../../src/net/socket-options/library.js';
import { pause } from '../../src/pause.js';
import { createNativePath } from '../../src/probe/far-ends/native.js';
import type { Path } from '../../src/probe/path.js';
import { startResponder } from '../../src/responder/responder.js';
import { encodeResponderMessage } from '../../src/wire/codec.js';
import type { ResponderMessage } from '../../src/wire/messages.js';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const signal = new AbortController().signal;
const context = { clock: systemClock, deadline: 2, signal };
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function pathTo(port: number): Path {
  return createNativePath({
    clock: systemClock,
    deadline: 3,
    endpoint: () => ({ address: '127.0.0.1', port }),
  });
}

async function open(port: number, withCanary = true) {
  const path = pathTo(port);
  const canary = withCanary ? await path.openCanary(signal) : undefined;
  if (canary !== undefined) closing.push(() => canary.close());
  const probe = await path.open('send', undefined, signal);
  closing.push(() => probe.close());
  return { path, canary, probe };
}

async function responder(): Promise<number> {
  const running = await startResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    logger: pino({ level: 'silent' }),
  });
  closing.push(() => running.close());
  return running.addresses.native[0]?.port ?? 0;
}

/** A far end that welcomes with `fresh=1` and answers FRESH and REACH with whatever `lie` makes of them. */
async function liar(lie: (probe: number) => readonly ResponderMessage[], offers = true): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    closing.push(() => socket.destroy());
    createInterface({ input: socket }).on('line', (line) => {
      const nonce = /nonce=([0-9a-f]+)/.exec(line)?.[1] ?? '';
      const say = (message: ResponderMessage): unknown => socket.write(encodeResponderMessage(message));
      if (line.startsWith('HELLO')) {
        const fresh = offers && line.includes(' fresh=1') ? { fresh: true as const } : {};
        say({ kind: 'welcome', version: 1, nonce, seen: '192.0.2.1:5', ...fresh });
      } else if (/^(FRESH|REACH) /.test(line)) {
        for (const message of lie(Number(/probe=(\d+)/.exec(line)?.[1]))) say(message);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('without socket options', () => {
  it('neither end can refresh, and the far end says so', async () => {
    const { canary, probe, path } = await open(await responder());
    expect(canary?.introduction.fresh).toBe(false);
    expect((await path.check(signal)).fresh).toBe(false);
    expect(probe.ends).toEqual({});
    expect(await path.hopAddress?.(1, 1, signal)).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('with socket options', () => {
  beforeAll(async () => {
    expect(await enableSocketOptions()).toEqual({ available: true });
  });

  it('both ends refresh, rest and tell whether they reach each other', async () => {
    const { canary, probe, path } = await open(await responder());
    expect(canary?.introduction.fresh).toBe(true);
    expect((await path.check(signal)).fresh).toBe(true);
    await pause(systemClock, 1.2, signal);
    for (const end of [probe.ends?.client, probe.ends?.responder]) {
      expect(await end?.reaches(1, context)).toBe(true);
      expect(await end?.refresh(3, 1, context)).toBe(true);
      await pause(systemClock, 2.3, signal);
      const count = await end?.rest(context);
      expect(count?.sent).toBeGreaterThanOrEqual(1);
      expect(count?.heard).toBe(count?.sent);
    }
    expect(await probe.test(context)).toMatchObject({ kind: 'answered' });
  });

  it('a test that begins while this end refreshes is undisturbed by it', async () => {
    const { probe } = await open(await responder());
    expect(await probe.ends?.client?.refresh(3, 1, context)).toBe(true);
    expect(await probe.test(context)).toMatchObject({ kind: 'answered' });
    expect(await probe.ends?.client?.rest(context)).toBeUndefined();
  });

  it('a responder that does not offer it is asked for nothing', async () => {
    const { canary, probe } = await open(await liar(() => [], false));
    expect(canary?.introduction.fresh).toBe(false);
    expect(Object.keys(probe.ends ?? {})).toEqual(['client']);
  });

  it('without a canary nobody can be asked', async () => {
    const { canary, probe } = await open(await responder());
    const far = probe.ends?.responder;
    canary?.close();
    expect(await far?.refresh(3, 1, context)).toBe(false);
    expect(await far?.rest(context)).toBeUndefined();
    expect(await far?.reaches(3, context)).toBeUndefined();
  });

  it.each<[string, (probe: number) => readonly ResponderMessage[]]>([
    ['refuses', (probe) => [{ kind: 'error', code: 'fresh', probe, detail: 'no' }]],
    ['knows no such probe', (probe) => [{ kind: 'error', code: 'unknown_probe', probe }]],
    ['speaks of another probe', (probe) => [{ kind: 'freshened', probe: probe + 1, sent: 1, heard: 0 }]],
    ['says nothing', () => []],
  ])('a responder that %s has refreshed nothing', async (_how, lie) => {
    const { probe } = await open(await liar(lie));
    const far = probe.ends?.responder;
    const hasty = { ...context, deadline: 0.2 };
    expect(await far?.refresh(3, 1, hasty)).toBe(false);
    expect(await far?.rest(hasty)).toBeUndefined();
    expect(await far?.reaches(3, hasty)).toBeUndefined();
  });
});
