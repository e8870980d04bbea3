/** Requests of control connections about the probes of their session, in whichever worker those are. */
import { type Seconds, toMilliseconds } from '../units.js';
import type { ResponderMessage } from '../wire/messages.js';
import type { ResponderCounts } from './responder-metrics.js';
import type { GoneCause, Origin, PeerOrder, Peers } from './cluster/peers.js';
import type { Relay } from './cluster/flow-control.js';
import { Connection, type Sessions } from './sessions.js';

export interface CallsDeps {
  readonly sessions: Sessions;
  readonly counts: ResponderCounts;
  readonly peers?: Peers;
  /** With `peers` only: asks them for a connection. */
  readonly relay?: Relay;
  /** Monotonic seconds. */
  readonly now: () => Seconds;
  readonly isOpen: (connection: Connection) => boolean;
  /** Writes a line; false where it may not be written. */
  readonly send: (connection: Connection, message: ResponderMessage) => boolean;
  /** Ends a probe connection of this worker without a word. */
  readonly drop: (probe: Connection) => void;
  /** Tells a control connection of this worker that it is over, and ends it. */
  readonly end: (control: Connection, detail: string) => void;
}

/** How long all workers have to learn of a new instance before the first control is ended for it. */
const INSTANCE_FIRST: Seconds = 0.1;

/** How many lines a call for an unknown probe counts as: only a flood makes more than a few of them. */
const UNKNOWN_PROBE_LINES = 4;

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
    const { relay } = this.#deps;
    if (probe !== undefined) {
      this.#ring(probe, caller, nonce);
    } else if (relay !== undefined && caller.session !== undefined) {
      const { key: session } = caller.session;
      const call = { kind: 'call', session, probe: number, nonce, caller: this.numberOf(caller) } as const;
      relay.ask(caller, call, true);
    } else {
      this.#countUnknown(caller);
      this.#deps.send(caller, { kind: 'error', code: 'unknown_probe', probe: number });
    }
  }

  #countUnknown(caller: Connection | undefined): void {
    this.#deps.counts.rejected.unknown_probe += 1;
    if (caller !== undefined) caller.lines += UNKNOWN_PROBE_LINES - 1;
  }

  /** The number under which other processes answer a control connection of this one. */
  numberOf(caller: Connection): number {
    if (caller.callerNumber === 0) caller.callerNumber = ++this.#lastNumber;
    this.#callers.set(caller.callerNumber, caller);
    return caller.callerNumber;
  }

  #ring(probe: Connection, caller: Connection | Origin, nonce: string): void {
    probe.ringing = { caller, nonce };
    // One that does not read is about to be ended: what was not written is not told as written.
    if (!this.#deps.send(probe, { kind: 'ring', nonce })) return;
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
  drop(control: Connection, number: number): void {
    const { session } = control;
    if (session === undefined) return;
    const probe = session.probes.get(number);
    if (probe !== undefined) this.#deps.drop(probe);
    else this.#deps.relay?.ask(control, { kind: 'drop', session: session.key, probe: number }, false);
  }

  /** What another worker wants of this one. */
  obey(order: Exclude<PeerOrder, { kind: 'joined' | 'elsewhere' | 'instance' }>): void {
    switch (order.kind) {
      case 'tell': {
        const { message } = order;
        const caller = this.#callers.get(order.caller);
        if (message.kind === 'error' && message.code === 'unknown_probe') this.#countUnknown(caller);
        if (caller === undefined) return;
        // `heard` follows an answer.
        if (message.kind !== 'heard') this.#deps.relay?.answered(caller);
        this.#deps.send(caller, message);
        return;
      }
      case 'lost': {
        const caller = this.#callers.get(order.caller);
        if (caller !== undefined) this.#deps.relay?.answered(caller);
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
