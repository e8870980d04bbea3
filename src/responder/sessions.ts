/** The sessions: which control and probe connections belong together. */
import type { Socket } from 'node:net';
import type { Seconds } from '../units.js';
import type { Hello } from '../wire/messages.js';
import type { Client, Evictable, Refusal } from './admission.js';
import type { Limits } from './limits.js';
import type { ConnectionKind } from './responder-metrics.js';
import type { Origin } from './cluster/peers.js';

/** The hello of a connection and its challenge: kept until it has proven the token, or for as long as it may announce. */
export interface Opening {
  readonly hello: Hello;
  readonly challenge: string;
}

/** A `ring` that waits for its `answer`. */
export interface Ringing {
  readonly caller: Connection | Origin;
  readonly nonce: string;
}

/** All that is kept of one connection: there may be very many, so no closure and no timer. */
export class Connection implements Evictable {
  readonly socket: Socket;
  readonly #evict: (connection: Connection) => void;
  kind: ConnectionKind = 'pending';
  /** Undefined for a connection over a limit, which is only told so. */
  readonly client: Client | undefined;
  readonly refusal: Refusal | undefined;
  session: Session | undefined = undefined;
  probe = 0;
  /** When it was accepted, opened, or sent its last line, in whole seconds. */
  activeAt: Seconds;
  /** Bytes received less bytes sent, until it has opened. */
  credit = 0;
  /** Lines since the last sweep. */
  lines = 0;
  unfinished: Uint8Array | undefined = undefined;
  opening: Opening | undefined = undefined;
  ringing: Ringing | undefined = undefined;
  /** Number under which other workers answer its calls; 0 before the first one. */
  callerNumber = 0;
  /** It waits for the primary to say whether its probe number is free. */
  joining = false;
  cause: 'reset' | 'timed_out' | undefined = undefined;

  constructor(
    socket: Socket,
    admitted: Client | Refusal,
    now: Seconds,
    evict: (connection: Connection) => void,
  ) {
    this.socket = socket;
    this.client = typeof admitted === 'string' ? undefined : admitted;
    this.refusal = typeof admitted === 'string' ? admitted : undefined;
    this.activeAt = now;
    this.#evict = evict;
  }

  evict(): void {
    this.#evict(this);
  }

  /** Whether it was silent for longer than its kind may be. */
  expired(now: Seconds, limits: Limits): boolean {
    const age = now - this.activeAt;
    if (this.kind === 'pending') return age >= limits.openingDeadline;
    if (this.kind !== 'probe') return age >= limits.silentDeadline;
    if (age >= limits.idleDeadline) return true;
    const { session } = this;
    // An orphan is measured from the later of the two moments: it may just have been opened.
    return session?.orphaned === true && Math.min(age, now - session.orphanedAt) >= limits.orphanDeadline;
  }
}

export class Session {
  readonly key: string;
  readonly controls = new Set<Connection>();
  readonly probes = new Map<number, Connection>();
  /** Whether other workers have control connections of it. */
  controlsElsewhere = false;
  /** Since when it has had no control connection, in whole seconds. */
  orphanedAt: Seconds;

  constructor(key: string, now: Seconds) {
    this.key = key;
    this.orphanedAt = now;
  }

  get orphaned(): boolean {
    return this.controls.size === 0 && !this.controlsElsewhere;
  }
}

export class Sessions {
  readonly #sessions = new Map<string, Session>();

  get size(): number {
    return this.#sessions.size;
  }

  find(key: string): Session | undefined {
    return this.#sessions.get(key);
  }

  /** Adds an opened connection to its session; false if its probe number is in use. */
  join(connection: Connection, hello: Hello, now: Seconds): boolean {
    if (hello.role === 'check') return true;
    let session = this.#sessions.get(hello.session);
    if (hello.probe !== undefined && session?.probes.has(hello.probe)) return false;
    if (session === undefined) {
      // A copy: the text of the hello is a part of its whole line and would keep all of that alive.
      session = new Session(Buffer.from(hello.session, 'latin1').toString('latin1'), now);
      this.#sessions.set(session.key, session);
    }
    if (hello.role === 'control') session.controls.add(connection);
    else {
      connection.probe = hello.probe ?? 0;
      session.probes.set(connection.probe, connection);
    }
    connection.session = session;
    return true;
  }

  leave(connection: Connection, now: Seconds): void {
    const { session } = connection;
    if (session === undefined) return;
    if (connection.kind === 'control') {
      session.controls.delete(connection);
      if (session.controls.size === 0) session.orphanedAt = now;
    } else {
      session.probes.delete(connection.probe);
    }
    if (session.controls.size === 0 && session.probes.size === 0) this.#sessions.delete(session.key);
  }
}
