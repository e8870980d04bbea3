/**
 * Who may connect: counts connections by client and in all, and makes room by evicting those that have shown nothing
 * yet. The legacy servers, where nobody can show a token, have a pool of their own and never cost a native caller its
 * place.
 */
import { clientKey } from '../net/client-address.js';
import type { Limits } from './limits.js';

type Caps = Pick<
  Limits,
  'maxConnections' | 'maxConnectionsPerClient' | 'maxConnectionsPerProcess' | 'maxLegacyConnections'
>;

/** Whose places a connection takes. */
export type Pool = 'native' | 'legacy';

/** A connection that has shown nothing yet (no opening, no request) and gives way where a limit is reached. */
export interface Evictable {
  /** Ends the connection and releases its place at once. */
  evict(): void;
}

/** One client's share. Exists only while it has connections. */
export class Client {
  readonly key: string;
  /** Native ones. */
  connections = 0;
  legacy = 0;
  /** Its unopened connections, the oldest first. */
  pending: Set<Evictable> | undefined;

  constructor(key: string) {
    this.key = key;
  }
}

export type Refusal = 'limit_client' | 'limit_total' | 'limit_legacy';

/** Among how many of the oldest unopened connections the one to end is chosen: a flood must not make it dear. */
const EVICTION_CHOICE = 16;

export class Admission {
  readonly #limits: Caps;
  readonly #clients = new Map<string, Client>();
  /** All unopened connections, the oldest first. */
  readonly #pending = new Map<Evictable, Client>();
  /** Legacy connections that have asked for nothing yet, the oldest first. */
  readonly #unasked = new Set<Evictable>();
  #connections = 0;
  #legacy = 0;
  #reported = 0;
  readonly #report: ((connections: number) => void) | undefined;
  /** Connections that other processes of the same responder hold. */
  elsewhere = 0;

  /** `report` is called whenever the number of connections has changed by a thousandth of what is allowed. */
  constructor(limits: Caps, report?: (connections: number) => void) {
    this.#limits = limits;
    this.#report = report;
  }

  /** Connections that were admitted and not released. */
  get connections(): number {
    return this.#connections;
  }

  /** Takes a place for a connection from `address`, or says which limit is reached. */
  admit(address: string, pool: Pool = 'native'): Client | Refusal {
    const key = clientKey(address);
    const refusal = pool === 'native' ? this.#refuseNative(key) : this.#refuseLegacy(key);
    if (refusal !== undefined) return refusal;
    // Asked only now: an eviction may have released the client's last place.
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = new Client(key);
      this.#clients.set(key, client);
    }
    this.#count(client, pool, 1);
    return client;
  }

  /** Gives a connection's place back. */
  release(client: Client, pool: Pool = 'native'): void {
    this.#count(client, pool, -1);
    if (client.connections + client.legacy === 0) this.#clients.delete(client.key);
  }

  #count(client: Client, pool: Pool, change: 1 | -1): void {
    if (pool === 'native') client.connections += change;
    else {
      client.legacy += change;
      this.#legacy += change;
    }
    this.#connections += change;
    this.#changed();
  }

  #refuseNative(key: string): Refusal | undefined {
    const known = this.#clients.get(key);
    if (known !== undefined && known.connections >= this.#limits.maxConnectionsPerClient) {
      return evictOldest(known.pending) ? undefined : 'limit_client';
    }
    if (!this.#full()) return undefined;
    return this.#evictPending() || evictOldest(this.#unasked) ? undefined : 'limit_total';
  }

  /**
   * Legacy connections make room among themselves only. A client is held to its share by refusing it, since every one of its
   * own that was ended would be a false measurement; and with half of the pool it does not push others out of it.
   */
  #refuseLegacy(key: string): Refusal | undefined {
    const { maxConnectionsPerClient, maxLegacyConnections } = this.#limits;
    const own = this.#clients.get(key)?.legacy ?? 0;
    if (own >= maxConnectionsPerClient) return 'limit_client';
    const poolIsFull = this.#legacy >= maxLegacyConnections;
    if (!poolIsFull && !this.#full()) return undefined;
    if (poolIsFull && own >= Math.max(1, maxLegacyConnections / 2)) return 'limit_client';
    if (evictOldest(this.#unasked)) return undefined;
    return poolIsFull ? 'limit_legacy' : 'limit_total';
  }

  /**
   * Ends one of the oldest unopened connections: of the client that has most of them. Whoever comes with one and opens
   * it at once is not ended before a flood's own, however little room there is.
   */
  #evictPending(): boolean {
    const oldest = this.#pending.entries();
    let chosen: readonly [Evictable, Client] | undefined;
    for (let looked = 0; looked < EVICTION_CHOICE; looked += 1) {
      const { done, value } = oldest.next();
      if (done === true) break;
      if ((value[1].pending?.size ?? 0) > (chosen?.[1].pending?.size ?? 0)) chosen = value;
    }
    chosen?.[0].evict();
    return chosen !== undefined;
  }

  #full(): boolean {
    const { maxConnections, maxConnectionsPerProcess } = this.#limits;
    return (
      this.#connections >= maxConnectionsPerProcess || this.#connections + this.elsewhere >= maxConnections
    );
  }

  #changed(): void {
    if (this.#report === undefined) return;
    const step = Math.max(1, this.#limits.maxConnections / 1000);
    if (Math.abs(this.#connections - this.#reported) < step) return;
    this.#reported = this.#connections;
    this.#report(this.#connections);
  }

  /** Marks an admitted connection as not opened yet. */
  waitForOpening(client: Client, connection: Evictable): void {
    client.pending ??= new Set();
    client.pending.add(connection);
    this.#pending.set(connection, client);
  }

  /** Marks an admitted legacy connection as one that has asked for nothing yet. */
  waitForRequest(connection: Evictable): void {
    this.#unasked.add(connection);
  }

  /** The connection finished its opening, asked for something, or ended. */
  settle(client: Client, connection: Evictable): void {
    if (this.#unasked.delete(connection)) return;
    if (!this.#pending.delete(connection)) return;
    client.pending?.delete(connection);
    if (client.pending?.size === 0) client.pending = undefined;
  }
}

function evictOldest(pending: Set<Evictable> | undefined): boolean {
  for (const oldest of pending ?? []) {
    oldest.evict();
    return true;
  }
  return false;
}
