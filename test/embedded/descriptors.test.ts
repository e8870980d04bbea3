/** The embedded target keeps no descriptor of a connection that its client has left, in whatever moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { embeddedResponder } from '../../src/commands/embedded-responder.js';
import { MappingTable } from '../../src/embedded/mapping-table.js';
import { type Relay, type RelayOptions, startRelay } from '../../src/embedded/nat-relay.js';
import { openEmbeddedTarget } from '../../src/embedded/target.js';
import { newHello, RawClient } from '../responder/raw-client.js';
import { eventually, openSockets, socketsFallTo } from '../support/sockets.js';

let before: number;
beforeEach(() => {
  before = openSockets();
});

test('openEmbeddedTarget() gives back what a probe holds that says DROP and closes at once, 300 times', async () => {
  const target = await openEmbeddedTarget({ kind: 'embedded', idle_timeout: 60 }, embeddedResponder);
  // The responder's listener and those of two relays.
  expect(target.descriptors()).toBe(3);
  const port = target.port('send');
  for (let round = 0; round < 3; round += 1) {
    const hello = newHello('control');
    const control = await RawClient.open(port, hello);
    const probes = await Promise.all(
      Array.from({ length: 100 }, (_, probe) =>
        RawClient.open(port, newHello('probe', { session: hello.session, probe })),
      ),
    );
    // Client and responder have one each, the relay has two.
    expect(openSockets()).toBe(before + 3 + 4 * 101);
    expect(target.descriptors()).toBe(3 + 3 * 101);
    for (const [probe, client] of probes.entries()) {
      client.socket.destroy();
      control.say({ kind: 'drop', probe });
    }
    control.destroy();
    await eventually(() => target.descriptors() === 3, 'no connection is left');
    await socketsFallTo(before + 3);
  }
  await target.close();
  await socketsFallTo(before);
});

describe('a relay', () => {
  let farEnd: Server;
  let relay: Relay;
  const sockets: Socket[] = [];

  const keep = (socket: Socket): Socket => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };

  beforeEach(async () => {
    farEnd = createServer({ allowHalfOpen: true }, keep);
    farEnd.listen(0, '127.0.0.1');
    await once(farEnd, 'listening');
  });

  afterEach(async () => {
    await relay.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    farEnd.close();
    await socketsFallTo(before);
    expect([relay.remembered, relay.forgotten, relay.descriptors()]).toEqual([0, 0, 0]);
  });

  async function start(idleTimeout = 60, options: Partial<RelayOptions> = {}): Promise<void> {
    const upstream = { host: '127.0.0.1', port: (farEnd.address() as AddressInfo).port };
    relay = await startRelay({
      upstream,
      table: new MappingTable({ idleTimeout }),
      onExpiry: 'drop',
      ...options,
    });
  }

  /** Clients that half-close when told to, connected through the relay. */
  async function clients(count: number): Promise<Socket[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const socket = keep(connect({ ...relay.address, allowHalfOpen: true }));
        socket.resume();
        await once(socket, 'connect');
        return socket;
      }),
    );
  }

  /** Nothing but its listener is left. */
  const left = (): Promise<void> => eventually(() => relay.descriptors() === 1, 'no connection is left');

  test('lets go of forgotten connections whose clients half-close', async () => {
    await start(0.1);
    const opened = await clients(50);
    await eventually(() => relay.forgotten === 50, 'all are forgotten');
    for (const client of opened) client.end();
    await left();
    expect(relay.forgotten).toBe(0);
  });

  test('lets go of the far end of a forgotten connection when that ends, and waits for the client', async () => {
    await start(0.1);
    const opened = await clients(20);
    await eventually(() => relay.forgotten === 20 && sockets.length === 40, 'all are forgotten');
    for (const socket of sockets) if (!opened.includes(socket)) socket.end();
    await eventually(() => relay.descriptors() === 21, 'only the clients are held');
    expect(relay.forgotten).toBe(20);
    expect(opened.filter(({ destroyed }) => destroyed)).toEqual([]);
    for (const client of opened) client.end();
    await left();
  });

  test.each(['end', 'resetAndDestroy'] as const)(
    'lets go of connections whose clients left before they were forgotten and whose far ends %s afterwards',
    async (how) => {
      await start(0.2);
      const opened = await clients(20);
      for (const client of opened) client.end();
      await eventually(() => relay.forgotten === 20 && sockets.length === 40, 'all are forgotten');
      for (const socket of sockets) if (!opened.includes(socket)) socket[how]();
      await left();
      expect(relay.forgotten).toBe(0);
    },
  );

  test('lets go when a FIN and the expiry by reset fall together', async () => {
    await start(0.1, { onExpiry: 'reset' });
    for (let round = 0; round < 10; round += 1) {
      const opened = await clients(10);
      // A little earlier and a little later than the relay forgets.
      await Promise.all(
        opened.map(
          (client, index) =>
            new Promise<void>((resolve) => setTimeout(() => client.end(() => resolve()), 97 + index)),
        ),
      );
    }
    await left();
  });

  test('lets go of both when the upstream refuses', async () => {
    await start(60, { upstream: { host: '127.0.0.1', port: 1 } });
    await Promise.all((await clients(50)).map((client) => eventually(() => client.destroyed, 'it is reset')));
    await left();
  });

  describe('whose upstream does not accept', () => {
    /** Listens, and never comes to accept: beyond its queue nobody gets a connection. */
    const DEAF = `const server = require('node:net').createServer();
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        require('node:fs').writeSync(1, server.address().port + '\\n');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;

    test('lets go of clients that leave meanwhile once it fails, and of all when it is closed', async () => {
      const deaf = spawn(process.execPath, ['-e', DEAF], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(deaf.stdout, 'data')) as [Buffer];
      await start(60, { upstream: { host: '127.0.0.1', port: Number(line.toString()) } });
      const opened = await clients(20);
      await eventually(() => relay.descriptors() === 41, 'all are accepted');
      for (const client of opened.slice(0, 10)) client.destroy();
      await clients(20);
      await relay.close();
      await eventually(() => relay.descriptors() === 0, 'all are let go');
      const exited = once(deaf, 'exit');
      deaf.kill('SIGKILL');
      await exited;
    });

    test('lets go of clients that were gone before it answered', async () => {
      // The upstream's handshake ends a turn later than the client has gone.
      await start();
      for (let round = 0; round < 10; round += 1) {
        const opened = Array.from({ length: 10 }, () => keep(connect(relay.address)));
        await Promise.all(opened.map((socket) => once(socket, 'connect')));
        for (const socket of opened) socket.resetAndDestroy();
      }
      await left();
    });
  });
});
