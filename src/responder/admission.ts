/** Who may connect: counts connections by client and in all, and makes room by evicting unopened ones. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Limits } from './limits.js';

type Caps = Pick<Limits, 'maxConnections' | 'maxConnectionsPerClient' | 'maxConnectionsPerProcess'>;

/** A connection that has not finished its opening and gives way where a limit is reached. */
export interface Evictable {
  /** Ends the connection and releases its place at once. */
  evict(): void;
}

/** One client's share. Exists only while it has connections. */
export class Client {
  readonly key: string;
  connections = 0;
  /** Its unopened connections, the oldest first. */
  pending: Set<Evictable> | undefined;

  constructor(key: string) {
    this.key = key;
  }
}

export type Refusal = 'limit_client' | 'limit_total';

export class Admission {
  readonly #limits: Caps;
  readonly #clients = new Map<string, Client>();
  readonly #pending = new Set<Evictable>();
  #connections = 0;
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
  admit(address: string): Client | Refusal {
    const key = clientKey(address);
    const known = this.#clients.get(key);
    if (known !== undefined && known.connections >= this.#limits.maxConnectionsPerClient) {
      if (!evictOldest(known.pending)) return 'limit_client';
    } else if (this.#full()) {
      if (!evictOldest(this.#pending)) return 'limit_total';
    }
    // Asked again: the eviction may have released the client's last place.
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = new Client(key);
      this.#clients.set(key, client);
    }
    client.connections += 1;
    this.#connections += 1;
    this.#changed();
    return client;
  }

  /** Gives a connection's place back. */
  release(client: Client): void {
    client.connections -= 1;
    this.#connections -= 1;
    if (client.connections === 0) this.#clients.delete(client.key);
    this.#changed();
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
  wait(client: Client, connection: Evictable): void {
    client.pending ??= new Set();
    client.pending.add(connection);
    this.#pending.add(connection);
  }

  /** The connection finished its opening, or ended. */
  settle(client: Client, connection: Evictable): void {
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

/** An IPv4 address mapped into IPv6 is that IPv4 address; a zone is of no use to anybody else. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return address.replace(/%.*$/, '');
}

/** What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function clientKey(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':') || !isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const front = head === '' ? [] : head.split(':');
  // An IPv4 tail stands for two groups; it never reaches into the first four.
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const backGroups = back.length + (back.at(-1)?.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? 0 : 8 - front.length - backGroups;
  const groups = [...front, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...back];
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
