/** Which worker holds which connection of a session: the primary's book, without processes or sockets. */
import type { GoneCause } from '../../wire/messages.js';
import type { AnnounceRequest, PeerOrder, PeerRequest } from './peers.js';

/** An order and the worker that it is for. */
export interface Dispatch {
  readonly to: number;
  readonly order: PeerOrder;
}

interface Entry {
  /** Control connections by worker. */
  readonly controls: Map<number, number>;
  /** The worker of each probe connection. */
  readonly probes: Map<number, number>;
}

export class Directory {
  readonly #sessions = new Map<string, Entry>();
  /** Connections by worker, as last reported. */
  readonly #loads = new Map<number, number>();

  get size(): number {
    return this.#sessions.size;
  }

  /** What follows from a worker's request. */
  handle(from: number, request: Exclude<PeerRequest, AnnounceRequest>): readonly Dispatch[] {
    switch (request.kind) {
      case 'join':
        return this.#join(from, request.ticket, request.session, request.probe);
      case 'leave':
        return this.#leave(from, request.session, request.probe, request.cause);
      case 'load':
        this.#loads.set(from, request.connections);
        return this.#elsewhere(from);
      case 'tell': {
        const { message, origin } = request;
        return [{ to: origin.worker, order: { kind: 'tell', caller: origin.caller, message } }];
      }
      case 'call': {
        const { session, probe, nonce, caller } = request;
        const to = this.#sessions.get(session)?.probes.get(probe);
        if (to !== undefined) {
          return [{ to, order: { kind: 'ring', session, probe, nonce, origin: { worker: from, caller } } }];
        }
        return [unknownProbe(from, caller, probe)];
      }
      case 'tend': {
        const { session, request: asked, caller } = request;
        const to = this.#sessions.get(session)?.probes.get(asked.probe);
        if (to !== undefined) {
          return [{ to, order: { kind: 'tend', session, request: asked, origin: { worker: from, caller } } }];
        }
        return [unknownProbe(from, caller, asked.probe)];
      }
      case 'drop': {
        const { session, probe } = request;
        const to = this.#sessions.get(session)?.probes.get(probe);
        return to === undefined ? [] : [{ to, order: { kind: 'drop', session, probe } }];
      }
    }
  }

  /**
   * A worker has died, and all of its connections with it. A client must not take that for the work of a NAT: the
   * sessions that had any there lose their controls, too.
   */
  forget(worker: number): readonly Dispatch[] {
    const orders: Dispatch[] = [];
    const ends: Dispatch[] = [];
    for (const [session, { controls, probes }] of [...this.#sessions]) {
      const lost = [...probes].filter(([, holder]) => holder === worker);
      const lostControls = controls.get(worker) ?? 0;
      if (lost.length === 0 && lostControls === 0) continue;
      for (const [probe] of lost) this.#leave(worker, session, probe);
      for (let left = lostControls; left > 0; left -= 1) {
        orders.push(...this.#leave(worker, session));
      }
      for (const to of controls.keys()) ends.push({ to, order: { kind: 'end', session } });
    }
    this.#loads.delete(worker);
    return [...orders, ...this.#elsewhere(worker), ...ends].filter(({ to }) => to !== worker);
  }

  /** What the others must know after this worker's load has changed; it knows about them already. */
  #elsewhere(worker: number): readonly Dispatch[] {
    let all = 0;
    for (const load of this.#loads.values()) all += load;
    return [...this.#loads]
      .filter(([to]) => to !== worker)
      .map(([to, own]) => ({ to, order: { kind: 'elsewhere', connections: all - own } }));
  }

  #join(from: number, ticket: number, session: string, probe: number | undefined): readonly Dispatch[] {
    let entry = this.#sessions.get(session);
    if (entry === undefined) {
      entry = { controls: new Map(), probes: new Map() };
      this.#sessions.set(session, entry);
    }
    const free = probe === undefined || !entry.probes.has(probe);
    const joined: Dispatch = { to: from, order: { kind: 'joined', ticket, accepted: free } };
    if (!free) return [joined];
    if (probe === undefined) {
      const before = elsewhere(entry);
      entry.controls.set(from, (entry.controls.get(from) ?? 0) + 1);
      return [joined, ...changes(session, entry, before)];
    }
    entry.probes.set(probe, from);
    // The worker may just have made the session: it must know before it measures its orphans.
    const others = elsewhere(entry).get(from) ?? false;
    return [joined, { to: from, order: { kind: 'controls', session, elsewhere: others } }];
  }

  #leave(from: number, session: string, probe?: number, cause?: GoneCause): readonly Dispatch[] {
    const entry = this.#sessions.get(session);
    if (entry === undefined) return [];
    const orders: Dispatch[] = [];
    if (probe === undefined) {
      const before = elsewhere(entry);
      const left = (entry.controls.get(from) ?? 0) - 1;
      if (left > 0) entry.controls.set(from, left);
      else entry.controls.delete(from);
      orders.push(...changes(session, entry, before));
    } else if (entry.probes.get(probe) === from) {
      entry.probes.delete(probe);
      if (cause !== undefined) {
        for (const to of entry.controls.keys())
          if (to !== from) orders.push({ to, order: { kind: 'gone', session, probe, cause } });
      }
    }
    if (entry.controls.size === 0 && entry.probes.size === 0) this.#sessions.delete(session);
    return orders;
  }
}

/** The answer to a caller who asks about a probe that nobody has. */
function unknownProbe(to: number, caller: number, probe: number): Dispatch {
  return { to, order: { kind: 'tell', caller, message: { kind: 'error', code: 'unknown_probe', probe } } };
}

/** For each worker with probes of the session: whether another worker has a control of it. */
function elsewhere({ controls, probes }: Entry): Map<number, boolean> {
  const has = new Map<number, boolean>();
  for (const holder of probes.values()) {
    if (has.has(holder)) continue;
    has.set(holder, controls.size > (controls.has(holder) ? 1 : 0));
  }
  return has;
}

function changes(session: string, entry: Entry, before: ReadonlyMap<number, boolean>): Dispatch[] {
  return [...elsewhere(entry)]
    .filter(([to, now]) => before.get(to) !== now)
    .map(([to, now]) => ({ to, order: { kind: 'controls', session, elsewhere: now } }));
}
