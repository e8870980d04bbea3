/** What every TCP server of the responder does alike: listen, take connections, look at their ages, and end them. */
import type { AddressInfo, Socket } from 'node:net';
import type { ListenAddress } from '../config/listen-address.js';
import type { Logger } from '../log.js';
import { resetOrDestroy } from '../net/reset.js';
import { type Seconds, toMilliseconds } from '../units.js';
import type { GoneCause } from '../wire/messages.js';
import type { Admission, Client, Evictable, Pool } from './admission.js';
import type { Peers } from './cluster/peers.js';
import type { Limits } from './limits.js';
import { Listener } from './listener.js';
import type { ConnectionKind, RejectReason, ResponderCounts } from './responder-metrics.js';

/** What the servers of one responder have in common. */
export interface DoorOptions {
  readonly limits: Limits;
  readonly admission: Admission;
  readonly counts: ResponderCounts;
  readonly logger: Logger;
  /** Monotonic seconds. */
  readonly now: () => Seconds;
  /** The other workers, where there are several. */
  readonly peers?: Peers;
}

/** The server of a connection, as the connection knows it. */
export interface ConnectionOwner {
  /** Ends a connection for a reason that is counted, and says it where the protocol has a word for it. */
  turnAway(connection: DoorConnection, reason: RejectReason, detail?: string): void;
}

/** What is kept of every connection: there may be very many, so no closure and no timer. */
export class DoorConnection<Owner extends ConnectionOwner = ConnectionOwner> implements Evictable {
  readonly socket: Socket;
  readonly owner: Owner;
  /** Undefined for a connection over a limit, which is only told so. */
  readonly client: Client | undefined;
  kind: ConnectionKind;
  /** Whether its server still has it. */
  open = true;
  /** When it was accepted or last did what keeps it from being too old, in whole monotonic seconds. */
  activeAt: Seconds;
  /** The error that has ended it. */
  cause: Exclude<GoneCause, 'closed'> | undefined = undefined;

  constructor(
    socket: Socket,
    owner: Owner,
    client: Client | undefined,
    kind: ConnectionKind,
    acceptedAt: Seconds,
  ) {
    this.socket = socket;
    this.owner = owner;
    this.client = client;
    this.kind = kind;
    this.activeAt = acceptedAt;
  }

  evict(): void {
    this.owner.turnAway(this, 'evicted');
  }
}

/** How long a stopped server waits for its last lines to leave. */
const FAREWELL: Seconds = 1;

/** One server of the responder. A protocol says how it takes connections, reads them, and turns them away. */
export abstract class Door<Connection extends DoorConnection> implements ConnectionOwner {
  protected readonly options: DoorOptions;
  readonly #pool: Pool;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Map<Socket, Connection>();
  readonly #leaving = new LeavingSockets();
  readonly #sweeper: NodeJS.Timeout;
  // One set of handlers for all sockets.
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onError: (this: Socket, error: NodeJS.ErrnoException) => void;
  readonly #onClose: (this: Socket) => void;

  /** @param pool whose places its connections take */
  protected constructor(options: DoorOptions, pool: Pool) {
    this.options = options;
    this.#pool = pool;
    const find = (socket: Socket): Connection | undefined => this.#connections.get(socket);
    const receive = (connection: Connection, chunk: Buffer): void => this.receive(connection, chunk);
    const closed = (socket: Socket): void => this.#closed(socket);
    this.#onData = function (chunk) {
      const connection = find(this);
      if (connection !== undefined) receive(connection, chunk);
    };
    this.#onError = function ({ code }) {
      const connection = find(this);
      if (connection === undefined) return;
      connection.cause = code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'timed_out';
    };
    this.#onClose = function () {
      closed(this);
    };
    this.#sweeper = setInterval(() => this.sweep(), toMilliseconds(options.limits.sweepInterval)).unref();
  }

  /** The connection to keep for an accepted socket, or why it is reset at once. */
  protected abstract accept(socket: Socket, address: string): Connection | RejectReason;

  /** Bytes have come on a connection. */
  protected abstract receive(connection: Connection, chunk: Buffer): void;

  /** Looks at the age of a connection; called for each of them at every sweep. */
  protected abstract inspect(connection: Connection, now: Seconds): void;

  abstract turnAway(connection: Connection, reason: RejectReason, detail?: string): void;

  /** A connection has left the books; with a cause where it was not ended on purpose. */
  protected left(_connection: Connection, _cause: GoneCause | undefined): void {}

  /** Ends a connection because the responder stops. */
  protected stop(connection: Connection): void {
    this.drop(connection);
  }

  /**
   * Listens at one more address.
   * @throws the system's error if it cannot be bound.
   */
  async listen(address: ListenAddress): Promise<AddressInfo> {
    const { counts, logger } = this.options;
    const listener = await Listener.open(
      address,
      (socket) => this.#accept(socket),
      (error) => {
        counts.rejected.accept += 1;
        logger.debug({ err: error }, 'accepting a connection failed');
      },
    );
    this.#listeners.push(listener);
    return listener.bound;
  }

  /** How many descriptors its listeners and connections hold. */
  descriptors(): number {
    const listening = this.#listeners.filter((listener) => listener.listening).length;
    return listening + this.#connections.size + this.#leaving.size;
  }

  /** Whether this process takes new connections, see `Listener.attend`. */
  async attend(open: boolean): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.attend(open)));
  }

  /** Ends all listeners and connections; resolves within about a second. */
  async close(): Promise<void> {
    const stopped = this.#listeners.map((listener) => listener.stop());
    for (const connection of this.all()) this.stop(connection);
    const deadline = setTimeout(() => this.#leaving.destroyAll(), toMilliseconds(FAREWELL));
    await Promise.all(stopped);
    clearTimeout(deadline);
    clearInterval(this.#sweeper);
  }

  /** Ends a connection without a word, by a reset. */
  drop(connection: Connection): void {
    this.forget(connection);
    resetOrDestroy(connection.socket);
  }

  /** The connections of this moment. */
  protected all(): Connection[] {
    return [...this.#connections.values()];
  }

  /** Whole monotonic seconds. */
  protected now(): Seconds {
    return Math.floor(this.options.now());
  }

  protected sweep(): void {
    this.#leaving.sweep();
    const now = this.now();
    for (const connection of this.#connections.values()) this.inspect(connection, now);
  }

  /** Counts that a connection or its request is turned away, and says so in the log. */
  protected countRejection({ socket, kind }: Connection, reason: RejectReason, detail?: string): void {
    const { counts, logger } = this.options;
    counts.rejected[reason] += 1;
    if (!logger.isLevelEnabled('debug')) return;
    const { remoteAddress: client, remotePort: port } = socket;
    logger.debug({ reason, detail, kind, client, port }, 'turned away');
  }

  /** Takes a connection out of every book. */
  protected forget(connection: Connection, cause?: GoneCause): void {
    if (!this.#connections.delete(connection.socket)) return;
    const { admission, counts } = this.options;
    const { client, kind } = connection;
    connection.open = false;
    counts.open[kind] -= 1;
    if (client !== undefined) {
      admission.settle(client, connection);
      admission.release(client, this.#pool);
    }
    this.left(connection, cause);
  }

  /** Ends a forgotten connection's socket after what was written on it. */
  protected endAfterWriting(socket: Socket): void {
    if (socket.destroyed) return;
    this.#leaving.add(socket);
    socket.destroySoon();
  }

  #accept(socket: Socket): void {
    const { counts } = this.options;
    const address = socket.remoteAddress;
    socket.on('error', this.#onError);
    if (address === undefined) {
      counts.rejected.aborted += 1;
      socket.destroy();
      return;
    }
    const connection = this.accept(socket, address);
    if (typeof connection === 'string') {
      counts.rejected[connection] += 1;
      resetOrDestroy(socket);
      return;
    }
    this.#connections.set(socket, connection);
    counts.open[connection.kind] += 1;
    counts.opened[connection.kind] += 1;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
  }

  #closed(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) this.forget(connection, connection.cause ?? 'closed');
    this.#leaving.delete(socket);
  }
}

/** Sockets whose last bytes are on their way: they are given one to two sweeps to be taken. */
class LeavingSockets {
  #young = new Set<Socket>();
  #old = new Set<Socket>();

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  add(socket: Socket): void {
    this.#young.add(socket);
  }

  delete(socket: Socket): void {
    this.#young.delete(socket);
    this.#old.delete(socket);
  }

  sweep(): void {
    for (const socket of this.#old) socket.destroy();
    [this.#old, this.#young] = [this.#young, this.#old];
    this.#young.clear();
  }

  destroyAll(): void {
    for (const socket of [...this.#young, ...this.#old]) socket.destroy();
  }
}
