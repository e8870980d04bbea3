/** Whatever clients do, in whatever order: each connection that has ended has given its descriptor back. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DescriptorWatch } from '../../src/descriptors.js';
import { type Link, linkDescriptors, openLink } from '../../src/net/link.js';
import { startClusteredResponder } from '../../src/responder/cluster/primary.js';
import type { PeerOrder } from '../../src/responder/cluster/peers.js';
import { encodeClientMessage } from '../../src/wire/codec.js';
import { eventually, openSockets, socketsFallTo } from '../support/sockets.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Fixture, startFixture } from './fixture.js';
import { newHello, RawClient } from './raw-client.js';
import { workerPids } from './cluster/workers.js';

/** The native listener and the two legacy ones. */
const LISTENERS = 3;

const hello = encodeClientMessage(newHello('check'));
const ping = encodeClientMessage({ kind: 'ping', nonce: '0123456789abcdef' });

let far: Fixture;
let before: number;

async function start(options: Parameters<typeof startFixture>[0] = {}): Promise<void> {
  far = await startFixture(options);
  before = openSockets();
}

beforeEach(() => start());
afterEach(() => far.close());

/** Waits until all that is left are the listeners, as the responder counts and as the kernel does. */
async function allGivenBack(): Promise<void> {
  await eventually(() => far.descriptors() === LISTENERS, 'the responder holds nothing but its listeners');
  await socketsFallTo(before);
}

function connectAll(count: number, port: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => RawClient.connect(port)));
}

/** A session with so many probes. */
async function session(port: number, probes: number): Promise<{ control: RawClient; probes: RawClient[] }> {
  const hello = newHello('control');
  const control = await RawClient.open(port, hello);
  const opened = Array.from({ length: probes }, (_, probe) =>
    RawClient.open(port, newHello('probe', { session: hello.session, probe })),
  );
  return { control, probes: await Promise.all(opened) };
}

/**
 * Sends a FIN on each connection, and calls `then` before anybody can have read one: what it sends is read in the same
 * turn of the responder's loop, when ends of its own are under way.
 */
function finOnAll(clients: readonly RawClient[], then: () => void): void {
  let left = clients.length;
  for (const { socket } of clients)
    socket.end(() => {
      left -= 1;
      if (left === 0) then();
    });
}

/** Has `act` called in the turn of this process' loop in which it reads the FINs of these connections, after them. */
async function whenFinsAreRead(clients: readonly RawClient[], act: () => void): Promise<void> {
  const bell = createServer((socket) => socket.once('data', act));
  bell.listen(0, '127.0.0.1');
  await once(bell, 'listening');
  const rope = await RawClient.connect((bell.address() as AddressInfo).port);
  finOnAll(clients, () => rope.write('x'));
  await Promise.all(clients.map((client) => client.hearToTheEnd()));
  rope.destroy();
  bell.close();
  await once(bell, 'close');
}

/** FIN on every probe and DROP of it in the same moment; then the session ends. */
async function finAndDrop(port: number, count: number): Promise<void> {
  const { control, probes } = await session(port, count);
  const drops = probes.map((_, probe) => encodeClientMessage({ kind: 'drop', probe })).join('');
  finOnAll(probes, () => control.write(drops));
  await Promise.all(probes.map((probe) => probe.hearToTheEnd()));
  control.destroy();
}

describe('a responder gives every descriptor back', () => {
  it('after FIN and DROP in one turn, 500 times', async () => {
    for (let round = 0; round < 5; round += 1) await finAndDrop(far.port, 100);
    await allGivenBack();
  });

  it('after DROP and FIN the other way round', async () => {
    const { control, probes } = await session(far.port, 100);
    control.write(probes.map((_, probe) => encodeClientMessage({ kind: 'drop', probe })).join(''));
    for (const probe of probes) probe.socket.end();
    await Promise.all(probes.map((probe) => probe.hearToTheEnd()));
    control.destroy();
    await allGivenBack();
  });

  it('after FIN of connections that give way to newer ones', async () => {
    await far.close();
    await start({ limits: { maxConnections: 100, maxConnectionsPerClient: 100 } });
    for (let round = 0; round < 5; round += 1) {
      const old = await connectAll(100, far.port);
      await eventually(() => far.descriptors() === LISTENERS + 100, 'all are accepted');
      const young = await new Promise<RawClient[]>((resolve) => {
        finOnAll(old, () => resolve(connectAll(100, far.port)));
      });
      for (const client of [...old, ...young]) client.destroy();
      await allGivenBack();
    }
  });

  it('after FIN of connections that are refused at once', async () => {
    await far.close();
    await start({ limits: { maxConnections: 1 } });
    const keeper = await RawClient.open(far.port);
    const refused = await connectAll(200, far.port);
    for (const client of refused) client.socket.end();
    await Promise.all(refused.map((client) => client.hearToTheEnd()));
    keeper.destroy();
    await allGivenBack();
  });

  it.each([
    ['nothing', ''],
    ['garbage', 'GET / HTTP/1.1\r\n\r\n'],
    ['another version', hello.replace('v=1', 'v=9')],
    ['an endless line', 'x'.repeat(5000)],
    ['bytes of another protocol', '\u0016\u0003\u0001\u0002\n'],
    ['a hello', hello],
    ['two hellos', hello + hello],
    ['too many lines', hello + ping.repeat(1500)],
    ['answers that nobody reads', hello + ping.repeat(900)],
    ['half a line', hello.slice(0, 100)],
  ])('after %s with a FIN behind it', async (_what, bytes) => {
    for (let round = 0; round < 2; round += 1) {
      const clients = await connectAll(50, far.port);
      for (const client of clients) {
        client.socket.pause();
        client.socket.end(Buffer.from(bytes, 'latin1'));
      }
      // The responder has done with them before the clients look.
      await eventually(() => far.descriptors() === LISTENERS, 'all have ended');
      for (const client of clients) client.destroy();
    }
    await allGivenBack();
  });

  it('after a client that is told good-bye, and neither reads nor ends', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(far.port)));
    for (const client of clients) {
      client.socket.pause();
      client.write(hello.replace('v=1', 'v=9'));
    }
    await eventually(() => far.metrics.counts.rejected.version === 50, 'all are turned away');
    await eventually(() => far.descriptors() === LISTENERS, 'none is waited for');
    await socketsFallTo(before + 50);
    for (const client of clients) client.destroy();
    await allGivenBack();
  });

  it('when it is closed while its clients end', async () => {
    const { control, probes } = await session(far.port, 50);
    const pending = await connectAll(50, far.port);
    await eventually(() => far.descriptors() === LISTENERS + 101, 'all are accepted');
    let closed: Promise<void> | undefined;
    await whenFinsAreRead([control, ...probes, ...pending], () => {
      closed = far.close();
    });
    await closed;
    await eventually(() => far.descriptors() === 0, 'not even the listeners are left');
    for (const client of [control, ...probes, ...pending]) client.destroy();
    await socketsFallTo(before - LISTENERS);
  });
});

describe('the watch on a real, busy responder', () => {
  /** Looks so often, the clients doing something else each time; what was shown. */
  async function watched(looks: number, between: (look: number) => Promise<void>): Promise<number[]> {
    const clock = new FakeClock();
    const shown: number[] = [];
    const watch = new DescriptorWatch({
      clock,
      log: { info: () => undefined, warn: () => undefined },
      held: () => far.descriptors() + linkDescriptors(),
      show: (unaccounted) => shown.push(unaccounted),
      count: () => Promise.resolve(openSockets()),
    });
    for (let look = 0; look < looks; look += 1) {
      await eventually(() => shown.length > look, 'it has looked');
      await between(look);
      await clock.advance(15);
    }
    watch.stop();
    return shown;
  }

  const open = async (message: string): Promise<Link> => {
    const link = await openLink({ address: '127.0.0.1', port: far.port }, 5, new AbortController().signal);
    link.write(message);
    return link;
  };

  it('shows 0 while clients come, stay and leave in every way', async () => {
    const links: Link[] = [];
    const shown = await watched(30, async (look) => {
      const said = [hello, 'garbage\n', ''][look % 3] ?? '';
      links.push(...(await Promise.all(Array.from({ length: 10 }, () => open(said)))));
      if (look % 4 === 0) for (const link of links.splice(5)) link.destroy();
    });
    for (const link of links) link.destroy();
    expect(new Set(shown)).toEqual(new Set([0]));
  });

  it('shows sockets that were forgotten', async () => {
    const forgotten: Socket[] = [];
    const shown = await watched(30, async (look) => {
      if (look !== 8) return;
      const client = await RawClient.connect(far.port);
      forgotten.push(client.socket);
    });
    // Its other end is the responder's, who knows of it.
    expect(shown.at(-1)).toBe(1);
    for (const socket of forgotten) socket.destroy();
  });
});

describe('the legacy servers give every descriptor back', () => {
  it.each([
    ['echo', 'hello'],
    ['echo', ''],
    ['sleep', '0'],
    ['sleep', '3600'],
    ['sleep', 'no number'],
  ] as const)('after %s of "%s" with a FIN behind it', async (kind, bytes) => {
    const clients = await connectAll(100, kind === 'echo' ? far.echoPort : far.sleepPort);
    for (const client of clients) {
      client.socket.resume();
      client.socket.end(bytes);
    }
    await eventually(() => far.descriptors() === LISTENERS, 'all have ended');
    for (const client of clients) client.destroy();
    await allGivenBack();
  });

  it.each(['close', 'the death of another worker'])('after FIN and %s', async (what) => {
    await far.close();
    const follow: ((order: PeerOrder) => void)[] = [];
    await start({
      peers: {
        ask: () => undefined,
        follow: (follower) => follow.push(follower),
        full: false,
        whenTaken: () => undefined,
      },
    });
    const clients = [...(await connectAll(50, far.echoPort)), ...(await connectAll(50, far.sleepPort))];
    for (const client of clients.slice(50)) client.write('3600');
    await eventually(() => far.descriptors() === LISTENERS + 100, 'all are accepted');
    let closed: Promise<void> | undefined;
    await whenFinsAreRead(clients, () => {
      if (what === 'close') closed = far.close();
      else for (const order of follow) order({ kind: 'instance', instance: '0123456789abcdef' });
    });
    await closed;
    await socketsFallTo(what === 'close' ? before - LISTENERS : before);
  });
});

describe('workers give every descriptor back', () => {
  it('after FIN and DROP in one turn, wherever probe and control are', async () => {
    const responder = await startClusteredResponder({
      native: [{ host: '127.0.0.1', port: 0 }],
      workers: 2,
      execArgv: ['--import', 'tsx'],
      logger: pino({ level: 'silent' }),
    });
    try {
      const port = responder.addresses.native[0]?.port ?? 0;
      const idle = workerPids().map((pid) => [pid, openSockets(pid)] as const);
      for (let round = 0; round < 5; round += 1) await finAndDrop(port, 50);
      for (const [pid, sockets] of idle) await socketsFallTo(sockets, pid);
      expect(await responder.metrics.registry.metrics()).toContain(
        'nat_responder_unaccounted_descriptors 0\n',
      );
    } finally {
      await responder.close();
    }
  });
});
