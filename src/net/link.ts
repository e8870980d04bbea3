/** Outgoing TCP connections: the only place that opens one. Keepalive is off, reading never pauses. */
import { connect as connectSocket, type Socket } from 'node:net';
import { toMilliseconds, type Seconds } from '../units.js';
import { classifyError, type LinkEnd } from './errors.js';

/** Where a connection goes to and where it starts from. */
export interface Endpoint {
  /** An IP address, never a name: names are resolved once and pinned, see `resolve`. */
  readonly address: string;
  readonly port: number;
  /** The local IP address to bind to, for hosts with several uplinks. */
  readonly localAddress?: string;
}

/** What the owner of a link wants to hear. Handlers may be replaced at any time; there is one owner at a time. */
export interface LinkHandler {
  data(chunk: Buffer): void;
  ended(end: LinkEnd): void;
}

/** Thrown when a connection cannot be established. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly end: LinkEnd;
  constructor(endpoint: Endpoint, end: LinkEnd) {
    super(`cannot connect to ${formatAddress(endpoint.address, endpoint.port)}: ${end.detail}`);
    this.end = end;
  }
}

/** One established TCP connection with keepalive off, Nagle off, and nothing sent on it by itself. */
export class Link {
  readonly #socket: Socket;
  #handler: LinkHandler | undefined;
  #end: LinkEnd | undefined;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    socket.on('data', (chunk: Buffer) => this.#handler?.data(chunk));
    socket.on('error', (error) => this.#finish(classifyError(error)));
    socket.on('end', () => this.#finish({ kind: 'closed', detail: 'closed by the far end' }));
    socket.on('close', () => this.#finish({ kind: 'closed', detail: 'closed' }));
  }

  /** How the connection ended, if it did. */
  get end(): LinkEnd | undefined {
    return this.#end;
  }

  /** Makes `handler` the owner. A link that has already ended tells it at once. */
  own(handler: LinkHandler): void {
    this.#handler = handler;
    if (this.#end !== undefined) handler.ended(this.#end);
  }

  /** Writes; the kernel takes the bytes before this returns unless its buffer is full. */
  write(bytes: string | Uint8Array): void {
    if (this.#end === undefined) this.#socket.write(bytes);
  }

  /**
   * Turns TCP keepalive on with an idle time of 1 s (on a connection that has idled longer the first probe leaves
   * at once) or off. Shorter values round to 0 and would mean the kernel's default of 2 h.
   */
  setKeepAlive(on: boolean): void {
    this.#socket.setKeepAlive(on, on ? 1000 : 0);
  }

  /** Forgets the owner and closes without waiting for anybody. */
  destroy(): void {
    this.#handler = undefined;
    this.#end ??= { kind: 'closed', detail: 'closed by us' };
    this.#socket.destroy();
  }

  /** `host:port` of both ends as this host sees them. */
  get local(): string {
    return formatAddress(this.localAddress, this.localPort);
  }

  get remote(): string {
    return formatAddress(this.remoteAddress, this.remotePort);
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#socket.destroy();
    this.#handler?.ended(end);
  }
}

/**
 * Opens a connection.
 * @param deadline seconds that the handshake may take
 * @throws ConnectError
 */
export function openLink(endpoint: Endpoint, deadline: Seconds, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new ConnectError(endpoint, { kind: 'local', detail: 'called off' }));
      return;
    }
    const socket = connectSocket({
      host: endpoint.address,
      port: endpoint.port,
      ...(endpoint.localAddress === undefined ? {} : { localAddress: endpoint.localAddress }),
      keepAlive: false,
      noDelay: true,
      autoSelectFamily: false,
    });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
    };
    const fail = (end: LinkEnd): void => {
      settle();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(new ConnectError(endpoint, end));
    };
    const abort = (): void => fail({ kind: 'local', detail: 'called off' });
    const timer = setTimeout(
      () => fail({ kind: 'silence', detail: `no answer within ${deadline} s` }),
      toMilliseconds(deadline),
    );
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', (error) => fail(classifyError(error)));
    socket.once('connect', () => {
      settle();
      resolve(new Link(socket));
    });
  });
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`. */
export function formatAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
