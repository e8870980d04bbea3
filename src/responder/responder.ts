/**
 * The far end as one thing: the native protocol and, where wanted, the two NAT-TCP-test servers, under common
 * limits and with common metrics. The exporter runs it in its own process for the embedded target.
 *
 * @example
 * const responder = await startResponder({
 *   native: [{ host: '127.0.0.1', port: 0 }],
 *   logger: pino({ level: 'silent' }),
 * });
 * responder.addresses.native[0]?.port;
 * await responder.close();
 */
import { systemClock } from '../clock.js';
import { defined } from '../defined.js';
import type { Logger } from '../log.js';
import { hostConntrackTimeout } from '../net/conntrack.js';
import { REFUSAL_LOOKS, RefusalWatch } from '../net/refusal-watch.js';
import { randomHex } from '../net/token.js';
import { type Seconds, toMilliseconds } from '../units.js';
import { Admission } from './admission.js';
import type { Peers } from './cluster/peers.js';
import type { Discovery } from './discovery/announcement-desk.js';
import {
  allAddresses,
  type BoundAddresses,
  eachServer,
  SERVER_NAMES,
  SERVERS,
  type ListenAddresses,
} from './servers.js';
import { type Limits, resolveLimits } from './limits.js';
import { isExposed } from './listener.js';
import { createResponderMetrics, NO_ROOM_REASONS, type ResponderMetrics } from './responder-metrics.js';

/** What a responder of one process and one of several have in common. */
export interface SharedOptions extends ListenAddresses {
  /** The token that clients must prove, see `readTokenFile`. */
  readonly token?: string;
  /** Bounds that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits>;
  readonly logger: Logger;
  /** Whether exporters may announce themselves; nobody may without a token. */
  readonly discovery?: Discovery;
}

export interface ResponderOptions extends SharedOptions {
  /** Metrics to count into; own ones without. */
  readonly metrics?: ResponderMetrics;
  /** The host's established timeout; asked of the kernel without. */
  readonly conntrack?: () => Seconds | undefined;
  /** 16 hex digits that tell this start of the responder from others; drawn at random without. */
  readonly instance?: string;
  /** Monotonic seconds. */
  readonly now?: () => Seconds;
  /** The other workers of a clustered responder. */
  readonly peers?: Peers;
}

export interface Responder {
  readonly addresses: BoundAddresses;
  readonly metrics: ResponderMetrics;
  /** How many descriptors this process holds for it. */
  descriptors(): number;
  /** Ends all connections and listeners; resolves within 2 s. */
  close(): Promise<void>;
}

/** The part of a responder that one process is. */
export interface SingleResponder extends Responder {
  /** Whether this process takes new connections, where several share the addresses; it does from the start. */
  attend(open: boolean): Promise<void>;
}

/** How long a reading of the host's conntrack timeout is good for. */
const CONNTRACK_AGE: Seconds = 60;

/**
 * Starts the far end.
 * @throws the system's error (`EADDRINUSE`, `EACCES`, …) if an address cannot be bound; nothing is left listening.
 */
export async function startResponder(options: ResponderOptions): Promise<SingleResponder> {
  const { logger, now = () => systemClock.monotonic(), peers, token, discovery } = options;
  const limits = resolveLimits(options.limits);
  const metrics = options.metrics ?? createResponderMetrics();
  const { counts } = metrics;
  const admission = new Admission(limits, peers && reportLoad(peers));
  peers?.follow((order) => {
    if (order.kind === 'elsewhere') admission.elsewhere = order.connections;
  });
  const conntrack = remember(options.conntrack ?? (() => hostConntrackTimeout()), CONNTRACK_AGE, now);
  const instance = options.instance ?? randomHex(8);
  const shared = { limits, admission, counts, logger, now, peers, conntrack, instance, token, discovery };
  const servers = eachServer((name) => SERVERS[name].start(defined(shared)));
  const all = Object.values(servers);
  // With several processes the primary tells it for all of them.
  const refusals = peers === undefined ? new RefusalWatch(logger, 'responder', NO_ROOM_REASONS) : undefined;
  const look = (): void => refusals?.look(counts.rejected, now());
  const looks = setInterval(look, toMilliseconds(REFUSAL_LOOKS)).unref();
  const close = async (): Promise<void> => {
    clearInterval(looks);
    await Promise.all(all.map((server) => server.close()));
  };
  try {
    const addresses = eachServer((): BoundAddresses['native'][number][] => []);
    for (const name of SERVER_NAMES) {
      for (const address of options[name] ?? []) addresses[name].push(await servers[name].listen(address));
    }
    // Of several processes the primary says so, once.
    if (peers === undefined) sayListening({ ...options, limits }, addresses);
    return {
      addresses,
      metrics,
      descriptors: () => all.reduce((sum, server) => sum + server.descriptors(), 0),
      attend: async (open) => {
        await Promise.all(all.map((server) => server.attend(open)));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Says in the log where a responder listens and what bounds it, and warns where strangers can reach it unasked. */
export function sayListening(
  options: SharedOptions & { readonly limits: Limits; readonly workers?: number },
  addresses: BoundAddresses,
): void {
  const { limits, logger, token, workers } = options;
  if (token === undefined && allAddresses(options).some(isExposed)) {
    logger.warn(
      'no token is set and strangers can reach this responder: it serves everybody within its limits',
    );
  }
  const { maxConnectionsPerClient } = limits;
  const maxConnections = Math.min(limits.maxConnections, limits.maxConnectionsPerProcess * (workers ?? 1));
  logger.info(
    { ...addresses, ...defined({ workers }), maxConnections, maxConnectionsPerClient },
    'responder listens',
  );
}

/** Tells the primary how many connections this process holds, from the start on. */
function reportLoad(peers: Peers): (connections: number) => void {
  const report = (connections: number): void => peers.ask({ kind: 'load', connections });
  report(0);
  return report;
}

/** Asks at most once in `age` seconds. */
function remember<Value>(ask: () => Value, age: Seconds, now: () => Seconds): () => Value {
  let known: { readonly value: Value; readonly at: Seconds } | undefined;
  return () => {
    if (known === undefined || now() - known.at >= age) known = { value: ask(), at: now() };
    return known.value;
  };
}
