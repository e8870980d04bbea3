/**
 * Sessions across processes: who may join one, requests of control connections about its probes, and what is told of
 * them, in whichever worker they are. The only part of the native server that knows the other workers.
 */
import { defined } from '../defined.js';
import { type Seconds, toMilliseconds } from '../units.js';
import type { AnnouncementFields } from '../wire/announcement.js';
import type { FreshRequest, GoneCause, Hello, ResponderMessage } from '../wire/messages.js';
import { FlowControl } from './cluster/flow-control.js';
import type { Origin, PeerOrder, PeerRequest, Peers } from './cluster/peers.js';
import type { Announcer } from './discovery/announcements.js';
import { Freshness } from './freshness.js';
import { NativeConnection } from './native-connection.js';
import type { ResponderCounts } from './responder-metrics.js';
import type { Sessions } from './sessions.js';

export interface CallsOptions {
  /** Those of this process. */
  readonly sessions: Sessions;
  readonly counts: ResponderCounts;
  /** Monotonic seconds. */
  readonly now: () => Seconds;
  /** 16 hex digits that tell this start of the responder from others. */
  readonly instance: string;
  /** Most lines that one connection may send between two sweeps. */
  readonly maxLinesPerSweep: number;
  /** Most probe connections of one client that are refreshed at once. */
  readonly maxRefreshedPerClient: number;
  /** The other workers, where there are several. */
  readonly peers?: Peers;
}

/** How long all workers have to learn of a new instance before the first control is ended for it. */
const INSTANCE_FIRST: Seconds = 0.1;

/** How many lines a call for an unknown probe counts as: only a flood makes more than a few of them. */
const UNKNOWN_PROBE_LINES = 4;

export class Calls {
  /** Who is not read on while the other processes are behind; with other processes only. */
  readonly flow: FlowControl | undefined;
  readonly #options: CallsOptions;
  #instance: string;
  /** Control connections that asked something of other processes, by the number under which they are answered. */
  readonly #callers = new Map<number, NativeConnection>();
  #lastNumber = 0;
  /** Openings that wait for the primary, by ticket. */
  readonly #joining = new Map<number, (accepted: boolean) => void>();
  #lastTicket = 0;
  readonly #freshness: Freshness;

  constructor(options: CallsOptions) {
    const { instance, maxLinesPerSweep, maxRefreshedPerClient, peers } = options;
    this.#options = options;
    this.#freshness = new Freshness(maxRefreshedPerClient);
    this.#instance = instance;
    this.flow = peers && new FlowControl(peers, maxLinesPerSweep);
    peers?.follow((order) => this.#obey(order));
  }

  /** What every `WELCOME` says of this start of the responder; it changes with the death of a worker. */
  get instance(): string {
    return this.#instance;
  }

  /**
   * Asks whether a connection may join its session: with other workers the primary, since one of them may have the probe
   * number. `answer` is called once, unless the connection ends before.
   */
  join(connection: NativeConnection, hello: Hello, answer: (accepted: boolean) => void): void {
    const { peers } = this.#options;
    if (peers === undefined || hello.role === 'check') {
      answer(true);
      return;
    }
    const ticket = ++this.#lastTicket;
    const { probe, session } = hello;
    connection.joining = true;
    this.#joining.set(ticket, (accepted) => {
      if (connection.open) answer(accepted);
      else if (accepted) peers.ask(defined({ kind: 'leave', session, probe }));
    });
    peers.ask(defined({ kind: 'join', ticket, session, probe }));
  }

  /** A connection has ended; with a cause its session is told that a probe has gone. */
  left(connection: NativeConnection, cause: GoneCause | undefined): void {
    const { peers, sessions } = this.#options;
    this.#callers.delete(connection.callerNumber);
    this.flow?.left(connection);
    connection.tended?.stop();
    if (connection.session === undefined) return;
    const { key: session } = connection.session;
    const probe = connection.kind === 'probe' ? connection.probe : undefined;
    sessions.leave(connection, this.#now());
    peers?.ask(defined({ kind: 'leave', session, probe, cause }));
    if (probe !== undefined && cause !== undefined) this.#tellGone(session, probe, cause);
  }

  /** A control connection wants the far end to write on a probe connection now. */
  call(caller: NativeConnection, number: number, nonce: string): void {
    const { session } = caller;
    const probe = session?.probes.get(number);
    if (probe !== undefined) {
      this.#ring(probe, caller, nonce);
    } else if (this.flow !== undefined && session !== undefined) {
      const call = { kind: 'call', session: session.key, probe: number, nonce } as const;
      this.#ask(caller, { ...call, caller: this.#numberOf(caller) }, true);
    } else {
      this.#refuseUnknown(caller, number);
    }
  }

  /** A control connection wants a probe connection refreshed, or to know how far it is. */
  tend(caller: NativeConnection, request: FreshRequest): void {
    const { session } = caller;
    const probe = session?.probes.get(request.probe);
    if (probe !== undefined) {
      this.#freshness.serve(probe, request, (message) => this.#tell(caller, message));
    } else if (this.flow !== undefined && session !== undefined) {
      this.#ask(
        caller,
        { kind: 'tend', session: session.key, request, caller: this.#numberOf(caller) },
        true,
      );
    } else {
      this.#refuseUnknown(caller, request.probe);
    }
  }

  /** A control connection wants a probe connection forgotten. */
  drop(control: NativeConnection, number: number): void {
    const { session } = control;
    const probe = session?.probes.get(number);
    if (probe !== undefined) probe.owner.drop(probe);
    else if (session !== undefined) this.#ask(control, { kind: 'drop', session: session.key, probe: number });
  }

  /** The client's answer to a ring has come. */
  answered(probe: NativeConnection, nonce: string): void {
    const { ringing } = probe;
    if (ringing?.nonce !== nonce) return;
    probe.ringing = undefined;
    this.#tell(ringing.caller, { kind: 'heard', probe: probe.probe, nonce });
  }

  /** Passes an announcement on to the primary, which answers the connection. */
  announce(connection: NativeConnection, by: Announcer, announcement: AnnouncementFields): void {
    const caller = this.#numberOf(connection);
    this.#ask(connection, { kind: 'announce', by, announcement, caller }, true);
  }

  #now(): Seconds {
    return Math.floor(this.#options.now());
  }

  #ask(connection: NativeConnection, request: PeerRequest, awaited = false): void {
    this.flow?.asked(connection, awaited);
    this.#options.peers?.ask(request);
  }

  #refuseUnknown(caller: NativeConnection, probe: number): void {
    this.#countUnknown(caller);
    caller.send({ kind: 'error', code: 'unknown_probe', probe });
  }

  #countUnknown(caller: NativeConnection | undefined): void {
    this.#options.counts.rejected.unknown_probe += 1;
    if (caller !== undefined) caller.lines += UNKNOWN_PROBE_LINES - 1;
  }

  /** The number under which other processes answer a control connection of this one. */
  #numberOf(caller: NativeConnection): number {
    if (caller.callerNumber === 0) caller.callerNumber = ++this.#lastNumber;
    this.#callers.set(caller.callerNumber, caller);
    return caller.callerNumber;
  }

  #ring(probe: NativeConnection, caller: NativeConnection | Origin, nonce: string): void {
    probe.ringing = { caller, nonce };
    // One that does not read is about to be ended: what was not written is not told as written.
    if (probe.send({ kind: 'ring', nonce })) this.#tell(caller, { kind: 'rung', probe: probe.probe, nonce });
  }

  /** Tells a caller, in whichever worker it is, if it is still there. */
  #tell(caller: NativeConnection | Origin, message: ResponderMessage): void {
    if (!(caller instanceof NativeConnection)) {
      this.#options.peers?.ask({ kind: 'tell', origin: caller, message });
    } else if (caller.open) caller.send(message);
  }

  /** Tells the controls of a session in this worker that a probe connection has ended. */
  #tellGone(session: string, probe: number, cause: GoneCause): void {
    for (const control of this.#options.sessions.find(session)?.controls ?? []) {
      control.send({ kind: 'gone', probe, cause });
    }
  }

  /** What the primary and the other workers want of this one. */
  #obey(order: PeerOrder): void {
    switch (order.kind) {
      case 'joined': {
        const answer = this.#joining.get(order.ticket);
        this.#joining.delete(order.ticket);
        answer?.(order.accepted);
        return;
      }
      case 'instance':
        this.#instance = order.instance;
        this.flow?.forgive();
        return;
      case 'tell':
        this.#hear(order.caller, order.message);
        return;
      case 'lost': {
        const caller = this.#callers.get(order.caller);
        if (caller !== undefined) this.flow?.answered(caller);
        return;
      }
      case 'controls': {
        const session = this.#options.sessions.find(order.session);
        if (session === undefined) return;
        session.controlsElsewhere = order.elsewhere;
        if (session.orphaned) session.orphanedAt = this.#now();
        return;
      }
      case 'end':
        this.#endControls(order.session);
        return;
      case 'gone':
        this.#tellGone(order.session, order.probe, order.cause);
        return;
      case 'drop': {
        const probe = this.#options.sessions.find(order.session)?.probes.get(order.probe);
        probe?.owner.drop(probe);
        return;
      }
      case 'ring': {
        const probe = this.#options.sessions.find(order.session)?.probes.get(order.probe);
        if (probe !== undefined) this.#ring(probe, order.origin, order.nonce);
        else this.#tell(order.origin, { kind: 'error', code: 'unknown_probe', probe: order.probe });
        return;
      }
      case 'tend': {
        const { origin, request, session } = order;
        const probe = this.#options.sessions.find(session)?.probes.get(request.probe);
        if (probe !== undefined)
          this.#freshness.serve(probe, request, (message) => this.#tell(origin, message));
        else this.#tell(origin, { kind: 'error', code: 'unknown_probe', probe: request.probe });
        return;
      }
      default:
    }
  }

  /** Another process has word for a control connection of this one. */
  #hear(number: number, message: ResponderMessage): void {
    const caller = this.#callers.get(number);
    if (message.kind === 'error' && message.code === 'unknown_probe') this.#countUnknown(caller);
    if (caller === undefined) return;
    // `heard` follows an answer.
    if (message.kind !== 'heard') this.flow?.answered(caller);
    caller.send(message);
  }

  /** Ends the controls that the session has now. */
  #endControls(session: string): void {
    const controls = [...(this.#options.sessions.find(session)?.controls ?? [])];
    setTimeout(() => {
      for (const control of controls) {
        if (control.open) control.owner.shutDown(control, 'a process of the responder has died');
      }
    }, toMilliseconds(INSTANCE_FIRST)).unref();
  }
}
