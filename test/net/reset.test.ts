import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetOrDestroy } from '../../src/net/reset.js';
import { openSockets, socketsFallTo } from '../support/sockets.js';

/** Both ends of one connection; an error event that nobody expects ends the test run. */
interface Both {
  readonly ours: Socket;
  readonly theirs: Socket;
}

let server: Server;
let port: number;
let before: number;

beforeEach(async () => {
  before = openSockets();
  server = createServer({ allowHalfOpen: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  server.close();
  await socketsFallTo(before);
});

async function connected(options: { readonly allowHalfOpen?: boolean } = {}): Promise<Both> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const theirs = connect({ port, host: '127.0.0.1', ...options });
  const [ours] = await accepted;
  // What it sees is told by `endOf`.
  theirs.on('error', () => undefined);
  return { ours, theirs };
}

/** Unlike `once`, it does not mind errors that somebody listens to. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** How the peer sees the end of the connection. */
function endOf(peer: Socket): Promise<string> {
  return new Promise((resolve) => {
    peer.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    peer.once('close', () => resolve('closed'));
    peer.resume();
  });
}

describe('resetOrDestroy()', () => {
  it('resets an open connection', async () => {
    const { ours, theirs } = await connected();
    const end = endOf(theirs);
    resetOrDestroy(ours);
    expect(await end).toBe('ECONNRESET');
  });

  it('resets a connection whose peer has ended, as long as we have not', async () => {
    const { ours, theirs } = await connected({ allowHalfOpen: true });
    theirs.end();
    await once(theirs, 'finish');
    const end = endOf(theirs);
    resetOrDestroy(ours);
    expect(await end).toBe('ECONNRESET');
  });

  it('closes a connection whose own end is under way', async () => {
    const { ours, theirs } = await connected();
    const end = endOf(theirs);
    ours.end();
    resetOrDestroy(ours);
    expect(ours.destroyed).toBe(true);
    expect(await end).toBe('closed');
  });

  it('closes a connection that ends because its peer has ended', async () => {
    const { ours, theirs } = await connected();
    theirs.end();
    ours.resume();
    await new Promise<void>((resolve) => {
      // Node has just ended our half, in the same turn.
      ours.once('end', () => {
        resetOrDestroy(ours);
        resolve();
      });
    });
    await closed(ours);
  });

  it('closes a connection that is asked to go once its last words have left', async () => {
    const { ours, theirs } = await connected();
    const end = endOf(theirs);
    ours.write('bye');
    ours.destroySoon();
    resetOrDestroy(ours);
    expect(await end).toBe('closed');
  });

  it('gives up a connection that is being opened', async () => {
    const socket = connect(port, '127.0.0.1');
    expect(socket.connecting).toBe(true);
    resetOrDestroy(socket);
    await closed(socket);
  });

  it('takes a refused connection, and one that is closed already', async () => {
    const elsewhere = createServer().listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const { port: refusing } = elsewhere.address() as AddressInfo;
    elsewhere.close();
    const socket = connect(refusing, '127.0.0.1');
    const errors: unknown[] = [];
    socket.on('error', (error: NodeJS.ErrnoException) => {
      errors.push(error.code);
      resetOrDestroy(socket);
    });
    await closed(socket);
    resetOrDestroy(socket);
    expect(errors).toEqual(['ECONNREFUSED']);
  });

  it('takes a socket that was never connected', async () => {
    const socket = new Socket();
    resetOrDestroy(socket);
    await closed(socket);
  });
});
