/**
 * The native far end: opens connections, answers pings, rings probes when their session's control connection
 * asks for it, and holds very many idle connections in little memory.
 * @see docs/PROTOCOL.md
 */
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from '../log.js';
import { resetOrDestroy } from '../net/reset.js';
import { randomHex, sameMac, tokenMac } from '../net/token.js';
import { type Seconds, toMilliseconds } from '../units.js';
import { decodeClientMessage, encodeResponderMessage, macInput } from '../wire/codec.js';
import { splitLines } from '../wire/lines.js';
import { type ClientMessage, type Hello, PROTOCOL_VERSION, type ResponderMessage } from '../wire/messages.js';
import type { Admission } from './admission.js';
import { AnnouncementDesk, type Discovery } from './discovery/announcement-desk.js';
import { CODE_OF, REASON_OF, seenAddress } from './answers.js';
import { Calls } from './calls.js';
import { Farewells } from './farewell.js';
import type { Limits } from './limits.js';
import { type ListenAddress, Listener } from './listener.js';
import type { ConnectionKind, RejectReason, ResponderCounts } from './responder-metrics.js';
import type { GoneCause, PeerOrder, Peers } from './cluster/peers.js';
import { Relay } from './cluster/flow-control.js';
import { Connection, Sessions } from './sessions.js';

export interface NativeOptions {
  readonly limits: Limits;
  readonly admission: Admission;
  readonly counts: ResponderCounts;
  readonly logger: Logger;
  /** Without one everybody may use the responder. */
  readonly token?: string;
  /** The host's own established timeout, asked at every welcome. */
  readonly conntrack: () => Seconds | undefined;
  /** 16 hex digits, drawn anew at each start of the responder; the same in all its processes, which may change it. */
  readonly instance: string;
  /** Monotonic seconds. */
  readonly now: () => Seconds;
  /** The other workers, where there are several. */
  readonly peers?: Peers;
  /** Whether exporters may announce themselves; only with a token. */
  readonly discovery?: Discovery;
}

/** Connections over a limit that may wait to be told so, never more than have a place; beyond it they are reset. */
const MAX_REFUSED = 64;

/** How long a stopped responder waits for its last lines to leave. */
const FAREWELL: Seconds = 1;

export class NativeResponder {
  readonly #options: NativeOptions;
  readonly #listeners: Listener[] = [];
  readonly #sessions = new Sessions();
  readonly #connections = new Map<Socket, Connection>();
  readonly #farewells = new Farewells();
  #refused = 0;
  #instance: string;
  readonly #calls: Calls;
  /** With other processes only. */
  readonly #relay: Relay | undefined;
  readonly #desk: AnnouncementDesk | undefined;
  readonly #sweeper: NodeJS.Timeout;
  // One set of handlers for all sockets.
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onError: (this: Socket, error: NodeJS.ErrnoException) => void;
  readonly #onClose: (this: Socket) => void;
  readonly #evict = (connection: Connection): void => this.#reject(connection, 'evicted');

  constructor(options: NativeOptions) {
    this.#options = options;
    this.#instance = options.instance;
    const { limits, peers } = options;
    const { maxLinesPerSweep } = limits;
    const goOn = (connection: Connection, lines: Uint8Array): void => this.#goOn(connection, lines);
    const flooded = (connection: Connection, detail: string): void =>
      this.#reject(connection, 'rate', detail);
    this.#relay = peers && new Relay({ peers, maxLinesPerSweep, goOn, flooded });
    const relay = this.#relay === undefined ? {} : { relay: this.#relay };
    this.#calls = new Calls({
      ...options,
      ...relay,
      sessions: this.#sessions,
      isOpen: (connection) => this.#connections.has(connection.socket),
      send: (connection, message) => this.#send(connection, message),
      drop: (probe) => this.#drop(probe),
      end: (control, detail) => this.#end(control, detail),
    });
    const { discovery, token } = options;
    if (discovery !== undefined && token !== undefined) {
      const send = (connection: Connection, message: ResponderMessage) => this.#send(connection, message);
      this.#desk = new AnnouncementDesk({ ...relay, discovery, token, calls: this.#calls, send });
    }
    const find = (socket: Socket): Connection | undefined => this.#connections.get(socket);
    const receive = (connection: Connection, chunk: Buffer): void => this.#receive(connection, chunk);
    const closed = (socket: Socket): void => this.#closed(socket);
    this.#onData = function (chunk) {
      const connection = find(this);
      if (connection !== undefined) receive(connection, chunk);
    };
    this.#onError = function (error) {
      const connection = find(this);
      if (connection === undefined) return;
      connection.cause = error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : 'timed_out';
    };
    this.#onClose = function () {
      closed(this);
    };
    peers?.follow((order) => this.#obey(order));
    const interval = toMilliseconds(limits.sweepInterval);
    this.#sweeper = setInterval(() => this.#sweep(), interval).unref();
  }

  /**
   * Listens at one more address.
   * @throws the system's error if it cannot be bound.
   */
  async listen(address: ListenAddress): Promise<AddressInfo> {
    const listener = await Listener.open(
      address,
      (socket) => this.#accept(socket),
      (error) => {
        this.#options.counts.rejected.accept += 1;
        this.#options.logger.debug({ err: error }, 'accepting a connection failed');
      },
    );
    this.#listeners.push(listener);
    return listener.bound;
  }

  descriptors(): number {
    const listening = this.#listeners.filter((listener) => listener.listening).length;
    return listening + this.#connections.size + this.#farewells.size;
  }

  /** Whether this process takes new connections, see `Listener.attend`. */
  async attend(wanted: boolean): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.attend(wanted)));
  }

  /** Tells every opened connection that the responder is stopped; resolves within about a second. */
  async close(): Promise<void> {
    const stopped = this.#listeners.map((listener) => listener.stop());
    for (const connection of [...this.#connections.values()]) {
      if (connection.kind === 'pending') {
        this.#forget(connection);
        this.#farewells.part(connection.socket, false);
      } else this.#end(connection);
    }
    const impatience = setTimeout(() => this.#farewells.destroyAll(), toMilliseconds(FAREWELL));
    await Promise.all(stopped);
    clearTimeout(impatience);
    clearInterval(this.#sweeper);
  }

  /** Ends an opened connection for a reason of our own. */
  #end(connection: Connection, detail?: string): void {
    this.#send(connection, {
      kind: 'error',
      code: 'shutting_down',
      ...(detail === undefined ? {} : { detail }),
    });
    this.#forget(connection);
    this.#farewells.part(connection.socket, true);
  }

  #now(): Seconds {
    return Math.floor(this.#options.now());
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress;
    socket.on('error', this.#onError);
    const { admission, counts } = this.#options;
    if (address === undefined) {
      counts.rejected.aborted += 1;
      socket.destroy();
      return;
    }
    const admitted = admission.admit(address);
    if (typeof admitted === 'string') {
      if (this.#refused >= Math.min(MAX_REFUSED, this.#options.limits.maxConnectionsPerProcess)) {
        counts.rejected[admitted] += 1;
        resetOrDestroy(socket);
        return;
      }
      this.#refused += 1;
    }
    const connection = new Connection(socket, admitted, this.#now(), this.#evict);
    if (connection.client !== undefined) admission.wait(connection.client, connection);
    this.#connections.set(socket, connection);
    counts.open.pending += 1;
    counts.opened.pending += 1;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
  }

  #closed(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) this.#forget(connection, connection.cause ?? 'closed');
    this.#farewells.closed(socket);
  }

  #receive(connection: Connection, chunk: Buffer): void {
    const { socket } = connection;
    const split = splitLines(connection.unfinished, chunk);
    connection.unfinished = split.pending;
    if (connection.kind === 'pending') connection.credit += chunk.length;
    this.#relay?.turn(connection);
    this.#readAll(connection, split.lines);
    if (!this.#connections.has(socket)) return;
    if (split.oversized) this.#reject(connection, 'oversized', 'line longer than 512 bytes');
    else if (this.#unread(connection)) this.#reject(connection, 'unread');
  }

  /** Reads lines in their order; true if the last ones have to wait. */
  #readAll(connection: Connection, lines: readonly string[]): boolean {
    const { socket } = connection;
    const relay = this.#relay;
    let held = false;
    if (lines.length > 1) socket.cork();
    for (const [index, line] of lines.entries()) {
      if (relay?.mustWait(connection, line) === true) {
        relay.hold(connection, index === 0 ? lines : lines.slice(index));
        held = true;
        break;
      }
      this.#read(connection, line);
      if (!this.#connections.has(socket)) break;
    }
    if (lines.length > 1) socket.uncork();
    return held;
  }

  /** Lines that were held have their turn; with nothing left of them the connection is read again. */
  #goOn(connection: Connection, lines: Uint8Array): void {
    if (this.#readAll(connection, splitLines(undefined, lines).lines)) return;
    if (this.#connections.has(connection.socket)) connection.socket.resume();
  }

  /** Whether the client leaves more answers unread than it may. */
  #unread({ socket }: Connection): boolean {
    return socket.writableLength > this.#options.limits.maxUnread;
  }

  #read(connection: Connection, line: string): void {
    const decoded = decodeClientMessage(line);
    if (connection.kind === 'pending') {
      if (decoded.ok) this.#open(connection, decoded.message);
      else this.#reject(connection, REASON_OF[decoded.code], decoded.problem);
      return;
    }
    connection.activeAt = this.#now();
    connection.lines += 1;
    if (connection.lines > this.#options.limits.maxLinesPerSweep) {
      this.#reject(connection, 'rate', 'too many lines');
    } else if (!decoded.ok) this.#reject(connection, REASON_OF[decoded.code], decoded.problem);
    else this.#serve(connection, decoded.message);
  }

  /** hello → (challenge → auth) → welcome */
  #open(connection: Connection, message: ClientMessage): void {
    const { token } = this.#options;
    const { opening } = connection;
    if (opening !== undefined && token !== undefined && !connection.joining) {
      const input = macInput('client', opening.hello, opening.challenge);
      if (message.kind !== 'auth' || !sameMac(message.mac, tokenMac(token, input))) {
        this.#reject(connection, 'auth');
        return;
      }
      this.#join(connection, opening.hello, opening.challenge);
    } else if (connection.joining) {
      this.#reject(connection, 'syntax', 'wait for WELCOME');
    } else if (message.kind !== 'hello') {
      this.#reject(connection, token === undefined ? 'syntax' : 'auth', 'the first line is HELLO');
    } else if (connection.refusal !== undefined) {
      this.#reject(connection, connection.refusal);
    } else if (token !== undefined) {
      const challenge = randomHex(16);
      connection.opening = { hello: message, challenge };
      this.#send(connection, { kind: 'challenge', nonce: challenge });
    } else {
      this.#join(connection, message);
    }
  }

  /** With other workers the primary is asked first: one of them may have the probe number. */
  #join(connection: Connection, hello: Hello, challenge?: string): void {
    const { peers } = this.#options;
    const relay = this.#relay;
    if (relay === undefined || hello.role === 'check') {
      this.#welcome(connection, hello, challenge);
      return;
    }
    const { session } = hello;
    const probe = hello.probe === undefined ? {} : { probe: hello.probe };
    connection.joining = true;
    relay.join(session, hello.probe, (accepted) => {
      if (!this.#connections.has(connection.socket)) {
        if (accepted) peers?.ask({ kind: 'leave', session, ...probe });
      } else if (accepted) this.#welcome(connection, hello, challenge);
      else this.#reject(connection, 'duplicate_probe');
    });
  }

  #welcome(connection: Connection, hello: Hello, challenge?: string): void {
    const { admission, conntrack: ask, counts, token } = this.#options;
    const { client, socket } = connection;
    const now = this.#now();
    if (!this.#sessions.join(connection, hello, now)) {
      this.#reject(connection, 'duplicate_probe');
      return;
    }
    const conntrack = ask();
    const announce = hello.announce === true ? this.#desk?.interval : undefined;
    const welcome = {
      kind: 'welcome',
      version: PROTOCOL_VERSION,
      nonce: hello.nonce,
      seen: seenAddress(socket),
      ...(conntrack === undefined ? {} : { conntrack }),
      instance: this.#instance,
      ...(announce === undefined ? {} : { announce }),
    } as const;
    const proven =
      token === undefined || challenge === undefined
        ? welcome
        : { mac: tokenMac(token, macInput('responder', hello, challenge, welcome)), ...welcome };
    // Sent while it is pending still, so that the welcome is never longer than what was received.
    this.#send(connection, proven);
    if (client !== undefined) admission.settle(client, connection);
    counts.open.pending -= 1;
    connection.kind = hello.role satisfies ConnectionKind;
    counts.open[connection.kind] += 1;
    counts.opened[connection.kind] += 1;
    // An announcement is proven for the very connection.
    if (announce === undefined) connection.opening = undefined;
    connection.activeAt = now;
    // Only a control may have a second line to send before the first one is acknowledged; that shall not wait.
    if (hello.role === 'control') socket.setNoDelay(true);
  }

  #serve(connection: Connection, message: ClientMessage): void {
    const { kind } = connection;
    if (message.kind === 'ping') {
      this.#send(connection, { kind: 'pong', nonce: message.nonce });
    } else if (message.kind === 'answer' && kind === 'probe') {
      this.#calls.answered(connection, message.nonce);
    } else if (message.kind === 'call' && kind === 'control') {
      this.#calls.call(connection, message.probe, message.nonce);
    } else if (message.kind === 'drop' && kind === 'control') {
      this.#calls.drop(connection, message.probe);
    } else if (message.kind === 'announce' && kind === 'control' && connection.opening !== undefined) {
      if (this.#desk?.serve(connection, message) === false) this.#reject(connection, 'auth');
    } else {
      this.#reject(connection, 'syntax', `${message.kind} does not fit the role ${kind}`);
    }
  }

  #drop(probe: Connection): void {
    this.#forget(probe);
    this.#farewells.part(probe.socket, false);
  }

  /** What another worker wants of this one. */
  #obey(order: PeerOrder): void {
    if (order.kind === 'elsewhere') {
      this.#options.admission.elsewhere = order.connections;
      return;
    }
    if (order.kind === 'instance') {
      this.#instance = order.instance;
      this.#relay?.forgive();
      return;
    }
    if (order.kind === 'joined') this.#relay?.joined(order.ticket, order.accepted);
    else this.#calls.obey(order);
  }

  /** Writes a line, except one that would be more than what an unopened connection has sent. */
  #send(connection: Connection, message: ResponderMessage): boolean {
    const line = encodeResponderMessage(message);
    if (connection.kind === 'pending') {
      if (line.length > connection.credit) return false;
      connection.credit -= line.length;
    } else if (connection.socket.writableCorked === 0 && this.#unread(connection)) {
      // Others make it write, too; the next sweep ends it.
      return false;
    }
    connection.socket.write(line, 'latin1');
    return true;
  }

  #reject(connection: Connection, reason: RejectReason, detail?: string): void {
    this.#options.counts.rejected[reason] += 1;
    const code = CODE_OF[reason];
    const told =
      code !== undefined &&
      this.#send(connection, { kind: 'error', code, ...(detail === undefined ? {} : { detail }) });
    if (this.#options.logger.isLevelEnabled('debug')) {
      const { remoteAddress: client, remotePort: port } = connection.socket;
      this.#options.logger.debug({ reason, detail, kind: connection.kind, client, port }, 'turned away');
    }
    this.#forget(connection, reason === 'timeout' ? 'timed_out' : 'closed');
    this.#farewells.part(connection.socket, told);
  }

  /** Takes a connection out of every book; with a cause the session is told that a probe has gone. */
  #forget(connection: Connection, cause?: GoneCause): void {
    if (!this.#connections.delete(connection.socket)) return;
    const { admission, counts, peers } = this.#options;
    const { client, kind, probe, session } = connection;
    counts.open[kind] -= 1;
    if (client === undefined) this.#refused -= 1;
    else {
      admission.settle(client, connection);
      admission.release(client);
    }
    this.#calls.left(connection);
    this.#relay?.left(connection);
    if (session === undefined) return;
    this.#sessions.leave(connection, this.#now());
    const gone = { ...(kind === 'probe' ? { probe } : {}), ...(cause === undefined ? {} : { cause }) };
    peers?.ask({ kind: 'leave', session: session.key, ...gone });
    if (kind === 'probe' && cause !== undefined) this.#calls.gone(session.key, probe, cause);
  }

  #sweep(): void {
    this.#farewells.sweep();
    const { limits } = this.#options;
    const now = this.#now();
    for (const connection of this.#connections.values()) {
      connection.lines = 0;
      if (connection.expired(now, limits)) this.#reject(connection, 'timeout');
      else if (this.#unread(connection)) this.#reject(connection, 'unread');
    }
    this.#relay?.sweep();
  }
}
