/**
 * Which connections of this worker are not read on because the other processes are behind: one whose requests are not
 * answered, and all that ask while too much waits for the primary. So a flood waits in the buffers of its own sockets.
 */
import type { NativeConnection } from '../native-connection.js';
import type { Peers } from './peers.js';

/** Requests of one connection that may be unanswered before it is not read on. */
const MOST_UNANSWERED = 64;

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

export class FlowControl {
  readonly #peers: Pick<Peers, 'full' | 'whenTaken'>;
  readonly #maxLinesPerSweep: number;
  /** Connections that asked for something, and those that are held. */
  readonly #callers = new Map<NativeConnection, Caller>();
  /** Those that are held, the one that waits longest first. */
  readonly #held = new Set<NativeConnection>();
  #heldBytes = 0;

  /** @param maxLinesPerSweep most lines that one connection may send between two sweeps */
  constructor(peers: Pick<Peers, 'full' | 'whenTaken'>, maxLinesPerSweep: number) {
    this.#peers = peers;
    this.#maxLinesPerSweep = maxLinesPerSweep;
    peers.whenTaken(() => this.#goOn());
  }

  /** A request of a connection was passed on; `awaited` if there will be an answer, see `answered`. */
  asked(connection: NativeConnection, awaited: boolean): void {
    const caller = this.#callerOf(connection);
    caller.inTurn += 1;
    if (awaited) caller.unanswered += 1;
  }

  /** A request has been answered, or will not be. */
  answered(connection: NativeConnection): void {
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
  turn(connection: NativeConnection): void {
    const caller = this.#callers.get(connection);
    if (caller !== undefined) caller.inTurn = 0;
  }

  /** Whether the connection's next line has to wait. */
  mustWait(connection: NativeConnection, line: string): boolean {
    if (!mayAsk(connection, line)) return false;
    const caller = this.#callers.get(connection);
    if (caller !== undefined && (caller.unanswered >= MOST_UNANSWERED || caller.inTurn >= MOST_IN_A_TURN))
      return true;
    return this.#peers.full;
  }

  /** Keeps lines for later and stops reading the connection. */
  hold(connection: NativeConnection, lines: readonly string[]): void {
    if (connection.lines + lines.length > this.#maxLinesPerSweep) {
      connection.owner.turnAway(connection, 'rate', 'too many lines');
      return;
    }
    // Bytes of their own: the lines are parts of a longer text each.
    const text = `${lines.join('\n')}\n`;
    if (text.length > SMALL_BACKLOG && this.#heldBytes + text.length > MOST_HELD_BYTES) {
      connection.owner.turnAway(connection, 'rate', 'too many requests are unanswered');
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
  left(connection: NativeConnection): void {
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
      if (caller.sweeps >= PATIENCE)
        connection.owner.turnAway(connection, 'rate', 'too many requests are unanswered');
    }
  }

  #mark(caller: Caller): void {
    if (caller.held === undefined && caller.unanswered === 0) caller.served = true;
  }

  #callerOf(connection: NativeConnection): Caller {
    let caller = this.#callers.get(connection);
    if (caller === undefined) {
      caller = { unanswered: 0, inTurn: 0, held: undefined, served: false, sweeps: 0 };
      this.#callers.set(connection, caller);
    }
    return caller;
  }

  #take(connection: NativeConnection, caller: Caller): Uint8Array | undefined {
    const { held } = caller;
    caller.held = undefined;
    this.#held.delete(connection);
    this.#heldBytes -= held?.length ?? 0;
    return held;
  }

  /** Has those that are held go on, one turn each, as far as there is room. */
  #goOn(): void {
    for (const connection of this.#held) {
      if (this.#peers.full) return;
      const caller = this.#callerOf(connection);
      if (caller.unanswered > MOST_UNANSWERED / 2) continue;
      const lines = this.#take(connection, caller);
      caller.inTurn = 0;
      if (lines !== undefined) connection.owner.readHeld(connection, lines);
      this.#mark(caller);
    }
  }
}

/**
 * Whether a line may have to wait for other processes: heartbeats, checks and probes never. A client takes it for a death
 * when its answer to a ring is not heard in time, and there are no more of them than calls that were let through.
 */
function mayAsk({ kind, opening }: NativeConnection, line: string): boolean {
  if (kind === 'check' || kind === 'probe' || line.startsWith('PING ')) return false;
  if (kind !== 'pending') return true;
  return opening === undefined ? !line.includes(' role=check ') : opening.hello.role !== 'check';
}
