/**
 * The connections of a site: counted by client and in all, and those that ask nothing give way to newcomers. Whoever
 * holds silent connections can so neither keep a scraper out nor use up the descriptors of the process.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { clientKey } from '../net/client-address.js';
import type { SiteShare } from '../net/descriptor-shares.js';
import { resetOrDestroy } from '../net/reset.js';
import type { Seconds } from '../units.js';

/**
 * Why a connection of the site was turned away: `limit_client` and `limit_total` (all that hold a place are being
 * answered), `evicted` (asked nothing and gave way to a newer one), `unread` (did not read its answer, see `STALL` and `LONGEST_STALL`),
 * `accept` (the kernel refused, most often for want of descriptors), `aborted` (the client reset it before its turn).
 */
export const WEB_REJECT_REASONS = [
  'limit_client',
  'limit_total',
  'evicted',
  'unread',
  'accept',
  'aborted',
] as const;
export type WebRejectReason = (typeof WEB_REJECT_REASONS)[number];

/** A reader whose answer has not moved for so long gives way, seconds. */
const STALL: Seconds = 10;

/** A reader whose answer has not moved for so long is gone, seconds. */
const LONGEST_STALL: Seconds = 60;

/** All that is kept of one connection. */
class SiteConnection {
  readonly raw: Socket;
  readonly client: string;
  /** What HTTP is spoken on: the connection itself, or TLS above it. */
  speaks: Socket;
  /** Requests that are being answered. */
  unanswered = 0;
  /** The newest request. */
  request: IncomingMessage | undefined = undefined;
  /** Bytes that the kernel had taken at the last look. */
  taken = 0;
  /** Since when the kernel has taken nothing of what waits for the reader. */
  stalledSince: Seconds | undefined = undefined;

  constructor(socket: Socket, client: string) {
    this.raw = socket;
    this.speaks = socket;
    this.client = client;
  }
}

export class SiteConnections {
  readonly #share: SiteShare;
  readonly #connections = new Map<Socket, SiteConnection>();
  /** By client, how many it has. */
  readonly #clients = new Map<string, number>();
  /** Those that ask nothing: handshakes, headers under way, kept alive. The longest in that state first. */
  readonly #idle = new Set<SiteConnection>();
  readonly #secure = new WeakMap<Socket, SiteConnection>();
  /** When it was last looked who reads. */
  #now: Seconds = 0;
  /** How many were turned away since the start. */
  readonly rejected = Object.fromEntries(WEB_REJECT_REASONS.map((reason) => [reason, 0])) as Record<
    WebRejectReason,
    number
  >;

  constructor(share: SiteShare) {
    this.#share = share;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#connections.size;
  }

  /** Lets connections of the server pass only where there is room. Call it when all its listeners are in place. */
  guard(server: Server): void {
    const inner = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket)) return;
      for (const listener of inner) listener.call(server, socket);
    });
    server.on('secureConnection', (secure: TLSSocket) => this.#secured(secure));
  }

  /** The same listener, with a note of who is being answered. */
  noting(listener: RequestListener): RequestListener {
    return (request, response) => {
      this.#asked(request, response);
      listener(request, response);
    };
  }

  /** Notices who does not read, and ends whoever has not done so for a minute. @param now monotonic seconds */
  look(now: Seconds): void {
    for (const connection of this.#connections.values()) {
      const { speaks } = connection;
      const taken = speaks.bytesWritten - speaks.writableLength - queued(speaks);
      const moves = connection.unanswered === 0 || speaks.writableLength === 0 || taken !== connection.taken;
      connection.taken = taken;
      connection.stalledSince = moves ? undefined : (connection.stalledSince ?? now);
      if (now - (connection.stalledSince ?? now) >= LONGEST_STALL) this.#evict(connection, 'unread');
    }
    this.#now = now;
  }

  /** Ends all that are left, whatever they wait for. */
  destroyAll(): void {
    for (const { raw } of this.#connections.values()) raw.destroy();
  }

  #admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    socket.on('error', ignore);
    if (address === undefined) {
      this.rejected.aborted += 1;
      socket.destroy();
      return false;
    }
    const client = clientKey(address);
    const { connections, perClient } = this.#share;
    let refusal: WebRejectReason | undefined;
    if ((this.#clients.get(client) ?? 0) >= perClient) {
      if (!this.#makeRoom(client)) refusal = 'limit_client';
    } else if (this.#connections.size >= connections && !this.#makeRoom()) refusal = 'limit_total';
    if (refusal !== undefined) {
      this.rejected[refusal] += 1;
      resetOrDestroy(socket);
      return false;
    }
    const connection = new SiteConnection(socket, client);
    this.#connections.set(socket, connection);
    this.#clients.set(client, (this.#clients.get(client) ?? 0) + 1);
    this.#idle.add(connection);
    socket.once('close', () => this.#forget(connection));
    return true;
  }

  /** Ends who can best be done without, of one client or of all. */
  #makeRoom(client?: string): boolean {
    const meant = (connection: SiteConnection): boolean =>
      client === undefined || connection.client === client;
    const idle = this.#idlest(meant);
    if (idle !== undefined) return this.#evict(idle, 'evicted');
    for (const connection of this.#connections.values()) {
      const { request, stalledSince = Infinity } = connection;
      // It still owes a part of what it asks.
      if (meant(connection) && request?.complete === false) return this.#evict(connection, 'evicted');
      if (meant(connection) && this.#now - stalledSince >= STALL) return this.#evict(connection, 'unread');
    }
    return false;
  }

  /**
   * Of those that ask nothing one of the client that has most connections, the longest in that state: whoever comes with
   * one and asks at once is not ended before a flood's own.
   */
  #idlest(meant: (connection: SiteConnection) => boolean): SiteConnection | undefined {
    let chosen: SiteConnection | undefined;
    let most = 0;
    for (const connection of this.#idle) {
      const count = this.#clients.get(connection.client) ?? 0;
      if (!meant(connection) || count <= most) continue;
      chosen = connection;
      most = count;
    }
    return chosen;
  }

  #evict(connection: SiteConnection, reason: WebRejectReason): true {
    this.rejected[reason] += 1;
    this.#forget(connection);
    connection.raw.destroy();
    return true;
  }

  #forget(connection: SiteConnection): void {
    if (!this.#connections.delete(connection.raw)) return;
    this.#idle.delete(connection);
    const left = (this.#clients.get(connection.client) ?? 0) - 1;
    if (left > 0) this.#clients.set(connection.client, left);
    else this.#clients.delete(connection.client);
  }

  /** Finds below which connection a TLS one lies: Node does not say, but both have the same two ends. */
  #secured(secure: TLSSocket): void {
    for (const connection of this.#connections.values()) {
      const { raw } = connection;
      const same =
        raw.remotePort === secure.remotePort &&
        raw.remoteAddress === secure.remoteAddress &&
        raw.localPort === secure.localPort &&
        raw.localAddress === secure.localAddress;
      if (same) this.#secure.set(secure, connection);
      if (same) connection.speaks = secure;
    }
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#secure.get(socket) ?? this.#connections.get(socket);
    if (connection === undefined) return;
    connection.unanswered += 1;
    connection.request = request;
    this.#idle.delete(connection);
    response.once('close', () => {
      connection.unanswered -= 1;
      connection.stalledSince = undefined;
      if (connection.unanswered === 0 && this.#connections.has(connection.raw)) this.#idle.add(connection);
    });
  }
}

/** Bytes of a piece under way that the kernel has not taken yet: a socket's own counts go up by whole pieces only. */
function queued(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    readonly _handle?: { readonly writeQueueSize?: number } | null;
  };
  return handle?.writeQueueSize ?? 0;
}

/** The end of a connection is enough to know. */
function ignore(): void {}
