/** Listening sockets: servers that accept bursts and stay silent. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Where to listen; without a host on every address of the machine. */
export interface ListenAddress {
  readonly host?: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

/** Connections that may wait for `accept`; the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 4096;

/** Whether strangers may reach a listener at this address: everything but loopback. */
export function isExposed(address: ListenAddress): boolean {
  const host = address.host ?? '';
  return !(host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host));
}

/** A server that hands each socket to `accept`; keepalive is off, answers leave at once. */
export function createListener(accept: (socket: Socket) => void, failed: (error: Error) => void): Server {
  const server = createServer({ allowHalfOpen: false, keepAlive: false, noDelay: true }, accept);
  // Before it listens, an error belongs to `listen`; afterwards it is accept() that failed.
  server.on('error', (error) => {
    if (server.listening) failed(error);
  });
  return server;
}

/**
 * Binds the server.
 * @throws the system's error (`EADDRINUSE`, `EACCES`, …) if it cannot.
 */
export function listen(server: Server, address: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Stops listening; resolves when the last connection of the server has ended too. */
export function stop(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
