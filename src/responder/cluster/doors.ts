/**
 * Which workers take new connections: the primary's choice, without processes or sockets. All workers wait at the
 * same socket and each connection wakes all who wait, so no more of them wait than there are processors; and one
 * that is nearly full leaves the door to the others before it has to turn anybody away.
 */
import type { Limits } from '../limits.js';

/** Share of its room from which on a worker counts as full: connections arrive faster than loads are reported. */
const NEARLY_FULL = 0.95;

/** By how much of the room loads may differ before a worker gives its door to an emptier one. */
const UNEVEN = 0.05;

/**
 * How much more than its even share of what is allowed in all a worker may take before it ranks as full. More than
 * `1 / NEARLY_FULL`, so that not all of them are full before the limit is reached.
 */
const HEAD_ROOM = 1.25;

/**
 * Connections that a worker ranks as full with: what it can hold, but no more than its share where descriptors abound.
 * Otherwise the first workers at the door would take everything, and a death would take all that along.
 */
export function rankedRoom(
  workers: number,
  { maxConnections, maxConnectionsPerProcess }: Pick<Limits, 'maxConnections' | 'maxConnectionsPerProcess'>,
): number {
  return Math.min(maxConnectionsPerProcess, Math.ceil((maxConnections / workers) * HEAD_ROOM));
}

export interface DoorsOptions {
  /** How many workers take connections at a time, at least 1. */
  readonly width: number;
  /** Connections with which one worker is full, see `rankedRoom`. */
  readonly room: number;
}

export class Doors {
  readonly #options: DoorsOptions;
  /** Connections by worker. */
  readonly #loads = new Map<number, number>();
  /** Who takes connections, and has said so. */
  readonly #open = new Set<number>();

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  /** A worker has begun to take connections, or has stopped. */
  attends(worker: number, open: boolean): void {
    if (!this.#loads.has(worker)) this.#loads.set(worker, 0);
    if (open) this.#open.add(worker);
    else this.#open.delete(worker);
  }

  loaded(worker: number, connections: number): void {
    this.#loads.set(worker, connections);
  }

  forget(worker: number): void {
    this.#loads.delete(worker);
    this.#open.delete(worker);
  }

  /**
   * What has to change. Nobody closes before all that shall open have opened: a socket at which nobody waits any more
   * would be gone, and what it holds with it.
   */
  changes(): readonly { readonly worker: number; readonly open: boolean }[] {
    const wanted = this.#wanted();
    const opening = [...wanted].filter((worker) => !this.#open.has(worker));
    if (opening.length > 0) return opening.map((worker) => ({ worker, open: true }));
    return [...this.#open].filter((worker) => !wanted.has(worker)).map((worker) => ({ worker, open: false }));
  }

  /** The emptiest workers; one that is at a door has a lead over the others, so that doors do not flap. */
  #wanted(): ReadonlySet<number> {
    const { room, width } = this.#options;
    const rank = ([worker, load]: readonly [number, number]): number => {
      const full = load >= room * NEARLY_FULL ? room : 0;
      return full + load - (this.#open.has(worker) ? room * UNEVEN : 0);
    };
    const sorted = [...this.#loads].sort((a, b) => rank(a) - rank(b));
    const chosen = sorted.slice(0, width);
    const roomy = chosen.filter(([, load]) => load < room * NEARLY_FULL);
    return new Set((roomy.length > 0 ? roomy : chosen).map(([worker]) => worker));
  }
}
