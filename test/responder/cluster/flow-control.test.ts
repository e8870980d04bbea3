/** A worker whose primary answers when the test says so: what it reads meanwhile, and whom it ends. */
import { afterEach, describe, expect, it } from 'vitest';
import { PeerQueue } from '../../../src/responder/cluster/peer-queue.js';
import type { PeerOrder, PeerRequest, Peers } from '../../../src/responder/cluster/peers.js';
import { encodeClientMessage } from '../../../src/wire/codec.js';
import { type Fixture, startFixture } from '../fixture.js';
import { newHello, RawClient } from '../raw-client.js';
import { eventually } from '../../support/sockets.js';

/** What the program has for it. */
const MOST_UNANSWERED = 64;

const X = '0123456789abcdef';
const FULL = 200;

let far: Fixture;
const clients: RawClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await far.close();
});

/** The primary's end: it lets everybody join at once, and takes and answers the rest when it is told to. */
class Primary implements Peers {
  readonly requests: PeerRequest[] = [];
  readonly #followers: ((order: PeerOrder) => void)[] = [];
  readonly #takers: (() => void)[] = [];
  readonly #queue = new PeerQueue<PeerRequest>(({ items }) => {
    for (const request of items) this.#hear(request);
  });
  #taken = 0;
  #answered = 0;

  get full(): boolean {
    return this.#queue.length >= FULL;
  }

  follow(obey: (order: PeerOrder) => void): void {
    this.#followers.push(obey);
  }

  whenTaken(run: () => void): void {
    this.#takers.push(run);
  }

  ask(request: PeerRequest): void {
    this.#queue.push(request);
  }

  of(kind: PeerRequest['kind']): PeerRequest[] {
    return this.requests.filter((request) => request.kind === kind);
  }

  order(order: PeerOrder): void {
    for (const obey of this.#followers) obey(order);
  }

  /** Takes all that has come, and answers the calls in it. */
  take(): void {
    this.#queue.taken(this.requests.length - this.#taken);
    this.#taken = this.requests.length;
    for (const request of this.requests.slice(this.#answered)) {
      if (request.kind !== 'call') continue;
      const { caller, probe, nonce } = request;
      this.order({ kind: 'tell', caller, message: { kind: 'rung', probe, nonce } });
    }
    this.#answered = this.requests.length;
    for (const run of this.#takers) run();
  }

  #hear(request: PeerRequest): void {
    this.requests.push(request);
    if (request.kind === 'join') this.order({ kind: 'joined', ticket: request.ticket, accepted: true });
  }
}

async function start(options: Parameters<typeof startFixture>[0] = {}): Promise<Primary> {
  const primary = new Primary();
  far = await startFixture({ peers: primary, ...options });
  return primary;
}

async function control(): Promise<RawClient> {
  const client = await RawClient.open(far.port, newHello('control'));
  clients.push(client);
  return client;
}

const calls = (count: number): string =>
  Array.from({ length: count }, (_, probe) => encodeClientMessage({ kind: 'call', probe, nonce: X })).join(
    '',
  );
const drops = (count: number): string =>
  Array.from({ length: count }, (_, probe) => encodeClientMessage({ kind: 'drop', probe })).join('');
const sweeps = { limits: { sweepInterval: 60 } };

/** What was sent before has been read, if it is read at all: a later connection was served. */
async function settle(): Promise<void> {
  const later = await RawClient.open(far.port, newHello('check'));
  later.say({ kind: 'ping', nonce: X });
  await later.hear(2);
  later.destroy();
}

describe('a control connection whose requests are not answered', () => {
  it('is not read on, and goes on in its order as they are', async () => {
    const primary = await start(sweeps);
    const client = await control();
    client.write(calls(200));
    await eventually(() => primary.of('call').length >= MOST_UNANSWERED, 'the first calls are passed on');
    await settle();
    expect(primary.of('call')).toHaveLength(MOST_UNANSWERED);
    await eventually(() => {
      primary.take();
      return client.messages.length === 201;
    }, 'all are answered');
    expect(client.messages.slice(1)).toEqual(
      Array.from({ length: 200 }, (_, probe) => ({ kind: 'rung', probe, nonce: X })),
    );
    expect(primary.of('call').map((call) => (call.kind === 'call' ? call.probe : -1))).toEqual(
      Array.from({ length: 200 }, (_, probe) => probe),
    );
    expect(far.metrics.counts.rejected.rate).toBe(0);
  });

  it('is ended with rate when it goes on asking', async () => {
    await start();
    const client = await control();
    client.write(calls(MOST_UNANSWERED + 1));
    expect((await client.hearToTheEnd()).at(-1)).toBe('syntax');
    expect(client.messages.at(-1)).toMatchObject({ detail: 'too many requests are unanswered' });
    expect(far.metrics.counts.rejected.rate).toBe(1);
  });

  it('is not ended for a few of them, however long they take', async () => {
    const primary = await start();
    const client = await control();
    client.write(calls(MOST_UNANSWERED / 2));
    await eventually(() => primary.of('call').length === MOST_UNANSWERED / 2, 'all are passed on');
    // Thirty sweeps.
    await new Promise((resolve) => setTimeout(resolve, 600));
    client.say({ kind: 'ping', nonce: X });
    expect((await client.hear(2))[1]).toEqual({ kind: 'pong', nonce: X });
  });

  it('is read on when a call is lost with a worker, or was not passed on', async () => {
    const primary = await start(sweeps);
    const client = await control();
    client.write(calls(MOST_UNANSWERED + 20));
    await eventually(() => primary.of('call').length >= MOST_UNANSWERED, 'the first calls');
    primary.order({ kind: 'instance', instance: X });
    for (let call = 0; call < 5; call += 1) primary.order({ kind: 'lost', caller: 1 });
    primary.take();
    await eventually(() => primary.of('call').length === MOST_UNANSWERED + 20, 'the others');
  });
});

describe('while too much waits for the primary', () => {
  it('nobody is read on who would add to it, heartbeats are answered, and all is passed on later', async () => {
    const primary = await start(sweeps);
    const floods = await Promise.all(Array.from({ length: 20 }, () => control()));
    for (const flood of floods) flood.write(drops(100));
    await eventually(() => primary.full, 'it is full');
    await settle();
    const waiting = primary.of('drop').length;
    expect(waiting).toBeLessThanOrEqual(FULL);
    const late = await RawClient.connect(far.port);
    clients.push(late);
    late.say(newHello('control'));
    await settle();
    expect(late.messages).toEqual([]);
    expect(primary.of('drop')).toHaveLength(waiting);
    await eventually(() => {
      primary.take();
      return primary.of('drop').length === 2000 && late.messages.length === 1;
    }, 'all are passed on');
    for (const client of [...floods, late]) {
      client.say({ kind: 'ping', nonce: X });
      expect((await client.hear(2))[1]).toEqual({ kind: 'pong', nonce: X });
    }
    expect(far.metrics.counts.rejected.rate).toBe(0);
  });

  it('the answer to a ring is taken: left unread, the client would take it for a death', async () => {
    const primary = await start(sweeps);
    const { session } = newHello();
    const caller = await RawClient.open(far.port, newHello('control', { session }));
    const probe = await RawClient.open(far.port, newHello('probe', { session, probe: 7 }));
    clients.push(caller, probe);
    caller.say({ kind: 'call', probe: 7, nonce: X });
    await Promise.all([caller.hear(2), probe.hear(2)]);
    const floods = await Promise.all(Array.from({ length: 20 }, () => control()));
    for (const flood of floods) flood.write(drops(100));
    await eventually(() => primary.full, 'it is full');
    probe.say({ kind: 'answer', nonce: X });
    expect((await caller.hear(3))[2]).toEqual({ kind: 'heard', probe: 7, nonce: X });
    expect(primary.full).toBe(true);
  });
});
