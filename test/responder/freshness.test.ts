/** Probes refreshed for their clients: with the library and without. On loopback every keepalive arrives and is answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { enableSocketOptions } from '../../src/net/socket-options/library.js';
import { tcpInfo } from '../../src/net/socket-options/options.js';
import { tokenMac } from '../../src/net/token.js';
import { macInput } from '../../src/wire/proofs.js';
import type { ClientMessage, Hello } from '../../src/wire/messages.js';
import { type Fixture, startFixture } from './fixture.js';
import { newHello, RawClient } from './raw-client.js';

const X = '0123456789abcdef';
const Y = 'fedcba9876543210';
const TOKEN = 'correct horse battery staple';

vi.setConfig({ testTimeout: 30_000 });

let far: Fixture;
beforeEach(async () => {
  far = await startFixture({ limits: { maxRefreshedPerClient: 3 } });
});
afterEach(async () => {
  await far.close();
});

interface Asking {
  readonly hello: Hello;
  readonly control: RawClient;
  readonly probes: readonly RawClient[];
}

async function session(probes = 1, asks: { fresh?: true } = { fresh: true }): Promise<Asking> {
  const hello = newHello('control', asks);
  const control = await RawClient.open(far.port, hello);
  const connections: RawClient[] = [];
  for (let probe = 0; probe < probes; probe++)
    connections.push(await RawClient.open(far.port, newHello('probe', { session: hello.session, probe })));
  return { hello, control, probes: connections };
}

const fresh = (probe: number, ttl = 1, interval = 1): ClientMessage =>
  ttl === 0 ? { kind: 'fresh', probe, ttl } : { kind: 'fresh', probe, ttl, interval };

/** What the control hears next to what it says. */
async function answer({ control }: Asking, ...asked: ClientMessage[]): Promise<unknown[]> {
  const before = control.messages.length;
  for (const message of asked) control.say(message);
  return (await control.hear(before + asked.length)).slice(before);
}

describe('a responder without socket options', () => {
  it('does not offer to refresh, and takes a request for it as what it is: nothing that it knows', async () => {
    const asking = await session();
    expect(asking.control.messages[0]).not.toHaveProperty('fresh');
    asking.control.say(fresh(0));
    expect(await asking.control.hearToTheEnd()).toEqual(['welcome', 'syntax']);
  });
});

describe.runIf(process.platform === 'linux')('a responder with socket options', () => {
  beforeAll(async () => {
    expect(await enableSocketOptions()).toEqual({ available: true });
  });

  /** How many segments have come to a probe's client. */
  const heardBy = (probe: RawClient): number => tcpInfo(probe.socket)?.segmentsIn ?? -1;

  it('offers to refresh to controls and checks that ask, and to nobody else', async () => {
    for (const role of ['control', 'check'] as const) {
      const [asking, silent] = await Promise.all([
        RawClient.open(far.port, newHello(role, { fresh: true })),
        RawClient.open(far.port, newHello(role)),
      ]);
      expect(asking.messages[0]).toMatchObject({ kind: 'welcome', fresh: true });
      expect(silent.messages[0]).not.toHaveProperty('fresh');
    }
  });

  it('proves its offer with the token', async () => {
    const guarded = await startFixture({ token: TOKEN });
    try {
      const hello = newHello('control', { fresh: true });
      const client = await RawClient.open(guarded.port, hello);
      const [challenge] = client.messages;
      const nonce = challenge?.kind === 'challenge' ? challenge.nonce : '';
      client.say({ kind: 'auth', mac: tokenMac(TOKEN, macInput('client', hello, nonce)) });
      const [, welcome] = await client.hear(2);
      if (welcome?.kind !== 'welcome') throw new Error('no welcome');
      expect(welcome.fresh).toBe(true);
      expect(welcome.mac).toBe(tokenMac(TOKEN, macInput('responder', hello, nonce, welcome)));
      const { fresh: _, ...without } = welcome;
      expect(welcome.mac).not.toBe(tokenMac(TOKEN, macInput('responder', hello, nonce, without)));
    } finally {
      await guarded.close();
    }
  });

  it('keeps a probe fresh until it is told to stop, and says what came of it', async () => {
    const asking = await session();
    const probe = asking.probes[0]!;
    await sleep(200);
    const before = heardBy(probe);
    expect(await answer(asking, fresh(0, 1, 1))).toEqual([
      { kind: 'freshened', probe: 0, sent: 0, heard: 0 },
    ]);
    await sleep(2500);
    const [stopped] = await answer(asking, fresh(0, 0));
    const { sent } = stopped as { sent: number };
    expect(stopped).toEqual({ kind: 'freshened', probe: 0, sent, heard: sent });
    expect(sent).toBeGreaterThanOrEqual(2);
    expect(heardBy(probe) - before).toBe(sent);
    await sleep(1300);
    expect(heardBy(probe) - before).toBe(sent);
    expect(probe.messages).toHaveLength(1);
  });

  it('restores the way of a probe before it writes on it', async () => {
    const asking = await session();
    const probe = asking.probes[0]!;
    await answer(asking, fresh(0, 1, 1));
    await answer(asking, { kind: 'call', probe: 0, nonce: X });
    expect((await probe.hear(2))[1]).toEqual({ kind: 'ring', nonce: X });
    const rung = heardBy(probe);
    await sleep(1500);
    expect(heardBy(probe)).toBe(rung);
    await answer(asking, fresh(0, 1, 1));
    probe.say({ kind: 'ping', nonce: Y });
    await probe.hear(3);
    await sleep(100);
    const ponged = heardBy(probe);
    await sleep(1500);
    expect(heardBy(probe)).toBe(ponged);
  });

  it('tells whether a keepalive arrives, once at a time', async () => {
    const asking = await session(2);
    await sleep(1100);
    expect(await answer(asking, { kind: 'reach', probe: 0, ttl: 3 })).toEqual([
      { kind: 'reached', probe: 0, acked: true },
    ]);
    const refused = { kind: 'error', code: 'fresh', probe: 1 };
    await answer(asking, fresh(1, 1, 60));
    expect(await answer(asking, { kind: 'reach', probe: 1, ttl: 3 })).toEqual([
      { ...refused, detail: 'the connection is being refreshed or tried' },
    ]);
    await answer(asking, fresh(1, 0));
    // It was refreshed just now, so the keepalive needs its second; meanwhile something is written.
    const [first, second] = await answer(
      asking,
      { kind: 'reach', probe: 1, ttl: 3 },
      { kind: 'reach', probe: 1, ttl: 3 },
    );
    expect([first, second]).toContainEqual({
      ...refused,
      detail: 'the connection is being refreshed or tried',
    });
    expect([first, second]).toContainEqual({ kind: 'reached', probe: 1, acked: true });
  });

  it('says nothing of a trial that something disturbed', async () => {
    const asking = await session();
    const [tried] = await Promise.all([
      answer(asking, { kind: 'reach', probe: 0, ttl: 3 }, { kind: 'call', probe: 0, nonce: X }),
    ]);
    expect(tried).toContainEqual({ kind: 'rung', probe: 0, nonce: X });
    expect(tried).toContainEqual({
      kind: 'error',
      code: 'fresh',
      probe: 0,
      detail: 'the connection was used meanwhile',
    });
  });

  it('tends no probe of another session, and none to whom it was not offered', async () => {
    const [mine, stranger] = [await session(1), await session(0)];
    for (const asked of [fresh(0), { kind: 'reach', probe: 0, ttl: 1 } as const])
      expect(await answer(stranger, asked)).toEqual([{ kind: 'error', code: 'unknown_probe', probe: 0 }]);
    const unasked = await session(1, {});
    unasked.control.say(fresh(0));
    expect(await unasked.control.hearToTheEnd()).toEqual(['welcome', 'syntax']);
    mine.probes[0]!.say(fresh(0));
    expect(await mine.probes[0]!.hearToTheEnd()).toEqual(['welcome', 'syntax']);
  });

  it('refreshes so many probes of a client and no more, whatever sessions they are of', async () => {
    const [one, other] = [await session(2), await session(2)];
    await answer(one, fresh(0, 1, 60), fresh(1, 1, 60));
    await answer(other, fresh(0, 1, 60));
    const refused = { kind: 'error', code: 'fresh', probe: 1, detail: 'too many connections are refreshed' };
    expect(await answer(other, fresh(1, 1, 60))).toEqual([refused]);
    // Another schedule is no further connection; one that ends makes room, be it that its client goes.
    expect(await answer(one, fresh(0, 2, 60))).toMatchObject([{ kind: 'freshened' }]);
    expect(await answer(other, fresh(1, 1, 60))).toEqual([refused]);
    one.probes[0]!.destroy();
    await one.control.hear(5);
    expect(await answer(other, fresh(1, 1, 60))).toMatchObject([{ kind: 'freshened' }]);
  });

  it('ends with the last control of the session', async () => {
    const asking = await session();
    await answer(asking, fresh(0, 1, 1));
    const probe = asking.probes[0]!;
    asking.control.destroy();
    await sleep(300);
    const before = heardBy(probe);
    await sleep(1500);
    expect(heardBy(probe)).toBe(before);
    expect(probe.closed).toBe(false);
  });

  it('answers each request once and stays upright, whatever is asked in whatever order', async () => {
    const request = fc.oneof(
      fc
        .record({ probe: fc.nat(3), ttl: fc.constantFrom(0, 1, 64), interval: fc.constantFrom(1, 60) })
        .map(({ probe, ttl, interval }) => fresh(probe, ttl, interval)),
      fc.record({
        kind: fc.constant('reach' as const),
        probe: fc.nat(3),
        ttl: fc.constantFrom(1, 64),
      }),
      fc.record({ kind: fc.constant('ping' as const), nonce: fc.constant(X) }),
      fc.record({ kind: fc.constant('drop' as const), probe: fc.constant(2) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
        const asking = await session(3);
        const before = asking.control.messages.length;
        for (const message of requests) asking.control.say(message);
        const dropped = requests.findIndex(({ kind }) => kind === 'drop');
        // Of a probe that is dropped in the middle of its trial nothing is said any more.
        const open = requests.filter(
          (message, index) =>
            message.kind !== 'drop' && !(message.kind === 'reach' && message.probe === 2 && dropped > index),
        );
        const answers = await asking.control.hear(before + open.length);
        for (const each of answers.slice(before))
          expect(['freshened', 'reached', 'pong', 'error']).toContain(each.kind);
        asking.control.destroy();
        for (const probe of asking.probes) probe.destroy();
      }),
      { numRuns: 15 },
    );
    expect((await session()).control.messages[0]).toMatchObject({ kind: 'welcome' });
  });
});
