/** Requests of control connections about the probes of their session, in whichever worker those are. */
import { type Seconds, toMilliseconds } from '../units.js';
import type { ResponderMessage } from '../wire/messages.js';
import type { ResponderCounts } from './metrics.js';
import type { GoneCause, Origin, PeerOrder, Peers } from './peers.js';
import { Connection, type Sessions } from './sessions.js';

export interface CallsDeps {
  readonly sessions: Sessions;
  readonly counts: ResponderCounts;
  readonly peers?: Peers;
  /** Monotonic seconds. */
  readonly now: () => Seconds;
  readonly isOpen: (connection: Connection) => boolean;
  readonly send: (connection: Connection, message: ResponderMessage) => void;
  /** Ends a probe connection of this worker without a word. */
  readonly drop: (probe: Connection) => void;
  /** Tells a control connection of this worker that it is over, and ends it. */
  readonly end: (control: Connection, detail: string) => void;
}

/** How long all workers have to learn of a new instance before the first control is ended for it. */
const INSTANCE_FIRST: Seconds = 0.1;

export class Calls {
  readonly #deps: CallsDeps;
  /** Control connections that called probes of other workers. */
  readonly #callers = new Map<number, Connection>();
  #lastNumber = 0;

  constructor(deps: CallsDeps) {
    this.#deps = deps;
  }

  /** A connection has ended. */
  left(connection: Connection): void {
    this.#callers.delete(connection.callerNumber);
  }

  /** A control connection wants the far end to write on a probe connection now. */
  call(caller: Connection, number: number, nonce: string): void {
    const probe = caller.session?.probes.get(number);
    const { counts, peers } = this.#deps;
    if (probe !== undefined) {
      this.#ring(probe, caller, nonce);
    } else if (peers !== undefined && caller.session !== undefined) {
      const { key: session } = caller.session;
      peers.ask({ kind: 'call', session, probe: number, nonce, caller: this.numberOf(caller) });
    } else {
      counts.rejected.unknown_probe += 1;
      this.#deps.send(caller, { kind: 'error', code: 'unknown_probe', probe: number });
    }
  }

  /** The number under which other processes answer a control connection of this one. */
  numberOf(caller: Connection): number {
    if (caller.callerNumber === 0) caller.callerNumber = ++this.#lastNumber;
    this.#callers.set(caller.callerNumber, caller);
    return caller.callerNumber;
  }

  #ring(probe: Connection, caller: Connection | Origin, nonce: string): void {
    probe.ringing = { caller, nonce };
    this.#deps.send(probe, { kind: 'ring', nonce });
    this.#tell(caller, { kind: 'rung', probe: probe.probe, nonce });
  }

  /** The client's answer to a ring has come. */
  answered(probe: Connection, nonce: string): void {
    const { ringing } = probe;
    if (ringing?.nonce !== nonce) return;
    probe.ringing = undefined;
    this.#tell(ringing.caller, { kind: 'heard', probe: probe.probe, nonce });
  }

  /** Tells a caller, in whichever worker it is, if it is still there. */
  #tell(caller: Connection | Origin, message: ResponderMessage): void {
    if (!(caller instanceof Connection)) {
      this.#deps.peers?.ask({ kind: 'tell', origin: caller, message });
    } else if (this.#deps.isOpen(caller)) {
      this.#deps.send(caller, message);
    }
  }

  /** A control connection wants a probe connection forgotten. */
  drop({ session }: Connection, number: number): void {
    if (session === undefined) return;
    const probe = session.probes.get(number);
    if (probe === undefined) this.#deps.peers?.ask({ kind: 'drop', session: session.key, probe: number });
    else this.#deps.drop(probe);
  }

  /** What another worker wants of this one. */
  obey(order: Exclude<PeerOrder, { kind: 'joined' | 'elsewhere' | 'instance' }>): void {
    switch (order.kind) {
      case 'tell': {
        const caller = this.#callers.get(order.caller);
        if (order.message.kind === 'error' && order.message.code === 'unknown_probe')
          this.#deps.counts.rejected.unknown_probe += 1;
        if (caller !== undefined) this.#deps.send(caller, order.message);
        return;
      }
      case 'controls': {
        const session = this.#deps.sessions.find(order.session);
        if (session === undefined) return;
        session.controlsElsewhere = order.elsewhere;
        if (session.orphaned) session.orphanedAt = Math.floor(this.#deps.now());
        return;
      }
      case 'end':
        this.#endControls(order.session);
        return;
      case 'gone': {
        const { probe, cause } = order;
        this.gone(order.session, probe, cause);
        return;
      }
      case 'ring':
      case 'drop': {
        const probe = this.#deps.sessions.find(order.session)?.probes.get(order.probe);
        if (order.kind === 'drop') {
          if (probe !== undefined) this.#deps.drop(probe);
        } else if (probe !== undefined) this.#ring(probe, order.origin, order.nonce);
        else this.#tell(order.origin, { kind: 'error', code: 'unknown_probe', probe: order.probe });
      }
    }
  }

  /** Ends the controls that the session has now. */
  #endControls(session: string): void {
    const controls = [...(this.#deps.sessions.find(session)?.controls ?? [])];
    setTimeout(() => {
      for (const control of controls) {
        if (this.#deps.isOpen(control)) this.#deps.end(control, 'a process of the responder has died');
      }
    }, toMilliseconds(INSTANCE_FIRST)).unref();
  }

  /** Tells the controls of a session in this worker that a probe connection has ended. */
  gone(session: string, probe: number, cause: GoneCause): void {
    for (const control of this.#deps.sessions.find(session)?.controls ?? []) {
      this.#deps.send(control, { kind: 'gone', probe, cause });
    }
  }
}
