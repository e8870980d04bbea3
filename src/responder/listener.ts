/** Listening sockets: servers that accept bursts and stay silent. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ListenAddress } from '../config/listen-address.js';

/** Connections that may wait for `accept`; the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 4096;

/** Bytes that Node may read ahead for a connection that is paused: many may be at once. */
const HIGH_WATER_MARK = 4096;

/** Whether strangers may reach a listener at this address: everything but loopback. */
export function isExposed(address: ListenAddress): boolean {
  const host = address.host ?? '';
  return !(host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host));
}

/** A listening socket that hands each connection to `accept`; keepalive is off. */
export class Listener {
  readonly #server: Server;
  readonly #address: ListenAddress;
  readonly bound: AddressInfo;
  #stopped = false;

  private constructor(server: Server, address: ListenAddress) {
    this.#server = server;
    this.#address = address;
    this.bound = server.address() as AddressInfo;
  }

  /**
   * Binds the address; `failed` hears when accepting a connection fails later on.
   * @throws the system's error (`EADDRINUSE`, `EACCES`, …) if it cannot.
   */
  static async open(
    address: ListenAddress,
    accept: (socket: Socket) => void,
    failed: (error: Error) => void,
  ): Promise<Listener> {
    const server = createServer(
      { allowHalfOpen: false, keepAlive: false, highWaterMark: HIGH_WATER_MARK },
      accept,
    );
    // Before it listens, an error belongs to `listen`; afterwards it is accept() that failed.
    server.on('error', (error) => {
      if (server.listening) failed(error);
    });
    await listen(server, address);
    return new Listener(server, address);
  }

  /** Whether it holds a descriptor. */
  get listening(): boolean {
    return this.#server.listening;
  }

  /**
   * Whether this process takes connections of the address. A process that does not leaves them to the others that
   * share it; what waits to be accepted belongs to all of them.
   */
  async attend(open: boolean): Promise<void> {
    if (this.#stopped || open === this.#server.listening) return;
    if (open) await listen(this.#server, this.#address);
    if (!open || this.#stopped) this.#server.close();
  }

  /** Stops listening; resolves when the last connection that came by this way has ended too. */
  stop(): Promise<void> {
    this.#stopped = true;
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', listens);
      reject(error);
    };
    const listens = (): void => {
      server.off('error', failed);
      resolve();
    };
    // Not as a callback of `listen`: that would stay behind whenever it fails, and it is tried again and again.
    server
      .once('error', failed)
      .once('listening', listens)
      .listen({ ...address, backlog: BACKLOG });
  });
}
