/**
 * The two servers that NAT-TCP-test clients expect. Echo writes the first bytes back at once; sleep reads a
 * number of seconds and writes the very bytes back after them. Both serve one request and close.
 * @see docs/PROTOCOL.md
 */
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from '../log.js';
import { resetOrDestroy } from '../net/reset.js';
import { type Seconds, toMilliseconds } from '../units.js';
import { decodeSleepRequest, LEGACY_READ_LIMIT } from '../wire/nat-tcp-test-messages.js';
import type { Admission, Client, Evictable } from './admission.js';
import { Farewells } from './farewell.js';
import type { Limits } from './limits.js';
import { type ListenAddress, Listener } from './listener.js';
import type { RejectReason, ResponderCounts } from './responder-metrics.js';
import type { Peers } from './cluster/peers.js';

export type LegacyKind = 'legacy_echo' | 'legacy_sleep';

export interface LegacyOptions {
  readonly kind: LegacyKind;
  readonly limits: Limits;
  readonly admission: Admission;
  readonly counts: ResponderCounts;
  readonly logger: Logger;
  /** Monotonic seconds. */
  readonly now: () => Seconds;
  /** The other workers, where there are several. */
  readonly peers?: Peers;
}

export interface LegacyServer {
  /**
   * Listens at one more address.
   * @throws the system's error if it cannot be bound.
   */
  listen(address: ListenAddress): Promise<AddressInfo>;
  /** Whether this process takes new connections, see `Listener.attend`. */
  attend(wanted: boolean): Promise<void>;
  /** How many descriptors its listeners and connections hold. */
  descriptors(): number;
  /** Resets every connection. */
  close(): Promise<void>;
}

export function createLegacyServer(options: LegacyOptions): LegacyServer {
  return new Legacy(options);
}

/** All that is kept of one client. */
interface Guest extends Evictable {
  readonly socket: Socket;
  readonly client: Client;
  readonly since: Seconds;
  request: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

class Legacy implements LegacyServer {
  readonly #options: LegacyOptions;
  readonly #listeners: Listener[] = [];
  readonly #guests = new Map<Socket, Guest>();
  readonly #farewells = new Farewells();
  readonly #sweeper: NodeJS.Timeout;
  // One set of handlers for all sockets.
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onClose: (this: Socket) => void;
  readonly #answer = (guest: Guest): void => this.#respond(guest);

  constructor(options: LegacyOptions) {
    this.#options = options;
    const received = (socket: Socket, chunk: Buffer): void => this.#received(socket, chunk);
    const closed = (socket: Socket): void => this.#closed(socket);
    this.#onData = function (chunk) {
      received(this, chunk);
    };
    this.#onClose = function () {
      closed(this);
    };
    options.peers?.follow(({ kind }) => {
      if (kind === 'instance') this.#leaveAll();
    });
    this.#sweeper = setInterval(() => this.#sweep(), toMilliseconds(options.limits.sweepInterval)).unref();
  }

  async listen(address: ListenAddress): Promise<AddressInfo> {
    const { counts, logger } = this.#options;
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

  descriptors(): number {
    const listening = this.#listeners.filter((listener) => listener.listening).length;
    return listening + this.#guests.size + this.#farewells.size;
  }

  async attend(wanted: boolean): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.attend(wanted)));
  }

  async close(): Promise<void> {
    const stopped = this.#listeners.map((listener) => listener.stop());
    for (const guest of [...this.#guests.values()]) {
      this.#forget(guest);
      resetOrDestroy(guest.socket);
    }
    this.#farewells.destroyAll();
    await Promise.all(stopped);
    clearInterval(this.#sweeper);
  }

  /**
   * Another worker has died. Clients of these servers learn of no instance and have no session: unless their canaries
   * end as well, they take what ended there for a NAT's doing. They end as those did, closed and not reset, which a
   * client takes for a restart.
   */
  #leaveAll(): void {
    for (const guest of [...this.#guests.values()]) {
      this.#forget(guest);
      guest.socket.destroy();
    }
  }

  #accept(socket: Socket): void {
    const { admission, counts, kind, now } = this.#options;
    const address = socket.remoteAddress;
    socket.on('error', ignore);
    if (address === undefined) {
      counts.rejected.aborted += 1;
      socket.destroy();
      return;
    }
    const client = admission.admit(address, 'legacy');
    if (typeof client === 'string') {
      counts.rejected[client] += 1;
      resetOrDestroy(socket);
      return;
    }
    // Closed and not reset, as in `#leaveAll`. The oldest go first: what a client might conclude from the end of one
    // needs an older connection that lived on.
    const evict = (): void => this.#turnAway(guest, 'evicted');
    const guest: Guest = { socket, client, since: now(), request: undefined, timer: undefined, evict };
    this.#guests.set(socket, guest);
    admission.linger(guest);
    counts.open[kind] += 1;
    counts.opened[kind] += 1;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
  }

  #received(socket: Socket, chunk: Buffer): void {
    const guest = this.#guests.get(socket);
    // Whatever follows the request is read and forgotten, so that an end of the connection is noticed.
    if (guest !== undefined && guest.request === undefined) this.#serve(guest, chunk);
  }

  #closed(socket: Socket): void {
    const guest = this.#guests.get(socket);
    if (guest !== undefined) this.#forget(guest);
    this.#farewells.closed(socket);
  }

  #serve(guest: Guest, chunk: Buffer): void {
    const request = chunk.toString('latin1', 0, LEGACY_READ_LIMIT);
    this.#options.admission.settle(guest.client, guest);
    if (this.#options.kind === 'legacy_echo') {
      guest.request = request;
      this.#respond(guest);
      return;
    }
    const sleep = chunk.length > LEGACY_READ_LIMIT ? undefined : decodeSleepRequest(request);
    if (sleep === undefined) {
      this.#turnAway(guest, 'request');
      return;
    }
    guest.request = request;
    guest.timer = setTimeout(this.#answer, toMilliseconds(sleep), guest);
  }

  #respond(guest: Guest): void {
    guest.socket.write(guest.request ?? '', 'latin1');
    this.#forget(guest);
    this.#farewells.part(guest.socket, true);
  }

  #turnAway(guest: Guest, reason: RejectReason): void {
    const { counts, kind, logger } = this.#options;
    counts.rejected[reason] += 1;
    const { remoteAddress: client, remotePort: port } = guest.socket;
    logger.debug({ reason, kind, client, port }, 'turned away');
    this.#forget(guest);
    guest.socket.destroy();
  }

  #forget(guest: Guest): void {
    if (!this.#guests.delete(guest.socket)) return;
    clearTimeout(guest.timer);
    this.#options.counts.open[this.#options.kind] -= 1;
    this.#options.admission.settle(guest.client, guest);
    this.#options.admission.release(guest.client, 'legacy');
  }

  #sweep(): void {
    this.#farewells.sweep();
    const now = this.#options.now();
    for (const guest of this.#guests.values()) {
      const silent = guest.request === undefined && now - guest.since >= this.#options.limits.idleDeadline;
      if (silent) this.#turnAway(guest, 'timeout');
    }
  }
}

/** The end of a connection is enough to know. */
function ignore(): void {}
