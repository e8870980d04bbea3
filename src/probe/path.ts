/** One target's way to its far end, whatever protocol it speaks. */
import type { Mode } from '../core/modes.js';
import type { LinkEnd } from '../net/errors.js';
import type { Seconds } from '../units.js';
import type { Moment, Observation, TestContext } from './prober.js';

/** What a fresh connection learnt from the far end. */
export interface Introduction {
  /** Our own IP address as this host sees it. */
  readonly localAddress: string;
  /** Our own IP address as the far end sees it (native protocol only). */
  readonly seenAddress?: string;
  /** The far end host's own conntrack timeout, seconds (native protocol only, where it has one). */
  readonly conntrack?: Seconds;
  /** Changes whenever the responder is restarted (native protocol only). */
  readonly instance?: string;
}

/** A connection that idles until its one test. */
export interface ProbeConnection {
  /** When the idle clock started: the far end's hello, or the connect where there is none. */
  readonly opened: Moment;
  /** `address:port` of both ends; `seen` is ours as the far end sees it, where it says so. */
  readonly local: string;
  readonly remote: string;
  readonly seen?: string;
  /** Calls `run` when the connection ends by itself while it idles; at once if it has. */
  whenEnded(run: (end: LinkEnd) => void): void;
  /** Breaks the silence, once. With a moment fixed at launch, waits for it. */
  test(context: TestContext): Promise<Observation>;
  close(): void;
}

/** A connection that is never idle for long: while it lives, the path and its mappings live. */
export interface Canary {
  readonly introduction: Introduction;
  /** Whether the far end has answered on it already when it is opened (native protocol only). */
  readonly greeted: boolean;
  /** Asks for a sign of life; false when none came within the deadline or the connection ended. */
  beat(deadline: Seconds, signal: AbortSignal): Promise<boolean>;
  whenEnded(run: (end: LinkEnd) => void): void;
  readonly end: LinkEnd | undefined;
  close(): void;
}

/** Opens the three kinds of connections of one target to one pinned address. */
export interface Path {
  /** Whether the moment of a test of this mode is chosen late or fixed at launch. */
  timing(mode: Mode): 'late' | 'at_launch';
  /**
   * Opens a connection for one test.
   * @param testAt idle time at which the far end shall write; only where the timing is `at_launch`
   * @throws ConnectError | FarEndError
   */
  open(mode: Mode, testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection>;
  /** @throws ConnectError | FarEndError */
  openCanary(signal: AbortSignal): Promise<Canary>;
  /**
   * Proves with a fresh connection that the path works now.
   * @throws ConnectError | FarEndError
   */
  check(signal: AbortSignal): Promise<Introduction>;
}

/** The far end answers, but not as it should: another protocol, a refused token, a limit. */
export class FarEndError extends Error {
  override readonly name = 'FarEndError';
}

/**
 * The longest time that Linux may keep an acknowledgement back: the last packet of an exchange may have left this
 * much later than the message that it acknowledges was read, seconds.
 * @see TCP_DELACK_MAX in Linux' include/net/tcp.h
 */
export const DELAYED_ACK: Seconds = 0.2;
