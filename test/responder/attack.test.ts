/** The responder under attack: what it must survive, what it must not do, and what it says about it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { tokenMac } from '../../src/net/token.js';
import { encodeClientMessage } from '../../src/wire/codec.js';
import { macInput } from '../../src/wire/proofs.js';
import { almostLines } from '../wire/arbitraries.js';
import { type Fixture, startFixture } from './fixture.js';
import { eventually } from '../support/sockets.js';
import { newHello, RawClient } from './raw-client.js';

/** What the program has for it. */
const HELLO_BYTES = 256;

const X = '0123456789abcdef';
const TOKEN = 'correct horse battery staple';
/** Attackers come from here; the honest client comes from 127.0.0.1. */
const ATTACKER = '127.0.0.66';

// A wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let far: Fixture;
/** Nobody attacks it. */
let calm: Fixture;
const clients: RawClient[] = [];
beforeAll(async () => {
  calm = await startFixture();
});
afterAll(() => calm.close());
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await far.close();
});

async function attacker(address = ATTACKER): Promise<RawClient> {
  const client = await RawClient.connect(far.port, address);
  clients.push(client);
  return client;
}

/** Opens a connection, is welcomed and gets a pong. */
async function exchange(port: number, address = '127.0.0.1'): Promise<void> {
  const client = await RawClient.open(port, newHello('check'), address);
  client.say({ kind: 'ping', nonce: X });
  const heard = await client.hear(2);
  expect(heard.map(({ kind }) => kind)).toEqual(['welcome', 'pong']);
  client.destroy();
}

/** Exchanges that a far end which nobody attacks may have, one after the other, while an honest client has its one. */
const MOST_BESIDE = 200;
/** Seconds of this process that it may take meanwhile: far ends, clients and attackers are all in it. */
const MOST_WORK = 1;

/**
 * An honest client is served at once. Counted in what another far end in this process serves meanwhile, which shows
 * what it waits for, and in the time that this process works, which shows what holds both up. Neither is the machine's.
 */
async function expectHonestServed(address?: string): Promise<void> {
  const before = process.cpuUsage();
  let isServed = false;
  const served = exchange(far.port, address).then(() => {
    isServed = true;
  });
  // It may come to nothing before anybody waits for it.
  served.catch(() => undefined);
  let beside = 0;
  for (; !isServed && beside <= MOST_BESIDE; beside += 1) await exchange(calm.port);
  const { user, system } = process.cpuUsage(before);
  console.log('BESIDE', beside, (user + system) / 1e6);
  expect(beside).toBeLessThanOrEqual(MOST_BESIDE);
  expect((user + system) / 1e6).toBeLessThan(MOST_WORK);
  await served;
}

const rejected = () => far.metrics.counts.rejected;

describe('slow senders', () => {
  it('are ended 10 s after they were accepted, however busily they dribble', async () => {
    far = await startFixture();
    const slow = await Promise.all(Array.from({ length: 50 }, () => attacker()));
    // A client is connected before the far end has accepted it.
    await eventually(() => far.metrics.counts.open.pending === 50, 'all are accepted');
    const hello = encodeClientMessage(newHello());
    for (let second = 0; second < 10; second += 1) {
      for (const client of slow) client.write(hello.charAt(second));
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(slow.some((client) => client.closed)).toBe(false);
      far.advance(1);
    }
    await eventually(() => slow.every((client) => client.closed), 'slow senders are ended');
    expect(slow.every((client) => client.received.length <= client.sent)).toBe(true);
    expect(rejected().timeout).toBe(50);
    expect(far.metrics.counts.open.pending).toBe(0);
    await expectHonestServed();
  });

  it('that do not read their answers are cut off', async () => {
    far = await startFixture({ limits: { maxUnread: 4096, maxLinesPerSweep: 1e9 } });
    const greedy = await RawClient.open(far.port, newHello('check'), ATTACKER);
    clients.push(greedy);
    greedy.socket.pause();
    const pings = encodeClientMessage({ kind: 'ping', nonce: X }).repeat(2000);
    const flood = setInterval(() => {
      if (greedy.socket.writableLength < 1e6 && !greedy.socket.destroyed) greedy.write(pings);
    }, 1);
    try {
      await eventually(() => rejected().unread === 1, 'the greedy client is cut off');
    } finally {
      clearInterval(flood);
    }
    await expectHonestServed();
  });

  it('that others make it write to, and do not read, are cut off, and their session is told', async () => {
    far = await startFixture({ limits: { maxUnread: 4096, maxLinesPerSweep: 1e9 } });
    const session = 'a'.repeat(32);
    const probe = await RawClient.open(far.port, newHello('probe', { session, probe: 7 }), ATTACKER);
    const control = await RawClient.open(far.port, newHello('control', { session }), ATTACKER);
    clients.push(probe, control);
    probe.socket.pause();
    const calls = encodeClientMessage({ kind: 'call', probe: 7, nonce: X }).repeat(500);
    const flood = setInterval(() => control.socket.writableLength < 1e6 && control.write(calls), 1);
    try {
      await eventually(() => rejected().unread === 1, 'the probe is cut off');
    } finally {
      clearInterval(flood);
    }
    await eventually(() => control.messages.some(({ kind }) => kind === 'gone'), 'the session is told');
    await expectHonestServed();
  });

  it('that call unknown probes are held to a quarter of the lines', async () => {
    far = await startFixture({ limits: { sweepInterval: 60 } });
    const caller = await RawClient.open(far.port, newHello('control'), ATTACKER);
    for (let probe = 0; probe < 300; probe += 1) caller.say({ kind: 'call', probe, nonce: X });
    const heard = await caller.hearToTheEnd();
    expect(heard.filter((kind) => kind === 'unknown_probe')).toHaveLength(250);
    expect(heard.at(-1)).toBe('syntax');
    expect(rejected().rate).toBe(1);
  });

  it('and fast ones are held to a number of lines a second', async () => {
    far = await startFixture({ limits: { sweepInterval: 60 } });
    const fast = await RawClient.open(far.port, newHello('check'), ATTACKER);
    fast.write(encodeClientMessage({ kind: 'ping', nonce: X }).repeat(1001));
    const heard = await fast.hearToTheEnd();
    expect(heard.filter((kind) => kind === 'pong')).toHaveLength(1000);
    expect(heard.at(-1)).toBe('syntax');
    expect(rejected().rate).toBe(1);
  });
});

describe('half-open floods', () => {
  it("from one address give way to that address' own newer connections, and touch nobody else", async () => {
    far = await startFixture({ limits: { maxConnections: 400, maxConnectionsPerClient: 100 } });
    for (let wave = 0; wave < 3; wave += 1) await Promise.all(Array.from({ length: 100 }, () => attacker()));
    await expectHonestServed();
    // Even behind the attacker's own address there is room for who opens at once.
    await expectHonestServed(ATTACKER);
    expect(far.metrics.counts.open.pending).toBeLessThanOrEqual(100);
    expect(rejected().evicted).toBeGreaterThanOrEqual(201);
    expect(rejected().limit_total).toBe(0);
  });

  it('from many addresses up to the total cap do not keep an honest client out', async () => {
    far = await startFixture({ limits: { maxConnections: 200, maxConnectionsPerClient: 100 } });
    const settled = await RawClient.open(far.port, newHello('control'));
    clients.push(settled);
    for (let index = 0; index < 500; index += 1) await attacker(`127.0.1.${1 + (index % 50)}`);
    await expectHonestServed();
    settled.say({ kind: 'ping', nonce: X });
    expect((await settled.hear(2))[1]).toEqual({ kind: 'pong', nonce: X });
    expect(far.metrics.counts.open.pending).toBeLessThanOrEqual(200);
    expect(rejected().evicted).toBeGreaterThanOrEqual(301);
    const silent = clients.slice(1).every((client) => client.received.length === 0);
    expect(silent).toBe(true);
  });

  it('that say hello and then nothing are ended too, where a token is set', async () => {
    far = await startFixture({ token: TOKEN });
    const waiting = await Promise.all(
      Array.from({ length: 20 }, () => RawClient.open(far.port, newHello(), ATTACKER)),
    );
    clients.push(...waiting);
    far.advance(10);
    await eventually(() => waiting.every((client) => client.closed), 'the unproven are ended');
    expect(waiting.every((client) => client.received.length <= client.sent)).toBe(true);
    expect(rejected().timeout).toBe(20);
  });
});

describe('limits', () => {
  it('tell a client that opened all of its places, and leave others theirs', async () => {
    far = await startFixture({ limits: { maxConnections: 20, maxConnectionsPerClient: 5 } });
    for (let index = 0; index < 5; index += 1) {
      clients.push(await RawClient.open(far.port, newHello('probe', { probe: index }), ATTACKER));
    }
    const sixth = await attacker();
    sixth.say(newHello());
    expect(await sixth.hearToTheEnd()).toEqual(['limit_client']);
    await expectHonestServed();
    clients[0]?.destroy();
    await eventually(() => far.metrics.counts.open.probe === 4, 'a place is free');
    await expectHonestServed(ATTACKER);
  });

  it('tell a client that all places are taken', async () => {
    far = await startFixture({ limits: { maxConnections: 16, maxConnectionsPerClient: 16 } });
    for (let index = 0; index < 16; index += 1) {
      const address = `127.0.1.${1 + (index % 4)}`;
      clients.push(await RawClient.open(far.port, newHello('probe', { probe: index }), address));
    }
    const late = await RawClient.connect(far.port);
    late.say(newHello());
    expect(await late.hearToTheEnd()).toEqual(['limit_total']);
    expect(far.metrics.counts.open.probe).toBe(16);
  });

  it('reset at once when too many wait to be told', async () => {
    far = await startFixture({ limits: { maxConnectionsPerClient: 1 } });
    clients.push(await RawClient.open(far.port, newHello(), ATTACKER));
    await Promise.all(Array.from({ length: 100 }, () => attacker()));
    await eventually(() => rejected().limit_client === 36, '36 of 100 are reset');
    expect(far.metrics.counts.open.pending).toBe(64);
    far.advance(10);
    await eventually(() => far.metrics.counts.open.pending === 0, 'the others are reaped');
    await expectHonestServed();
  });
});

describe('strangers at the legacy servers, with a token set', () => {
  /** Proves the token from an address. */
  async function proven(address: string): Promise<string[]> {
    const hello = newHello('control');
    const client = await RawClient.open(far.port, hello, address);
    clients.push(client);
    const nonce = client.messages[0]?.kind === 'challenge' ? client.messages[0].nonce : '';
    client.say({ kind: 'auth', mac: tokenMac(TOKEN, macInput('client', hello, nonce)) });
    return (await client.hear(2)).map(({ kind }) => kind);
  }
  const legacy = async (port: number, address: string): Promise<RawClient> => {
    const client = await RawClient.connect(port, address);
    clients.push(client);
    return client;
  };
  /** Asks for an answer after a day. A reset may come before the client has noticed that it was connected. */
  const asleep = async (address: string): Promise<void> => {
    const client = await legacy(far.sleepPort, address).catch(() => undefined);
    client?.write('86400');
  };

  it('hold their own pool at most, and silent ones give way to whoever may open', async () => {
    far = await startFixture({ token: TOKEN, limits: { maxConnections: 40, maxConnectionsPerClient: 40 } });
    for (let index = 0; index < 80; index += 1) await legacy(far.echoPort, `127.0.1.${1 + (index % 16)}`);
    await eventually(() => rejected().evicted === 70, 'the pool holds ten');
    expect(far.metrics.counts.open.legacy_echo).toBe(10);
    for (let index = 0; index < 40; index += 1)
      expect(await proven('127.0.0.1')).toEqual(['challenge', 'welcome']);
    expect(far.metrics.counts.open).toMatchObject({ control: 40, legacy_echo: 0 });
    expect(rejected()).toMatchObject({ limit_client: 0, limit_total: 0 });
  });

  it('that are asleep leave the other three quarters to whoever may open, at their own address too', async () => {
    far = await startFixture({ token: TOKEN, limits: { maxConnections: 40, maxConnectionsPerClient: 30 } });
    for (let index = 0; index < 20; index += 1) await asleep(`127.0.1.${1 + (index % 2)}`);
    await eventually(() => far.metrics.counts.open.legacy_sleep === 10, 'the pool is full');
    await asleep('127.0.1.3');
    await eventually(() => rejected().limit_legacy > 0, 'somebody else is refused');
    for (let index = 0; index < 30; index += 1)
      expect(await proven('127.0.1.1')).toEqual(['challenge', 'welcome']);
  });

  it('are closed and not reset when they give way', async () => {
    far = await startFixture({ limits: { maxConnections: 8 } });
    const first = await legacy(far.echoPort, '127.0.1.1');
    await eventually(() => far.metrics.counts.open.legacy_echo === 1, 'it is accepted');
    for (const address of ['127.0.1.2', '127.0.1.3']) await legacy(far.echoPort, address);
    expect(await first.hearToTheEnd()).toEqual([]);
    expect(first.errorCode).toBeUndefined();
  });

  it('and at the native port behind the same address do not keep out who knows the token', async () => {
    far = await startFixture({ token: TOKEN, limits: { maxConnectionsPerClient: 20 } });
    const strangers = await Promise.all(Array.from({ length: 20 }, () => attacker()));
    for (const stranger of strangers) stranger.say(newHello());
    for (let index = 0; index < 20; index += 1) {
      await attacker();
      expect(await proven(ATTACKER)).toEqual(['challenge', 'welcome']);
    }
    expect(far.metrics.counts.open).toMatchObject({ control: 20, pending: 0 });
    // Whoever has opened is never ended for them.
    const late = await attacker();
    late.say(newHello());
    await late.hearToTheEnd();
    expect(far.metrics.counts.open.control).toBe(20);
    expect(rejected().limit_client).toBe(1);
  });
});

describe('oversized and binary lines', () => {
  it.each([
    ['a line without an end', 'A'.repeat(100_000), 'oversized'],
    ['zeros', '\0'.repeat(600), 'oversized'],
    ['a TLS client hello', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'\xaa'.repeat(300)}\n`, 'binary'],
    ['a web browser', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'syntax'],
    ['a short hello', 'HELLO v=1\n', 'syntax'],
    ['a ping before hello', `PING nonce=${X}\n`, 'syntax'],
    ['an empty line', '\n', 'syntax'],
  ] as const)('%s is turned away without amplification', async (_name, bytes, reason) => {
    far = await startFixture();
    const client = await attacker();
    client.write(bytes);
    await client.hearToTheEnd();
    expect(client.received.length).toBeLessThanOrEqual(bytes.length);
    expect(rejected()[reason]).toBe(1);
    await expectHonestServed();
  });

  it('of every other kind leave no trace, opened or not', async () => {
    far = await startFixture({ limits: { maxConnectionsPerClient: 10_000 } });
    const chunks = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 700 }),
        almostLines.map((line) => Buffer.from(line)),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(chunks, fc.boolean(), async (parts, opened) => {
        const client = await attacker();
        if (opened) client.say(newHello('control'));
        for (const part of parts) client.write(Buffer.from(part));
        client.socket.end();
        const heard = await client.hearToTheEnd();
        if (opened) expect(heard[0]).toBe('welcome');
        else expect(client.received.length).toBeLessThanOrEqual(client.sent);
      }),
      { numRuns: 500 },
    );
    await eventually(
      () => Object.values(far.metrics.counts.open).every((open) => open === 0),
      'nothing is left over',
    );
    await expectHonestServed();
  });

  it('end an opened connection as well', async () => {
    far = await startFixture();
    const long = await RawClient.open(far.port);
    long.write('B'.repeat(512));
    expect(await long.hearToTheEnd()).toEqual(['welcome', 'syntax']);
    const binary = await RawClient.open(far.port);
    binary.write(Buffer.from([0xff, 0x00, 0x0a]));
    expect(await binary.hearToTheEnd()).toEqual(['welcome', 'syntax']);
    expect(rejected()).toMatchObject({ oversized: 1, binary: 1 });
  });
});

describe('tokens', () => {
  it('replayed from a recorded connection prove nothing on the next', async () => {
    far = await startFixture({ token: TOKEN });
    const hello = newHello('control');
    const honest = await RawClient.open(far.port, hello);
    clients.push(honest);
    const nonce = honest.messages[0]?.kind === 'challenge' ? honest.messages[0].nonce : '';
    const auth = { kind: 'auth', mac: tokenMac(TOKEN, macInput('client', hello, nonce)) } as const;
    honest.say(auth);
    expect((await honest.hear(2))[1]).toMatchObject({ kind: 'welcome' });

    const replay = await attacker();
    replay.say(hello);
    replay.say(auth);
    expect(await replay.hearToTheEnd()).toEqual(['challenge', 'auth']);
    expect(replay.messages[0]).not.toEqual(honest.messages[0]);
    expect(replay.received.length).toBeLessThanOrEqual(replay.sent);
    honest.say({ kind: 'ping', nonce: X });
    expect((await honest.hear(3))[2]).toEqual({ kind: 'pong', nonce: X });
    expect(rejected().auth).toBe(1);
  });

  it.each(['a guess', 'the proof for another session', 'the proof of the other direction'] as const)(
    'forged with %s are refused, without amplification',
    async (forgery) => {
      far = await startFixture({ token: TOKEN });
      const hello = newHello('control');
      const client = await RawClient.open(far.port, hello, ATTACKER);
      const nonce = client.messages[0]?.kind === 'challenge' ? client.messages[0].nonce : '';
      const welcome = { kind: 'welcome', version: 1, nonce: hello.nonce, seen: '127.0.0.1:1' } as const;
      const macs = {
        'a guess': 'a'.repeat(64),
        'the proof for another session': tokenMac(TOKEN, macInput('client', newHello('control'), nonce)),
        'the proof of the other direction': tokenMac(TOKEN, macInput('responder', hello, nonce, welcome)),
      };
      client.say({ kind: 'auth', mac: macs[forgery] });
      expect(await client.hearToTheEnd()).toEqual(['challenge', 'auth']);
      expect(client.received.length).toBeLessThanOrEqual(client.sent);
      expect(rejected().auth).toBe(1);
    },
  );

  it.each([
    ['ping', { kind: 'ping', nonce: X }],
    ['call', { kind: 'call', probe: 1, nonce: X }],
    ['drop', { kind: 'drop', probe: 1 }],
    ['answer', { kind: 'answer', nonce: X }],
    ['another hello', newHello()],
  ] as const)('are needed before %s', async (_name, message) => {
    far = await startFixture({ token: TOKEN });
    const client = await RawClient.open(far.port, newHello('control'), ATTACKER);
    client.say(message);
    expect(await client.hearToTheEnd()).toEqual(['challenge', 'auth']);
    const early = await attacker();
    early.say(message.kind === 'hello' ? { kind: 'auth', mac: 'b'.repeat(64) } : message);
    await early.hearToTheEnd();
    expect(early.received.length).toBeLessThanOrEqual(early.sent);
    expect(rejected().auth).toBe(2);
  });

  it('are not needed to be told of a version that is not spoken', async () => {
    far = await startFixture({ token: TOKEN });
    const client = await attacker();
    client.write(`${'HELLO v=9 pad='.padEnd(HELLO_BYTES - 1, '0')}\n`);
    expect(await client.hearToTheEnd()).toEqual(['version']);
  });
});

/** Runs in a thread of its own: reconnects at a steady pace, half with a hello, half silent, all reset. */
const FLOOD = `
const { connect } = require('node:net');
const { parentPort, workerData: { port, localAddress, hello, rate, connects } } = require('node:worker_threads');
const start = performance.now();
let launched = 0;
let connected = 0;
const pace = setInterval(() => {
  const due = Math.min(launched + 100, ((performance.now() - start) / 1000) * rate);
  for (; launched < due; launched += 1) {
    const talks = launched % 2 === 0;
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => {
      connected += 1;
      Atomics.add(connects, 0, 1);
      if (talks) socket.write(hello, () => socket.resetAndDestroy());
      else socket.resetAndDestroy();
    });
    socket.on('error', () => {});
  }
}, 5);
parentPort.on('message', () => {
  clearInterval(pace);
  parentPort.postMessage(connected / ((performance.now() - start) / 1000));
  parentPort.close();
});
`;

/** Reconnects a second, where the machine makes so many. */
const FLOOD_RATE = 2000;

describe('thousands of reconnects from one address', () => {
  it("leave an honest client its answer before a second's worth of them is served", {
    timeout: 30_000,
  }, async () => {
    far = await startFixture({ limits: { maxConnectionsPerClient: 64 } });
    const control = await RawClient.open(far.port, newHello('control'));
    clients.push(control);
    const hello = encodeClientMessage(newHello('check'));
    // Counted by the flood: a connection that was reset before its turn to be accepted has no address any more,
    // and on a busy machine that is nearly all of them.
    const connects = new Int32Array(new SharedArrayBuffer(4));
    const flood = new Worker(FLOOD, {
      eval: true,
      workerData: { port: far.port, localAddress: ATTACKER, hello, rate: FLOOD_RATE, connects },
    });
    // Counted in reconnects, not in seconds: the machine may be busy with other things.
    let mostMeanwhile = 0;
    const reconnectsDuring = async (turn: () => Promise<unknown>): Promise<void> => {
      const before = Atomics.load(connects, 0);
      await turn();
      mostMeanwhile = Math.max(mostMeanwhile, Atomics.load(connects, 0) - before);
    };
    await eventually(() => Atomics.load(connects, 0) > 1000, 'the flood has begun');
    for (let round = 0; round < 10; round += 1) {
      control.say({ kind: 'ping', nonce: X });
      await reconnectsDuring(() => control.hear(round + 2));
      await reconnectsDuring(() => exchange(far.port));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    flood.postMessage('stop');
    const [rate] = (await once(flood, 'message')) as [number];
    console.log(`${Math.round(rate)} reconnects/s; at most ${mostMeanwhile} during an honest exchange`);
    expect(mostMeanwhile).toBeLessThan(FLOOD_RATE);
    await eventually(() => far.metrics.counts.open.pending === 0, 'nothing is left over');
    expect(Atomics.load(connects, 0)).toBeGreaterThan(1000);
  });
});
