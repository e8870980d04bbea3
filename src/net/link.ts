/** Outgoing TCP connections: the only place that opens one. Keepalive is off, reading never pauses. */
import { connect as connectSocket, type Socket } from 'node:net';
import type { Remedy } from '../config/remedy.js';
import { defined } from '../defined.js';
import { toMilliseconds, type Seconds } from '../units.js';
import { classifyError, type LinkEnd } from './errors.js';
import { hopDescriptors } from './socket-options/hop-address.js';
import { tcpInfo, waitPatiently } from './socket-options/options.js';
import { reaches, refresh, type Refreshing } from './socket-options/refreshing.js';
import { isAcknowledged, unansweredProbes, type UnansweredProbes } from './tcp-table.js';

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
  /** The chunk is valid during the call only: what is kept must be copied. */
  data(chunk: Buffer): void;
  ended(end: LinkEnd): void;
}

/** Thrown when a connection cannot be established. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly end: LinkEnd;
  readonly remedy: Remedy | undefined;
  constructor(endpoint: Endpoint, end: LinkEnd) {
    super(`cannot connect to ${formatAddress(endpoint.address, endpoint.port)}: ${end.detail}`);
    this.end = end;
    this.remedy = end.remedy;
  }
}

/** One established TCP connection with keepalive off, Nagle off, and nothing sent on it by itself. */
export interface Link {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** `host:port` of both ends as this host sees them. */
  readonly local: string;
  readonly remote: string;
  /** How the connection ended, if it did. */
  readonly end: LinkEnd | undefined;
  /** Makes `handler` the owner. A link that has already ended tells it at once. */
  own(handler: LinkHandler): void;
  /** Writes; the kernel takes the bytes before this returns unless its buffer is full. */
  write(bytes: string | Uint8Array): void;
  /**
   * Turns TCP keepalive on with an idle time of 1 s (on a connection that has idled longer the first probe leaves
   * at once) or off. Shorter values round to 0 and would mean the kernel's default of 2 h.
   */
  setKeepAlive(on: boolean): void;
  /**
   * Has the kernel keep the connection alive as a program would: a probe leaves whenever nothing has arrived for so
   * long; while one is unanswered, another each second, and after ten of them the kernel gives up. That distance and that
   * number are Node's own.
   *
   * @param interval whole seconds, at least 1
   * @see https://github.com/libuv/libuv/blob/v1.x/src/unix/tcp.c (uv__tcp_keepalive)
   */
  holdByKeepAlive(interval: Seconds): void;
  /**
   * How many keepalive probes are unanswered, as the kernel says after the call: of the connection itself where it can be
   * asked (`socketOptions`), else out of its table. @see unansweredProbes
   */
  unansweredProbes(): Promise<UnansweredProbes>;
  /**
   * Whether the kernel at the other end, or whoever stands in for it, has acknowledged all that was written; undefined
   * where nobody knows.
   */
  isAcknowledged(): Promise<boolean | undefined>;
  /**
   * Keeps boxes on the path fresh as far as `hops`, see `refresh`, until something else is done with the link; undefined
   * where this host cannot.
   */
  refresh(hops: number, interval: Seconds): Refreshing | undefined;
  /** Whether a keepalive of so many hops is acknowledged, see `reaches`. */
  reaches(hops: number): Promise<boolean | undefined>;
  /** How many segments have arrived, bare acknowledgements and keepalives among them; undefined where nobody knows. */
  segmentsHeard?(): number | undefined;
  /** Forgets the owner and closes without waiting for anybody. */
  destroy(): void;
}

/** How connections are opened, see `openLink`. */
export type OpenLink = (endpoint: Endpoint, deadline: Seconds, signal: AbortSignal) => Promise<Link>;

/** What arrives on any link is read into this: it is the owner's only until `data` returns. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

const LINK = Symbol('link');

/** A socket and the link that it belongs to: with it, all sockets share their listeners. */
type LinkedSocket = Socket & { [LINK]?: SocketLink };

function onError(this: LinkedSocket, error: Error): void {
  this[LINK]?.finish(classifyError(error));
}

function onEnd(this: LinkedSocket): void {
  this[LINK]?.finish({ kind: 'closed', detail: 'closed by the far end' });
}

/** Sockets that were opened here and have not closed yet. */
let open = 0;

/** How many descriptors all links hold together, those that are being opened or ask for a hop's address included. */
export function linkDescriptors(): number {
  return open + hopDescriptors();
}

function countClosed(): void {
  open -= 1;
}

function onClose(this: LinkedSocket): void {
  countClosed();
  this[LINK]?.finish({ kind: 'closed', detail: 'closed' });
}

/** The link of a real socket. */
class SocketLink implements Link {
  readonly #socket: Socket;
  #handler: LinkHandler | undefined;
  #end: LinkEnd | undefined;
  #refreshing: Refreshing | undefined;
  /** Keepalives that were to end on the way still count as unanswered to the kernel. */
  #wasRefreshed = false;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;

  constructor(socket: LinkedSocket) {
    this.#socket = socket;
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    socket[LINK] = this;
    socket.on('error', onError).on('end', onEnd).on('close', onClose);
  }

  get end(): LinkEnd | undefined {
    return this.#end;
  }

  /** Hands over what the socket has read. */
  receive(chunk: Buffer): void {
    this.#handler?.data(chunk);
  }

  own(handler: LinkHandler): void {
    this.#handler = handler;
    if (this.#end !== undefined) handler.ended(this.#end);
  }

  write(bytes: string | Uint8Array): void {
    this.#sendAllTheWay();
    if (this.#end === undefined) this.#socket.write(bytes);
  }

  setKeepAlive(on: boolean): void {
    this.#sendAllTheWay();
    this.#socket.setKeepAlive(on, on ? 1000 : 0);
    if (on && this.#wasRefreshed) waitPatiently(this.#socket);
  }

  holdByKeepAlive(interval: Seconds): void {
    this.#sendAllTheWay();
    this.#socket.setKeepAlive(true, toMilliseconds(interval));
  }

  unansweredProbes(): Promise<UnansweredProbes> {
    const info = tcpInfo(this.#socket);
    return info === undefined ? unansweredProbes(this) : Promise.resolve(info.unansweredProbes);
  }

  isAcknowledged(): Promise<boolean | undefined> {
    const info = tcpInfo(this.#socket);
    return info === undefined ? isAcknowledged(this) : Promise.resolve(info.unacknowledged === 0);
  }

  refresh(hops: number, interval: Seconds): Refreshing | undefined {
    this.#sendAllTheWay();
    this.#wasRefreshed = true;
    return (this.#refreshing = refresh(this.#socket, hops, interval));
  }

  reaches(hops: number): Promise<boolean | undefined> {
    this.#wasRefreshed = true;
    return reaches(this.#socket, hops);
  }

  segmentsHeard(): number | undefined {
    return tcpInfo(this.#socket)?.segmentsIn;
  }

  /** What is sent from here on must arrive, a FIN no less than a question. */
  #sendAllTheWay(): void {
    this.#refreshing?.stop();
    this.#refreshing = undefined;
  }

  destroy(): void {
    this.#sendAllTheWay();
    this.#handler = undefined;
    this.#end ??= { kind: 'closed', detail: 'closed by us' };
    this.#socket.destroy();
  }

  get local(): string {
    return formatAddress(this.localAddress, this.localPort);
  }

  get remote(): string {
    return formatAddress(this.remoteAddress, this.remotePort);
  }

  /** Notes how the connection ended; the first word counts. */
  finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#socket.destroy();
    this.#handler?.ended(end);
  }
}

/** What a socket does with what it has read; made apart from the opening, whose variables it would keep alive. */
function readerFor(opened: { link?: SocketLink }): (length: number) => true {
  return (length) => {
    opened.link?.receive(READ_BUFFER.subarray(0, length));
    return true;
  };
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
    const opened: { link?: SocketLink } = {};
    const socket = connectSocket({
      host: endpoint.address,
      port: endpoint.port,
      ...defined({ localAddress: endpoint.localAddress }),
      keepAlive: false,
      noDelay: true,
      // One buffer for all: a stream would allocate one for each chunk.
      onread: { buffer: READ_BUFFER, callback: readerFor(opened) },
    });
    open += 1;
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
    };
    const fail = (end: LinkEnd): void => {
      settle();
      socket.on('error', () => undefined).on('close', countClosed);
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
      opened.link = new SocketLink(socket);
      resolve(opened.link);
    });
  });
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`. */
function formatAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
