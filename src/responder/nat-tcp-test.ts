/**
 * The two servers that NAT-TCP-test clients expect. Echo writes the first bytes back at once; sleep reads a
 * number of seconds and writes the very bytes back after them. Both serve one request and close.
 * @see docs/PROTOCOL.md
 */
import type { Socket } from 'node:net';
import { type Seconds, toMilliseconds } from '../units.js';
import { decodeSleepRequest, READ_LIMIT } from '../wire/nat-tcp-test-messages.js';
import { Door, DoorConnection, type DoorOptions } from './door.js';
import type { RejectReason } from './responder-metrics.js';

/** One client of either server. */
class NatTcpTestConnection extends DoorConnection {
  /** What it has asked for. */
  request: string | undefined = undefined;
  /** Until a sleep is over. */
  timer: NodeJS.Timeout | undefined = undefined;
}

export class NatTcpTestServer extends Door<NatTcpTestConnection> {
  readonly #kind: 'legacy_echo' | 'legacy_sleep';
  readonly #answer = (connection: NatTcpTestConnection): void => this.#respond(connection);

  constructor(kind: 'legacy_echo' | 'legacy_sleep', options: DoorOptions) {
    super(options, 'legacy');
    this.#kind = kind;
    options.peers?.follow((order) => {
      if (order.kind === 'instance') this.#closeAll();
    });
  }

  protected accept(socket: Socket, address: string): NatTcpTestConnection | RejectReason {
    const { admission } = this.options;
    const client = admission.admit(address, 'legacy');
    if (typeof client === 'string') return client;
    const connection = new NatTcpTestConnection(socket, this, client, this.#kind, this.now());
    admission.waitForRequest(connection);
    return connection;
  }

  protected receive(connection: NatTcpTestConnection, chunk: Buffer): void {
    // Whatever follows the request is read and forgotten, so that an end of the connection is noticed.
    if (connection.request !== undefined) return;
    const request = chunk.toString('latin1', 0, READ_LIMIT);
    const { client } = connection;
    if (client !== undefined) this.options.admission.settle(client, connection);
    if (this.#kind === 'legacy_echo') {
      connection.request = request;
      this.#respond(connection);
      return;
    }
    const sleep = chunk.length > READ_LIMIT ? undefined : decodeSleepRequest(request);
    if (sleep === undefined) {
      this.turnAway(connection, 'request');
      return;
    }
    connection.request = request;
    connection.timer = setTimeout(this.#answer, toMilliseconds(sleep), connection);
  }

  protected inspect(connection: NatTcpTestConnection, now: Seconds): void {
    const silent = connection.request === undefined;
    if (silent && now - connection.activeAt >= this.options.limits.idleDeadline) {
      this.turnAway(connection, 'timeout');
    }
  }

  /**
   * Closed and not reset, as in `#closeAll`. The oldest are evicted first: what a client might conclude from the end of
   * one needs an older connection that lived on.
   */
  turnAway(connection: NatTcpTestConnection, reason: RejectReason): void {
    this.countRejection(connection, reason);
    this.forget(connection);
    connection.socket.destroy();
  }

  protected override left(connection: NatTcpTestConnection): void {
    clearTimeout(connection.timer);
  }

  /**
   * Another worker has died. Clients of these servers learn of no instance and have no session: unless their canaries
   * end as well, they take what ended there for a NAT's doing. They end as those did, closed and not reset, which a
   * client takes for a restart.
   */
  #closeAll(): void {
    for (const connection of this.all()) {
      this.forget(connection);
      connection.socket.destroy();
    }
  }

  #respond(connection: NatTcpTestConnection): void {
    connection.socket.write(connection.request ?? '', 'latin1');
    this.forget(connection);
    this.endAfterWriting(connection.socket);
  }
}
