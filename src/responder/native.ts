/**
 * The native far end: opens connections, answers pings, rings probes when their session's control connection
 * asks for it, and holds very many idle connections in little memory.
 * @see docs/PROTOCOL.md
 */
import type { Socket } from 'node:net';
import { defined } from '../defined.js';
import { resetOrDestroy } from '../net/reset.js';
import { socketOptions } from '../net/socket-options/library.js';
import { randomHex, sameMac, tokenMac } from '../net/token.js';
import type { Seconds } from '../units.js';
import { decodeClientMessage } from '../wire/codec.js';
import { macInput } from '../wire/proofs.js';
import { splitLines } from '../wire/lines.js';
import { type ClientMessage, type GoneCause, type Hello, PROTOCOL_VERSION } from '../wire/messages.js';
import { CODE_OF, REASON_OF, seenAddress } from './answers.js';
import { Calls } from './calls.js';
import { AnnouncementDesk, type Discovery } from './discovery/announcement-desk.js';
import { Door, type DoorOptions } from './door.js';
import { NativeConnection, type NativeOwner } from './native-connection.js';
import type { RejectReason } from './responder-metrics.js';
import { Sessions } from './sessions.js';

export interface NativeOptions extends DoorOptions {
  /** Without one everybody may use the responder. */
  readonly token?: string;
  /** The host's own established timeout, asked at every welcome. */
  readonly conntrack: () => Seconds | undefined;
  /** 16 hex digits, drawn anew at each start of the responder; the same in all its processes, which may change it. */
  readonly instance: string;
  /** Whether exporters may announce themselves; only with a token. */
  readonly discovery?: Discovery;
}

/** Connections over a limit that may wait to be told so, never more than have a place; beyond it they are reset. */
const MAX_REFUSED = 64;

export class NativeServer extends Door<NativeConnection> implements NativeOwner {
  readonly maxUnread: number;
  readonly #token: string | undefined;
  readonly #conntrack: () => Seconds | undefined;
  readonly #sessions = new Sessions();
  readonly #calls: Calls;
  readonly #desk: AnnouncementDesk | undefined;
  #refused = 0;

  constructor(options: NativeOptions) {
    super(options, 'native');
    const { counts, discovery, instance, limits, now, peers, token } = options;
    this.maxUnread = limits.maxUnread;
    this.#token = token;
    this.#conntrack = options.conntrack;
    const { maxLinesPerSweep, maxRefreshedPerClient } = limits;
    this.#calls = new Calls(
      defined({
        sessions: this.#sessions,
        counts,
        now,
        instance,
        maxLinesPerSweep,
        maxRefreshedPerClient,
        peers,
      }),
    );
    if (discovery !== undefined && token !== undefined) {
      this.#desk = new AnnouncementDesk({ discovery, token, calls: this.#calls });
    }
  }

  protected accept(socket: Socket, address: string): NativeConnection | RejectReason {
    const { admission, limits } = this.options;
    const admitted = admission.admit(address);
    if (typeof admitted === 'string') {
      if (this.#refused >= Math.min(MAX_REFUSED, limits.maxConnectionsPerProcess)) return admitted;
      this.#refused += 1;
    }
    const connection = new NativeConnection(socket, this, admitted, this.now());
    if (connection.client !== undefined) admission.waitForOpening(connection.client, connection);
    return connection;
  }

  protected receive(connection: NativeConnection, chunk: Buffer): void {
    const split = splitLines(connection.unfinished, chunk);
    connection.unfinished = split.pending;
    if (connection.kind === 'pending') connection.credit += chunk.length;
    this.#calls.flow?.turn(connection);
    this.#readAll(connection, split.lines);
    if (!connection.open) return;
    if (split.oversized) this.turnAway(connection, 'oversized', 'line longer than 512 bytes');
    else if (connection.unread) this.turnAway(connection, 'unread');
  }

  protected inspect(connection: NativeConnection, now: Seconds): void {
    connection.lines = 0;
    if (connection.expired(now, this.options.limits)) this.turnAway(connection, 'timeout');
    else if (connection.unread) this.turnAway(connection, 'unread');
    // Nobody is left who could end it.
    else if (connection.tended !== undefined && connection.session?.orphaned === true)
      connection.tended.stop();
  }

  protected override sweep(): void {
    super.sweep();
    this.#calls.flow?.sweep();
  }

  turnAway(connection: NativeConnection, reason: RejectReason, detail?: string): void {
    this.countRejection(connection, reason, detail);
    const code = CODE_OF[reason];
    const written = code !== undefined && connection.send(defined({ kind: 'error', code, detail }));
    this.forget(connection, reason === 'timeout' ? 'timed_out' : 'closed');
    if (written) this.endAfterWriting(connection.socket);
    else resetOrDestroy(connection.socket);
  }

  shutDown(connection: NativeConnection, detail?: string): void {
    connection.send(defined({ kind: 'error', code: 'shutting_down', detail }));
    this.forget(connection);
    this.endAfterWriting(connection.socket);
  }

  protected override stop(connection: NativeConnection): void {
    if (connection.kind === 'pending') this.drop(connection);
    else this.shutDown(connection);
  }

  protected override left(connection: NativeConnection, cause: GoneCause | undefined): void {
    if (connection.client === undefined) this.#refused -= 1;
    this.#calls.left(connection, cause);
  }

  readHeld(connection: NativeConnection, lines: Uint8Array): void {
    if (this.#readAll(connection, splitLines(undefined, lines).lines)) return;
    if (connection.open) connection.socket.resume();
  }

  /** Reads lines in their order; true if the last ones have to wait. */
  #readAll(connection: NativeConnection, lines: readonly string[]): boolean {
    const { socket } = connection;
    const { flow } = this.#calls;
    let held = false;
    if (lines.length > 1) socket.cork();
    for (const [index, line] of lines.entries()) {
      if (flow?.mustWait(connection, line) === true) {
        flow.hold(connection, index === 0 ? lines : lines.slice(index));
        held = true;
        break;
      }
      this.#read(connection, line);
      if (!connection.open) break;
    }
    if (lines.length > 1) socket.uncork();
    return held;
  }

  #read(connection: NativeConnection, line: string): void {
    const decoded = decodeClientMessage(line);
    if (connection.kind !== 'pending') {
      connection.activeAt = this.now();
      connection.lines += 1;
      if (connection.lines > this.options.limits.maxLinesPerSweep) {
        this.turnAway(connection, 'rate', 'too many lines');
        return;
      }
    }
    if (!decoded.ok) this.turnAway(connection, REASON_OF[decoded.code], decoded.problem);
    else if (connection.kind === 'pending') this.#open(connection, decoded.message);
    else this.#serve(connection, decoded.message);
  }

  /** hello → (challenge → auth) → welcome */
  #open(connection: NativeConnection, message: ClientMessage): void {
    const token = this.#token;
    const { opening } = connection;
    if (connection.joining) {
      this.turnAway(connection, 'syntax', 'wait for WELCOME');
    } else if (opening !== undefined && token !== undefined) {
      const input = macInput('client', opening.hello, opening.challenge);
      const proven = message.kind === 'auth' && sameMac(message.mac, tokenMac(token, input));
      if (proven) this.#join(connection, opening.hello, opening.challenge);
      else this.turnAway(connection, 'auth');
    } else if (message.kind !== 'hello') {
      this.turnAway(connection, token === undefined ? 'syntax' : 'auth', 'the first line is HELLO');
    } else if (connection.refusal !== undefined) {
      this.turnAway(connection, connection.refusal);
    } else if (token !== undefined) {
      const challenge = randomHex(16);
      connection.opening = { hello: message, challenge };
      connection.send({ kind: 'challenge', nonce: challenge });
    } else {
      this.#join(connection, message);
    }
  }

  #join(connection: NativeConnection, hello: Hello, challenge?: string): void {
    this.#calls.join(connection, hello, (accepted) => {
      if (accepted && this.#sessions.join(connection, hello, this.now())) {
        this.#welcome(connection, hello, challenge);
      } else {
        this.turnAway(connection, 'duplicate_probe');
      }
    });
  }

  #welcome(connection: NativeConnection, hello: Hello, challenge: string | undefined): void {
    const { admission, counts } = this.options;
    const { client, socket } = connection;
    const token = this.#token;
    const announce = hello.announce === true ? this.#desk?.interval : undefined;
    const welcome = defined({
      kind: 'welcome',
      version: PROTOCOL_VERSION,
      nonce: hello.nonce,
      seen: seenAddress(socket),
      conntrack: this.#conntrack(),
      instance: this.#calls.instance,
      announce,
      fresh: (hello.fresh === true && socketOptions().available) || undefined,
    });
    const proven =
      token === undefined || challenge === undefined
        ? welcome
        : { ...welcome, mac: tokenMac(token, macInput('responder', hello, challenge, welcome)) };
    // Sent while it is pending still, so that the welcome is never longer than what was received.
    connection.send(proven);
    if (client !== undefined) admission.settle(client, connection);
    counts.open.pending -= 1;
    connection.kind = hello.role;
    counts.open[connection.kind] += 1;
    counts.opened[connection.kind] += 1;
    connection.offersFreshness = welcome.fresh === true && hello.role === 'control';
    // An announcement is proven for the very connection.
    if (announce === undefined) connection.opening = undefined;
    connection.activeAt = this.now();
    // Only a control may have a second line to send before the first one is acknowledged; that shall not wait.
    if (hello.role === 'control') socket.setNoDelay(true);
  }

  #serve(connection: NativeConnection, message: ClientMessage): void {
    const { kind } = connection;
    if (message.kind === 'ping') {
      connection.send({ kind: 'pong', nonce: message.nonce });
    } else if (message.kind === 'answer' && kind === 'probe') {
      this.#calls.answered(connection, message.nonce);
    } else if (message.kind === 'call' && kind === 'control') {
      this.#calls.call(connection, message.probe, message.nonce);
    } else if (message.kind === 'drop' && kind === 'control') {
      this.#calls.drop(connection, message.probe);
    } else if ((message.kind === 'fresh' || message.kind === 'reach') && connection.offersFreshness) {
      this.#calls.tend(connection, message);
    } else if (message.kind === 'announce' && kind === 'control' && connection.opening !== undefined) {
      if (this.#desk?.serve(connection, message) === false) this.turnAway(connection, 'auth');
    } else {
      this.turnAway(connection, 'syntax', `${message.kind} does not fit the role ${kind}`);
    }
  }
}
