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
import type { AddressInfo } from 'node:net';
import type { Logger } from '../log.js';
import { hostConntrackTimeout } from '../net/conntrack.js';
import { REFUSAL_LOOKS, RefusalWatch } from '../net/refusal-watch.js';
import { randomHex } from '../net/token.js';
import { type Seconds, toMilliseconds } from '../units.js';
import { Admission } from './admission.js';
import type { Discovery } from './discovery/announcement-desk.js';
import { createLegacyServer } from './nat-tcp-test.js';
import { type Limits, resolveLimits } from './limits.js';
import { isExposed, type ListenAddress } from './listener.js';
import { createResponderMetrics, NO_ROOM_REASONS, type ResponderMetrics } from './responder-metrics.js';
import { NativeResponder } from './native.js';
import type { Peers } from './cluster/peers.js';

export interface ResponderOptions {
  /** Where the native protocol is spoken; several, because a NAT may treat ports differently. */
  readonly native: readonly ListenAddress[];
  /** Where the NAT-TCP-test servers listen; off without an address. */
  readonly legacyEcho?: readonly ListenAddress[];
  readonly legacySleep?: readonly ListenAddress[];
  /** The token that clients must prove, see `readTokenFile`. */
  readonly token?: string;
  /** Bounds that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits>;
  readonly logger: Logger;
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
  /** Whether exporters may announce themselves; nobody may without a token. */
  readonly discovery?: Discovery;
}

export interface Responder {
  /** What was bound, in the order of the options. */
  readonly addresses: {
    readonly native: readonly AddressInfo[];
    readonly legacyEcho: readonly AddressInfo[];
    readonly legacySleep: readonly AddressInfo[];
  };
  readonly metrics: ResponderMetrics;
  /** How many descriptors this process holds for it. */
  descriptors(): number;
  /** Ends all connections and listeners; resolves within 2 s. */
  close(): Promise<void>;
}

/** The part of a responder that one process is. */
export interface SingleResponder extends Responder {
  /** Whether this process takes new connections, where several share the addresses; it does from the start. */
  attend(wanted: boolean): Promise<void>;
}

/** Said at the start where strangers can reach a responder without a token. */
export const NO_TOKEN_WARNING =
  'no token is set and strangers can reach this responder: it serves everybody within its limits';

/** How long a reading of the host's conntrack timeout is good for. */
const CONNTRACK_AGE: Seconds = 60;

/**
 * Starts the far end.
 * @throws the system's error (`EADDRINUSE`, `EACCES`, …) if an address cannot be bound; nothing is left listening.
 */
export async function startResponder(options: ResponderOptions): Promise<SingleResponder> {
  const { logger, now = monotonic, token } = options;
  const limits = resolveLimits(options.limits);
  const metrics = options.metrics ?? createResponderMetrics();
  const { peers } = options;
  const report = (connections: number): void => peers?.ask({ kind: 'load', connections });
  const admission = new Admission(limits, peers === undefined ? undefined : report);
  report(0);
  const others = peers === undefined ? {} : { peers };
  const shared = { limits, admission, counts: metrics.counts, logger, now, ...others };
  const conntrack = remember(options.conntrack ?? (() => hostConntrackTimeout()), CONNTRACK_AGE, now);
  const native = new NativeResponder({
    ...shared,
    conntrack,
    instance: options.instance ?? randomHex(8),
    ...(token === undefined ? {} : { token }),
    ...(options.discovery === undefined ? {} : { discovery: options.discovery }),
  });
  const echo = createLegacyServer({ ...shared, kind: 'legacy_echo' });
  const sleep = createLegacyServer({ ...shared, kind: 'legacy_sleep' });
  const servers = [native, echo, sleep];
  // With several processes the primary tells it for all of them.
  const refusals = peers === undefined ? new RefusalWatch(logger, 'responder', NO_ROOM_REASONS) : undefined;
  const looks = setInterval(
    () => refusals?.look(metrics.counts.rejected, now()),
    toMilliseconds(REFUSAL_LOOKS),
  ).unref();
  const close = async (): Promise<void> => {
    clearInterval(looks);
    await Promise.all(servers.map((server) => server.close()));
  };
  const attend = async (wanted: boolean): Promise<void> => {
    await Promise.all(servers.map((server) => server.attend(wanted)));
  };

  const wanted: ResponderOptions['native'][] = [
    options.native,
    options.legacyEcho ?? [],
    options.legacySleep ?? [],
  ];
  try {
    const bound: AddressInfo[][] = [];
    for (const [index, server] of servers.entries()) {
      const addresses: AddressInfo[] = [];
      for (const address of wanted[index] ?? []) addresses.push(await server.listen(address));
      bound.push(addresses);
    }
    const [nativeBound = [], legacyEcho = [], legacySleep = []] = bound;
    // Of several processes the primary says so, once.
    if (peers === undefined) {
      if (token === undefined && wanted.flat().some(isExposed)) logger.warn(NO_TOKEN_WARNING);
      const { maxConnectionsPerClient } = limits;
      const maxConnections = Math.min(limits.maxConnections, limits.maxConnectionsPerProcess);
      logger.info(
        { native: nativeBound, legacyEcho, legacySleep, maxConnections, maxConnectionsPerClient },
        'responder listens',
      );
    }
    return {
      addresses: { native: nativeBound, legacyEcho, legacySleep },
      metrics,
      descriptors: () => servers.reduce((sum, server) => sum + server.descriptors(), 0),
      attend,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function monotonic(): Seconds {
  return performance.now() / 1000;
}

/** Asks at most once in `age` seconds. */
function remember<Value>(ask: () => Value, age: Seconds, now: () => Seconds): () => Value {
  let known: { readonly value: Value; readonly at: Seconds } | undefined;
  return () => {
    if (known === undefined || now() - known.at >= age) known = { value: ask(), at: now() };
    return known.value;
  };
}
