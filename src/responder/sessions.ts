/** The sessions: which control and probe connections belong together. */
import type { Seconds } from '../units.js';
import type { Hello } from '../wire/messages.js';
import type { NativeConnection } from './native-connection.js';

export class Session {
  readonly key: string;
  readonly controls = new Set<NativeConnection>();
  readonly probes = new Map<number, NativeConnection>();
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

  find(key: string): Session | undefined {
    return this.#sessions.get(key);
  }

  /** Adds an opened connection to its session; false if its probe number is in use. */
  join(connection: NativeConnection, hello: Hello, now: Seconds): boolean {
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

  leave(connection: NativeConnection, now: Seconds): void {
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
