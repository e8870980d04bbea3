/** One worker of several: what it asks of the primary, and how it obeys. The primary is the test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enableSocketOptions } from '../../src/net/socket-options/library.js';
import type { PeerOrder, PeerRequest, Peers } from '../../src/responder/cluster/peers.js';
import { eventually } from '../support/sockets.js';
import { type Fixture, startFixture } from './fixture.js';
import { newHello, RawClient } from './raw-client.js';

const X = '0123456789abcdef';
const Y = 'fedcba9876543210';
const HOUR = 3600;
/** Requests of a control that may be unanswered before it is not read on. */
const MOST_UNANSWERED = 64;

/** Notes what is asked; lets connections join at once unless told to wait. */
class Primary implements Peers {
  readonly requests: PeerRequest[] = [];
  readonly full = false;
  lets: 'join' | 'wait' | 'none' = 'join';
  readonly #followers: ((order: PeerOrder) => void)[] = [];

  follow(obey: (order: PeerOrder) => void): void {
    this.#followers.push(obey);
  }

  ask(request: PeerRequest): void {
    this.requests.push(request);
    if (request.kind === 'join' && this.lets !== 'wait')
      this.order({ kind: 'joined', ticket: request.ticket, accepted: this.lets === 'join' });
  }

  whenTaken(): void {}

  order(order: PeerOrder): void {
    for (const obey of this.#followers) obey(order);
  }

  of<Kind extends PeerRequest['kind']>(kind: Kind): Extract<PeerRequest, { kind: Kind }>[] {
    return this.requests.filter((each): each is Extract<PeerRequest, { kind: Kind }> => each.kind === kind);
  }
}

let primary: Primary;
let far: Fixture;
const clients: RawClient[] = [];

beforeEach(async () => {
  primary = new Primary();
  far = await startFixture({ peers: primary });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await far.close();
});

async function open(...hello: Parameters<typeof newHello>): Promise<RawClient> {
  const client = await RawClient.open(far.port, newHello(...hello));
  clients.push(client);
  return client;
}

/** A ping is answered in its turn: whatever was sent before it has arrived as well. */
async function settled(client: RawClient): Promise<string[]> {
  client.say({ kind: 'ping', nonce: Y });
  const isPong = ({ kind }: { kind: string }): boolean => kind === 'pong';
  await client.until(() => client.messages.some(isPong), 'the pong');
  return client.messages.filter((message) => !isPong(message)).map(({ kind }) => kind);
}

describe('a connection that opens in one worker of several', () => {
  it('is welcomed without a question when it joins no session', async () => {
    primary.lets = 'wait';
    expect((await open('check')).messages).toMatchObject([{ kind: 'welcome' }]);
    expect(primary.of('join')).toEqual([]);
  });

  it('waits for the primary, and says nothing more before', async () => {
    primary.lets = 'wait';
    const client = await RawClient.connect(far.port);
    clients.push(client);
    client.say(newHello('control'));
    await eventually(() => primary.of('join').length === 1, 'the primary is asked');
    client.say({ kind: 'ping', nonce: X });
    expect(await client.hearToTheEnd()).toEqual(['syntax']);
    expect(client.messages[0]).toMatchObject({ detail: 'wait for WELCOME' });
  });

  it('is turned down with the word of the primary, whichever worker has the probe number', async () => {
    primary.lets = 'none';
    const client = await open('probe', { probe: 7 });
    expect(await client.hearToTheEnd()).toEqual(['duplicate_probe']);
    expect(far.metrics.counts.rejected.duplicate_probe).toBe(1);
  });

  it('that ends before the answer leaves again what the primary let it join, and only that', async () => {
    primary.lets = 'wait';
    const hellos = [newHello('probe', { probe: 7 }), newHello('probe', { probe: 8 })];
    for (const hello of hellos) {
      const client = await RawClient.connect(far.port);
      client.say(hello);
      const asked = primary.of('join').length;
      await eventually(() => primary.of('join').length > asked, 'the primary is asked');
      client.destroy();
    }
    await eventually(() => far.metrics.counts.open.pending === 0, 'both have gone');
    const [first, second] = primary.of('join');
    primary.order({ kind: 'joined', ticket: first?.ticket ?? 0, accepted: true });
    primary.order({ kind: 'joined', ticket: second?.ticket ?? 0, accepted: false });
    expect(primary.of('leave')).toEqual([{ kind: 'leave', session: hellos[0]?.session, probe: 7 }]);
  });
});

describe('a call for a probe of another worker', () => {
  it('is passed on under a number of the caller, and its answers come back', async () => {
    const [first, second] = [await open('control'), await open('control')];
    first.say({ kind: 'call', probe: 7, nonce: X });
    second.say({ kind: 'call', probe: 8, nonce: Y });
    await eventually(() => primary.of('call').length === 2, 'both are passed on');
    const callers = Object.fromEntries(primary.of('call').map(({ probe, caller }) => [probe, caller]));
    expect(callers[7]).not.toBe(callers[8]);
    primary.order({ kind: 'tell', caller: callers[8] ?? 0, message: { kind: 'rung', probe: 8, nonce: Y } });
    expect((await second.hear(2))[1]).toEqual({ kind: 'rung', probe: 8, nonce: Y });
    expect(first.messages).toHaveLength(1);
  });

  it.each([
    ['that is nowhere is counted', { kind: 'error', code: 'unknown_probe', probe: 7 }, 1],
    ['that was rung is not counted as unknown', { kind: 'rung', probe: 7, nonce: X }, 0],
    ['that is answered with another error is not either', { kind: 'error', code: 'syntax' }, 0],
  ] as const)('%s', async (_what, message, unknown) => {
    const client = await open('control');
    client.say({ kind: 'call', probe: 7, nonce: X });
    await eventually(() => primary.of('call').length === 1, 'it is passed on');
    primary.order({ kind: 'tell', caller: primary.of('call')[0]?.caller ?? 0, message });
    expect((await client.hear(2))[1]).toMatchObject(message);
    expect(far.metrics.counts.rejected.unknown_probe).toBe(unknown);
  });

  it.each([
    ['lost with a worker', (caller: number): PeerOrder => ({ kind: 'lost', caller })],
    [
      'answered',
      (caller: number): PeerOrder => ({
        kind: 'tell',
        caller,
        message: { kind: 'rung', probe: 1, nonce: X },
      }),
    ],
  ])('makes room for one more when it is %s', async (_what, order) => {
    const client = await open('control');
    for (let call = 0; call < MOST_UNANSWERED; call += 1) client.say({ kind: 'call', probe: call, nonce: X });
    await eventually(() => primary.of('call').length === MOST_UNANSWERED, 'as many as may be');
    const { caller } = primary.of('call')[0] ?? { caller: 0 };
    primary.order(order(caller));
    // A caller that nobody knows any more is nothing to stumble over.
    primary.order(order(caller + 1));
    client.say({ kind: 'call', probe: 999, nonce: X });
    await eventually(() => primary.of('call').at(-1)?.probe === 999, 'one more is passed on');
    expect(client.closed).toBe(false);
  });

  it('is no more answered by "heard", which follows an answer', async () => {
    await far.close();
    far = await startFixture({ peers: primary, limits: { sweepInterval: 60 } });
    const client = await open('control');
    for (let call = 0; call < MOST_UNANSWERED; call += 1) client.say({ kind: 'call', probe: call, nonce: X });
    await eventually(() => primary.of('call').length === MOST_UNANSWERED, 'as many as may be');
    const { caller } = primary.of('call')[0] ?? { caller: 0 };
    primary.order({ kind: 'tell', caller, message: { kind: 'heard', probe: 1, nonce: X } });
    await client.hear(2);
    client.say({ kind: 'call', probe: 999, nonce: X });
    await settled(await open('check'));
    expect(primary.of('call')).toHaveLength(MOST_UNANSWERED);
  });
});

describe.runIf(process.platform === 'linux')('a refresh', () => {
  const request = { kind: 'fresh', probe: 7, ttl: 3, interval: 30 } as const;

  beforeAll(async () => {
    expect(await enableSocketOptions()).toEqual({ available: true });
  });

  it('of a probe of another worker is passed on, and its answer comes back', async () => {
    const control = await open('control', { fresh: true });
    control.say(request);
    await eventually(() => primary.of('tend').length === 1, 'it was passed on');
    const [asked] = primary.of('tend');
    expect(asked).toMatchObject({ request });
    const message = { kind: 'freshened', probe: 7, sent: 0, heard: 0 } as const;
    primary.order({ kind: 'tell', caller: asked?.caller ?? 0, message });
    expect((await control.hear(2))[1]).toEqual(message);
  });

  it('that another worker wants is done, and what came of it is told to that worker', async () => {
    const session = 'c'.repeat(32);
    await open('probe', { session, probe: 7 });
    const origin = { worker: 9, caller: 4 };
    primary.order({ kind: 'tend', session, request, origin });
    primary.order({ kind: 'tend', session, request: { kind: 'fresh', probe: 7, ttl: 0 }, origin });
    primary.order({ kind: 'tend', session, request: { ...request, probe: 8 }, origin });
    const freshened = { kind: 'freshened', probe: 7, sent: 0, heard: 0 };
    expect(primary.of('tell')).toEqual(
      [freshened, freshened, { kind: 'error', code: 'unknown_probe', probe: 8 }].map((message) => ({
        kind: 'tell',
        origin,
        message,
      })),
    );
  });
});

describe('an order of the primary', () => {
  const session = 'a'.repeat(32);

  it('rings a probe, and what becomes of that is told to the worker that asked', async () => {
    const probe = await open('probe', { session, probe: 7 });
    const origin = { worker: 3, caller: 5 };
    primary.order({ kind: 'ring', session, probe: 7, nonce: X, origin });
    expect((await probe.hear(2))[1]).toEqual({ kind: 'ring', nonce: X });
    probe.say({ kind: 'answer', nonce: X });
    await eventually(() => primary.of('tell').length === 2, 'both are told');
    expect(primary.of('tell')).toEqual([
      { kind: 'tell', origin, message: { kind: 'rung', probe: 7, nonce: X } },
      { kind: 'tell', origin, message: { kind: 'heard', probe: 7, nonce: X } },
    ]);
  });

  it('to ring a probe that has gone is answered with unknown_probe', () => {
    const origin = { worker: 3, caller: 5 };
    primary.order({ kind: 'ring', session, probe: 7, nonce: X, origin });
    const message = { kind: 'error', code: 'unknown_probe', probe: 7 };
    expect(primary.of('tell')).toEqual([{ kind: 'tell', origin, message }]);
  });

  it('drops a probe without a word, and one that has gone already is nothing to stumble over', async () => {
    const probe = await open('probe', { session, probe: 7 });
    primary.order({ kind: 'drop', session, probe: 8 });
    primary.order({ kind: 'drop', session, probe: 7 });
    expect(await probe.hearToTheEnd()).toEqual(['welcome']);
    expect(probe.errorCode).toBe('ECONNRESET');
    primary.order({ kind: 'drop', session, probe: 7 });
  });

  it('tells the controls of a session, and nobody else, that a probe of another worker has gone', async () => {
    const [control, stranger] = [await open('control', { session }), await open('control')];
    primary.order({ kind: 'gone', session, probe: 7, cause: 'reset' });
    primary.order({ kind: 'gone', session: 'b'.repeat(32), probe: 7, cause: 'reset' });
    expect((await control.hear(2))[1]).toEqual({ kind: 'gone', probe: 7, cause: 'reset' });
    expect(await settled(stranger)).toEqual(['welcome']);
  });

  it('ends the controls that a session has, a moment later, and neither its probes nor those that come', async () => {
    const [control, probe] = [await open('control', { session }), await open('probe', { session, probe: 7 })];
    primary.order({ kind: 'end', session });
    const later = await open('control', { session });
    expect(await settled(control)).toEqual(['welcome']);
    await control.hearToTheEnd();
    expect(control.messages.at(-1)).toMatchObject({
      code: 'shutting_down',
      detail: 'a process of the responder has died',
    });
    await sleep(150);
    expect(await settled(later)).toEqual(['welcome']);
    expect(await settled(probe)).toEqual(['welcome']);
  });

  it('gives another instance to all who are welcomed from then on', async () => {
    const before = await open('control');
    primary.order({ kind: 'instance', instance: Y });
    const after = await open('control');
    expect(before.messages[0]).not.toMatchObject({ instance: Y });
    expect(after.messages[0]).toMatchObject({ instance: Y });
  });

  it('keeps probes whose controls are in another worker, until an hour after those have gone', async () => {
    const probe = await open('probe', { session, probe: 7 });
    primary.order({ kind: 'controls', session, elsewhere: true });
    far.advance(3 * HOUR);
    await sleep(100);
    primary.order({ kind: 'controls', session, elsewhere: false });
    far.advance(HOUR - 2);
    await sleep(100);
    expect(probe.closed).toBe(false);
    far.advance(3);
    expect(await probe.hearToTheEnd()).toEqual(['welcome', 'timeout']);
  });
});

describe('a session', () => {
  it('is an orphan from the end of its last control on, not of its first', async () => {
    const session = 'c'.repeat(32);
    const probe = await open('probe', { session, probe: 7 });
    const [first, last] = [await open('control', { session }), await open('control', { session })];
    for (const control of [first, last]) {
      far.advance(HOUR / 2);
      const open = far.metrics.counts.open.control;
      control.destroy();
      await eventually(() => far.metrics.counts.open.control === open - 1, 'it has gone');
    }
    far.advance(HOUR - 2);
    await sleep(100);
    expect(probe.closed).toBe(false);
    far.advance(3);
    expect(await probe.hearToTheEnd()).toEqual(['welcome', 'timeout']);
  });
});
