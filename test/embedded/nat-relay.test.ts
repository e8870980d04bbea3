import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MappingTable } from '../../src/embedded/mapping-table.js';
import { type Relay, type RelayOptions, startRelay } from '../../src/embedded/nat-relay.js';

/** A server that keeps its connections and echoes nothing by itself. */
class FarEnd {
  readonly server: Server = createServer({ allowHalfOpen: false });
  readonly sockets: Socket[] = [];

  async start(): Promise<void> {
    this.server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get upstream(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Seconds until the socket is closed, on the monotonic clock. */
function secondsUntilClosed(socket: Socket): Promise<number> {
  const start = performance.now();
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve((performance.now() - start) / 1000);
    });
  });
}

/** Lets the given time pass: silence on the line is what is tested here. */
const silence = (seconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });

const T = 0.4;
let farEnd: FarEnd;
let relay: Relay;
const clients: Socket[] = [];

/** A client through the relay and its other end, a byte having crossed each way. */
async function connected(): Promise<{ client: Socket; far: Socket }> {
  const accepted = once(farEnd.server, 'connection') as Promise<[Socket]>;
  const client = connect(relay.address.port, relay.address.host);
  client.on('error', () => undefined);
  clients.push(client);
  const [far] = await accepted;
  client.write('a');
  expect(String((await once(far, 'data'))[0])).toBe('a');
  far.write('b');
  expect(String((await once(client, 'data'))[0])).toBe('b');
  return { client, far };
}

async function start(options: Partial<RelayOptions> = {}): Promise<void> {
  relay = await startRelay({
    upstream: farEnd.upstream,
    table: new MappingTable({ idleTimeout: T }),
    onExpiry: 'drop',
    ...options,
  });
}

beforeEach(async () => {
  farEnd = new FarEnd();
  await farEnd.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await relay.close();
  await farEnd.stop();
});

describe('startRelay()', () => {
  test('carries bytes both ways, whole and in order', async () => {
    await start();
    const { client, far } = await connected();
    const sent = Buffer.alloc(4_000_000, '0123456789');
    const received: Buffer[] = [];
    far.on('data', (chunk) => received.push(chunk));
    client.end(sent);
    await once(far, 'end');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  test('passes an orderly end on, and the last words after it', async () => {
    await start();
    const { client, far } = await connected();
    far.allowHalfOpen = true;
    client.end();
    far.once('end', () => far.end('bye'));
    expect(String((await once(client, 'data'))[0])).toBe('bye');
    await once(client, 'close');
  });

  test('passes a reset on', async () => {
    await start();
    const { client, far } = await connected();
    const failed = once(client, 'error');
    far.resetAndDestroy();
    expect((await failed)[0]).toHaveProperty('code', 'ECONNRESET');
  });

  test('resets the client when the upstream is down', async () => {
    await start({ upstream: { host: '127.0.0.1', port: 1 } });
    const client = connect(relay.address.port, relay.address.host);
    clients.push(client);
    expect((await once(client, 'error').catch((error: unknown) => [error]))[0]).toHaveProperty(
      'code',
      'ECONNRESET',
    );
  });

  test('drop: silently swallows bytes of both sides once the connection idled for the timeout', async () => {
    await start();
    const { client, far } = await connected();
    const heard: string[] = [];
    client.on('data', (chunk) => heard.push(`client ${String(chunk)}`));
    far.on('data', (chunk) => heard.push(`far ${String(chunk)}`));
    for (const event of ['close', 'error', 'end']) {
      client.on(event, () => heard.push(`client ${event}`));
      far.on(event, () => heard.push(`far ${event}`));
    }
    await silence(T + 0.02);
    expect(relay.forgotten).toBe(1);
    client.write('x');
    far.write('y');
    await silence(0.2);
    expect(heard).toEqual([]);
  });

  test('drop: forgets after the timeout to within 20 ms, however long the connection lived before', async () => {
    await start();
    const { client, far } = await connected();
    await silence(T * 0.7);
    far.write('c');
    await once(client, 'data');
    const start_ = performance.now();
    while (relay.remembered > 0 && performance.now() - start_ < 2000) await silence(0.001);
    const age = (performance.now() - start_) / 1000;
    expect(age).toBeGreaterThan(T - 0.005);
    expect(age).toBeLessThan(T + 0.02);
  });

  test('drop: forgets although the event loop slept through the moment', async () => {
    await start();
    const { client, far } = await connected();
    const heard: string[] = [];
    far.on('data', (chunk) => heard.push(String(chunk)));
    const until = performance.now() + (T + 0.1) * 1000;
    while (performance.now() < until) {
      // Block the loop: the byte below and the timer become due in the same turn.
    }
    client.write('x');
    await silence(0.1);
    expect(heard).toEqual([]);
  });

  test('drop: goes on reading, so that a forgotten connection never backs up', async () => {
    await start();
    const { client } = await connected();
    await silence(T + 0.02);
    const written = new Promise<void>((resolve, reject) => {
      client.write(Buffer.alloc(8_000_000), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    await written;
  });

  test('drop: a client never hears that the far end left a forgotten connection', async () => {
    await start();
    const { client, far } = await connected();
    await silence(T + 0.02);
    far.destroy();
    await silence(0.1);
    expect(client.destroyed || client.readableEnded).toBe(false);
  });

  test('drop: lets go of a forgotten connection once its client leaves', async () => {
    await start();
    const { client, far } = await connected();
    await silence(T + 0.02);
    far.resume();
    client.destroy();
    await once(far, 'close');
    expect(relay.forgotten).toBe(0);
  });

  test('reset: sends a RST to both ends at the timeout to within 20 ms', async () => {
    await start({ onExpiry: 'reset' });
    const { client, far } = await connected();
    const [clientAt, farAt] = await Promise.all([secondsUntilClosed(client), secondsUntilClosed(far)]);
    for (const at of [clientAt, farAt]) {
      expect(at).toBeGreaterThan(T - 0.02);
      expect(at).toBeLessThan(T + 0.02);
    }
    expect(client.errored).toHaveProperty('code', 'ECONNRESET');
    expect(far.errored).toHaveProperty('code', 'ECONNRESET');
  });

  test('keeps the time of each of many connections apart', async () => {
    await start();
    const early = await connected();
    await silence(T / 2);
    const late = await connected();
    await silence(T / 2 + 0.02);
    early.client.write('x');
    late.client.write('x');
    expect(String((await once(late.far, 'data'))[0])).toBe('x');
    expect([relay.remembered, relay.forgotten]).toEqual([1, 1]);
  });

  test('close() ends every connection and the listener', async () => {
    await start();
    const { client, far } = await connected();
    far.resume();
    const { port, host } = relay.address;
    await Promise.all([once(client, 'close'), once(far, 'close'), relay.close()]);
    const again = connect(port, host);
    expect((await once(again, 'error').catch((error: unknown) => [error]))[0]).toHaveProperty(
      'code',
      'ECONNREFUSED',
    );
  });
});
