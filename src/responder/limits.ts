/** The bounds of the responder: how many, how long, how fast. */
import { openFileLimit } from '../descriptors.js';
import { RESERVED_DESCRIPTORS } from '../net/descriptor-shares.js';
import type { Seconds } from '../units.js';

export interface Limits {
  /** Most connections in all, the legacy ones included. */
  readonly maxConnections: number;
  /** Most connections in one process; never more than its descriptors allow. */
  readonly maxConnectionsPerProcess: number;
  /** Most connections of the legacy servers in one process; never more than a quarter of what it holds. */
  readonly maxLegacyConnections: number;
  /** Most connections of one client, an IPv4 address or an IPv6 /64: native ones, and as many legacy ones. */
  readonly maxConnectionsPerClient: number;
  /** How long a native connection may take from accept to welcome. */
  readonly openingDeadline: Seconds;
  /** How long a control or check connection may be silent. */
  readonly silentDeadline: Seconds;
  /** How long a probe connection may live in a session without a control connection. */
  readonly orphanDeadline: Seconds;
  /** How long a probe connection or a legacy client may be silent. */
  readonly idleDeadline: Seconds;
  /** Most lines that one connection may send between two sweeps. */
  readonly maxLinesPerSweep: number;
  /** Most probe connections of one client that are refreshed with a limited TTL at once; 24 hops want about 60 of them. */
  readonly maxRefreshedPerClient: number;
  /** Most bytes of answers that a client may leave unread. */
  readonly maxUnread: number;
  /** How often ages are looked at. */
  readonly sweepInterval: Seconds;
}

/**
 * Most connections of one of several processes. When it is killed the kernel closes them one after the other, tens
 * of microseconds for each, before the primary learns of it; the canaries that live in other processes must end within
 * the 2 s that a client waits before it trusts them. With so many it takes less than a second.
 */
export const WORKER_ROOM = 20_000;

/** What the legacy servers, which cannot ask for a token, may take of all connections. */
const LEGACY_SHARE = 0.25;

export const DEFAULT_LIMITS: Limits = {
  maxConnections: 16_000,
  maxConnectionsPerProcess: Number.POSITIVE_INFINITY,
  maxLegacyConnections: Number.POSITIVE_INFINITY,
  // Many users may share the one address of a CGN.
  maxConnectionsPerClient: 1024,
  openingDeadline: 10,
  silentDeadline: 3600,
  orphanDeadline: 3600,
  // A day of idling is the longest measurement; the rest is for its test and for late clocks.
  idleDeadline: 26 * 3600,
  maxLinesPerSweep: 1000,
  maxRefreshedPerClient: 256,
  maxUnread: 16 * 1024,
  sweepInterval: 1,
};

/** The limits with those given put in the place of the defaults, and what each of so many processes may hold. */
export function resolveLimits(given: Partial<Limits> = {}, workers = 1): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const maxConnectionsPerProcess = Math.min(limits.maxConnectionsPerProcess, processRoom(workers));
  const even = Math.min(maxConnectionsPerProcess, Math.ceil(limits.maxConnections / workers));
  const quarter = Math.max(1, Math.floor(even * LEGACY_SHARE));
  const maxLegacyConnections = Math.min(limits.maxLegacyConnections, quarter);
  return { ...limits, maxConnectionsPerProcess, maxLegacyConnections };
}

/** Connections that one process may hold where there are so many: its descriptors and `WORKER_ROOM` bound it. */
export function processRoom(workers = 1, descriptors = openFileLimit()): number {
  const room = Math.max(16, descriptors - RESERVED_DESCRIPTORS);
  return workers > 1 ? Math.min(room, WORKER_ROOM) : room;
}
