/** What the responder counts, and the names under which Prometheus sees it. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Announcements } from './discovery/announcements.js';

/** What a connection is at the moment; `pending` has not finished its opening. */
const CONNECTION_KINDS = ['pending', 'control', 'probe', 'check', 'legacy_echo', 'legacy_sleep'] as const;
export type ConnectionKind = (typeof CONNECTION_KINDS)[number];

/**
 * Why something was turned away. Beside the codes that a client is told: `oversized` and `binary` lines,
 * `evicted` (gave way to a newer connection before it had opened, or had asked a legacy server for anything),
 * `limit_legacy` (all places of the legacy servers are taken by clients that have asked), `rate` (too many lines), `unread` (does not
 * read its answers), `request` (a legacy client asked for something else), `accept` (the kernel refused, most
 * often for want of descriptors), `aborted` (the client reset it before its turn to be accepted had come).
 */
const REJECT_REASONS = [
  'version',
  'syntax',
  'auth',
  'limit_client',
  'limit_total',
  'limit_legacy',
  'unknown_probe',
  'duplicate_probe',
  'timeout',
  'oversized',
  'binary',
  'evicted',
  'rate',
  'unread',
  'request',
  'accept',
  'aborted',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Those of callers who found no room. */
export const NO_ROOM_REASONS = [
  'limit_client',
  'limit_total',
  'limit_legacy',
  'evicted',
  'accept',
] as const satisfies readonly RejectReason[];

/** Plain numbers, so that several processes can be added up. */
export interface ResponderCounts {
  readonly open: Record<ConnectionKind, number>;
  readonly opened: Record<ConnectionKind, number>;
  readonly rejected: Record<RejectReason, number>;
  /** Open descriptors that nothing accounts for, see `DescriptorWatch`; undefined where nobody watches. */
  unaccounted: number | undefined;
}

export interface ResponderMetrics {
  readonly registry: Registry;
  /** The counts of this process, changed in place by the servers. */
  readonly counts: ResponderCounts;
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

export function zeroCounts(): ResponderCounts {
  return {
    open: zeros(CONNECTION_KINDS),
    opened: zeros(CONNECTION_KINDS),
    rejected: zeros(REJECT_REASONS),
    unaccounted: undefined,
  };
}

/** The sum of several processes' counts. */
export function addCounts(all: readonly ResponderCounts[]): ResponderCounts {
  const sum = zeroCounts();
  for (const { open, opened, rejected, unaccounted } of all) {
    for (const kind of CONNECTION_KINDS) {
      sum.open[kind] += open[kind];
      sum.opened[kind] += opened[kind];
    }
    for (const reason of REJECT_REASONS) sum.rejected[reason] += rejected[reason];
    if (unaccounted !== undefined) sum.unaccounted = (sum.unaccounted ?? 0) + unaccounted;
  }
  return sum;
}

/**
 * The responder's metrics in a registry of their own. Counting costs an addition; the numbers are copied at a
 * scrape. `read` is asked then and returns this process's counts unless something else is given.
 */
export function createResponderMetrics(
  read?: () => ResponderCounts | Promise<ResponderCounts>,
): ResponderMetrics {
  const registry = new Registry();
  const counts = zeroCounts();
  let asking: Promise<ResponderCounts> | undefined;
  // The metrics of one scrape are collected side by side: they share one answer.
  const current = (): Promise<ResponderCounts> => {
    asking ??= Promise.resolve(read?.() ?? counts).finally(() => {
      asking = undefined;
    });
    return asking;
  };
  new Gauge({
    name: 'nat_responder_connections',
    help: 'Open connections by kind; pending ones have not finished their opening.',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      const { open } = await current();
      for (const kind of CONNECTION_KINDS) this.set({ kind }, open[kind]);
    },
  });
  registerCounts(
    registry,
    'nat_responder_connections_total',
    'Connections that became this kind since the start; every native one is pending first.',
    'kind',
    async () => (await current()).opened,
  );
  registerCounts(
    registry,
    'nat_responder_rejected_total',
    'Connections and requests turned away since the start, by reason.',
    'reason',
    async () => (await current()).rejected,
  );
  new Gauge({
    name: 'nat_responder_unaccounted_descriptors',
    help: 'Open file descriptors that no connection, listener or file accounts for, as many at least for the last 5 minutes; the sum of all processes. Above 0 they leak. Absent where the system does not tell (not Linux).',
    registers: [registry],
    async collect() {
      const { unaccounted } = await current();
      // An unlabelled gauge starts at 0, which would be a claim.
      if (unaccounted === undefined) this.remove({});
      else this.set(unaccounted);
    },
  });
  return { registry, counts };
}

/** Adds the metrics of a responder that takes announcements. */
export function registerAnnouncementMetrics(registry: Registry, announcements: Announcements): void {
  new Gauge({
    name: 'nat_responder_announced_exporters',
    help: 'Exporters that announced themselves recently: what the service discovery lists.',
    registers: [registry],
    collect() {
      this.set(announcements.size);
    },
  });
  registerCounts(
    registry,
    'nat_responder_announcements_rejected_total',
    'Announcements that were not taken since the start, by reason.',
    'reason',
    () => Promise.resolve(announcements.refused),
  );
}

/** Shows numbers that are counted elsewhere as a counter, one series for each value of its label. */
function registerCounts<Value extends string>(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Promise<Readonly<Record<Value, number>>>,
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    async collect() {
      const counts = await read();
      this.reset();
      for (const [value, count] of Object.entries<number>(counts)) this.inc({ [label]: value }, count);
    },
  });
}
