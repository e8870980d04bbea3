/** Asking who stands at a hop where there is none; a path with routers is in the namespace lab. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { linkDescriptors } from '../../../src/net/link.js';
import { hopAddress } from '../../../src/net/socket-options/hop-address.js';
import { enableSocketOptions } from '../../../src/net/socket-options/library.js';
import { openSockets, socketsFallTo } from '../../support/sockets.js';

const { signal } = new AbortController();

describe.runIf(process.platform === 'linux')('hopAddress()', () => {
  beforeAll(async () => {
    expect(await enableSocketOptions()).toEqual({ available: true });
  });

  it.each(['127.0.0.1', '::1'])(
    'learns nothing of %s, which has no router before it, and keeps nothing open',
    async (host) => {
      const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, host);
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const before = openSockets();
      const asking = hopAddress({ address: host, port }, 1, 0.3, signal);
      expect([linkDescriptors(), openSockets() - before]).toEqual([1, 1]);
      expect(await asking).toBeUndefined();
      expect(linkDescriptors()).toBe(0);
      server.close();
    },
  );

  it.each([
    ['a port at which nobody listens', { address: '127.0.0.1', port: 1 }, 1],
    [
      'an address of another host to start from',
      { address: '127.0.0.1', port: 1, localAddress: '192.0.2.1' },
      1,
    ],
    ['no hops', { address: '127.0.0.1', port: 1 }, 0],
    ['a network that is not there', { address: '240.0.0.1', port: 1 }, 3],
  ])('learns nothing from %s', async (_what, endpoint, hops) => {
    const before = openSockets();
    expect(await hopAddress(endpoint, hops, 0.2, signal)).toBeUndefined();
    expect(linkDescriptors()).toBe(0);
    await socketsFallTo(before);
  });

  it('is called off with its signal', async () => {
    const off = new AbortController();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const asking = hopAddress(
      { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
      1,
      30,
      off.signal,
    );
    off.abort();
    expect(await asking).toBeUndefined();
    expect(linkDescriptors()).toBe(0);
    server.close();
  });
});
