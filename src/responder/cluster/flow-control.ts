/**
 * What connections of this worker ask of the other processes, and who is not read on meanwhile: one whose requests are
 * not answered, and anybody while too much waits for the primary. So a flood waits in the buffers of its own sockets.
 */
import type { PeerRequest, Peers } from './peers.js';
import type { Connection } from '../sessions.js';

export interface RelayDeps {
  readonly peers: Peers;
  /** Most lines that one connection may send between two sweeps. */
  readonly maxLinesPerSweep: number;
  /** Goes on with lines that were held, and reads the connection again unless some have to wait once more. */
  readonly goOn: (connection: Connection, lines: Uint8Array) => void;
  /** The connection asks for more than it is given, and shall end. */
  readonly flooded: (connection: Connection, detail: string) => void;
}

/** Requests of one connection that may be unanswered before it is not read on. */
export const MOST_UNANSWERED = 64;

/** Requests that one connection may make before others have their turn. */
const MOST_IN_A_TURN = 64;

/** Bytes that a connection may have waiting here, sweep after sweep, without being taken for a flood: some 100 lines. */
const SMALL_BACKLOG = 4096;

/** Bytes of held lines in all; who would add more than a small backlog to them ends. */
const MOST_HELD_BYTES = 8 * 1024 * 1024;

/** Sweeps in a row in which a connection may ask for more than it is given. */
const PATIENCE = 5;

interface Caller {
  unanswered: number;
  /** Requests since it was read on. */
  inTurn: number;
  /** Lines that wait, each with its terminator. */
  held: Uint8Array | undefined;
  /** All that it asked for was given at some moment since the last sweep. */
  served: boolean;
  /** Sweeps in a row in which it asked for more than it was given. */
  sweeps: number;
}

export class Relay {
  readonly #deps: RelayDeps;
  /** Connections that asked for something, and those that are held. */
  readonly #callers = new Map<Connection, Caller>();
  /** Those that are held, who waits longest first. */
  readonly #held = new Set<Connection>();
  #heldBytes = 0;
  /** Openings that wait for the primary, by ticket. */
  readonly #joining = new Map<number, (accepted: boolean) => void>();
  #lastTicket = 0;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
    deps.peers.whenTaken(() => this.#goOn());
  }

  /** Asks whether a connection may join its session; `answer` is called once. */
  join(session: string, probe: number | undefined, answer: (accepted: boolean) => void): void {
    const ticket = ++this.#lastTicket;
    this.#joining.set(ticket, answer);
    this.#deps.peers.ask({ kind: 'join', ticket, session, ...(probe === undefined ? {} : { probe }) });
  }

  joined(ticket: number, accepted: boolean): void {
    const answer = this.#joining.get(ticket);
    this.#joining.delete(ticket);
    answer?.(accepted);
  }

  /** Passes a request of a connection on; `awaited` if there will be an answer, see `answered`. */
  ask(connection: Connection, request: PeerRequest, awaited: boolean): void {
    const caller = this.#callerOf(connection);
    caller.inTurn += 1;
    if (awaited) caller.unanswered += 1;
    this.#deps.peers.ask(request);
  }

  answered(connection: Connection): void {
    const caller = this.#callers.get(connection);
    if (caller === undefined || caller.unanswered === 0) return;
    caller.unanswered -= 1;
    this.#mark(caller);
  }

  /** A worker has died: what was asked of it nobody will answer. */
  forgive(): void {
    for (const caller of this.#callers.values()) caller.unanswered = 0;
  }

  /** A connection is read from: it may make requests again. */
  turn(connection: Connection): void {
    const caller = this.#callers.get(connection);
    if (caller !== undefined) caller.inTurn = 0;
  }

  /** Whether the connection's next line has to wait. */
  mustWait(connection: Connection, line: string): boolean {
    if (!mayAsk(connection, line)) return false;
    const caller = this.#callers.get(connection);
    if (caller !== undefined && (caller.unanswered >= MOST_UNANSWERED || caller.inTurn >= MOST_IN_A_TURN))
      return true;
    return this.#deps.peers.full;
  }

  /** Keeps lines for later and stops reading the connection. */
  hold(connection: Connection, lines: readonly string[]): void {
    if (connection.lines + lines.length > this.#deps.maxLinesPerSweep) {
      this.#deps.flooded(connection, 'too many lines');
      return;
    }
    // Bytes of their own: the lines are parts of a longer text each.
    const text = `${lines.join('\n')}\n`;
    if (text.length > SMALL_BACKLOG && this.#heldBytes + text.length > MOST_HELD_BYTES) {
      this.#deps.flooded(connection, 'too many requests are unanswered');
      return;
    }
    const held = new Uint8Array(text.length);
    for (let index = 0; index < text.length; index += 1) held[index] = text.charCodeAt(index);
    this.#callerOf(connection).held = held;
    this.#held.add(connection);
    this.#heldBytes += held.length;
    connection.socket.pause();
  }

  /** A connection has ended. */
  left(connection: Connection): void {
    const caller = this.#callers.get(connection);
    if (caller === undefined) return;
    this.#take(connection, caller);
    this.#callers.delete(connection);
  }

  /** Ends who was never served since the last sweep, again and again, and has more than a little waiting. */
  sweep(): void {
    for (const [connection, caller] of this.#callers) {
      const { held, served, unanswered } = caller;
      const backlog = (held?.length ?? 0) + connection.socket.readableLength;
      const much = backlog > SMALL_BACKLOG || unanswered > MOST_UNANSWERED / 2;
      caller.sweeps = held !== undefined && !served && much ? caller.sweeps + 1 : 0;
      caller.served = false;
      this.#mark(caller);
      if (caller.sweeps >= PATIENCE) this.#deps.flooded(connection, 'too many requests are unanswered');
    }
  }

  #mark(caller: Caller): void {
    if (caller.held === undefined && caller.unanswered === 0) caller.served = true;
  }

  #callerOf(connection: Connection): Caller {
    let caller = this.#callers.get(connection);
    if (caller === undefined) {
      caller = { unanswered: 0, inTurn: 0, held: undefined, served: false, sweeps: 0 };
      this.#callers.set(connection, caller);
    }
    return caller;
  }

  #take(connection: Connection, caller: Caller): Uint8Array | undefined {
    const { held } = caller;
    caller.held = undefined;
    this.#held.delete(connection);
    this.#heldBytes -= held?.length ?? 0;
    return held;
  }

  /** Has those that are held go on, one turn each, as far as there is room. */
  #goOn(): void {
    for (const connection of this.#held) {
      if (this.#deps.peers.full) return;
      const caller = this.#callerOf(connection);
      if (caller.unanswered > MOST_UNANSWERED / 2) continue;
      const lines = this.#take(connection, caller);
      caller.inTurn = 0;
      if (lines !== undefined) this.#deps.goOn(connection, lines);
      this.#mark(caller);
    }
  }
}

/**
 * Whether a line may have to wait for other processes: heartbeats, checks and probes never. A client takes it for a death
 * when its answer to a ring is not heard in time, and there are no more of them than calls that were let through.
 */
function mayAsk({ kind, opening }: Connection, line: string): boolean {
  if (kind === 'check' || kind === 'probe' || line.startsWith('PING ')) return false;
  if (kind !== 'pending') return true;
  return opening === undefined ? !line.includes(' role=check ') : opening.hello.role !== 'check';
}
