/** The contract of a far end: what the engine opens through it, and what a mode may ask of a connection that idles. */
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { FarEnd } from '../config/far-ends.js';
import type { Remedy } from '../config/remedy.js';
import type { ProofKind } from '../core/diagnosis/proof.js';
import type { Mode } from '../core/modes.js';
import { defined } from '../defined.js';
import type { LinkEnd } from '../net/errors.js';
import type { Endpoint, OpenLink } from '../net/link.js';
import type { Seconds } from '../units.js';
import type { AnnouncementOutcome } from './announcer.js';
import type { AnyConversation, Heard } from './conversation.js';
import type { Moment, Observation, TestContext } from './observe.js';
import type { RefreshingEnds } from './refreshing-ends.js';

/** What a fresh connection learnt from the far end. */
export interface Introduction {
  /** Our own IP address as this host sees it. */
  readonly localAddress: string;
  /** Our own IP address as the far end sees it, where it says so. */
  readonly seenAddress?: string;
  /** The far end host's own conntrack timeout, seconds, where it has one and says so. */
  readonly conntrack?: Seconds;
  /** Changes whenever the responder, or the host of an SSH server, is restarted. */
  readonly instance?: string;
  /** After so long a silence the far end breaks it by itself, seconds; absent: never. */
  readonly speaksAfter?: Seconds;
  /** Configured modes that this far end turned out not to be able to be asked. */
  readonly cannotBeAsked?: readonly Mode[];
  /** Whether the far end can refresh connections with a TTL (native protocol only). */
  readonly fresh?: boolean;
}

/** Whether two connections may have met the same far end: one that does not say who it is may be anybody. */
export function mayBeSame(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

/** A connection that idles until its one test. */
export interface ProbeConnection {
  /** When the idle clock started: the far end's hello, or the connect where there is none. */
  readonly opened: Moment;
  /** `address:port` of both ends; `seen` is ours as the far end sees it, where it says so. */
  readonly local: string;
  readonly remote: string;
  readonly seen?: string;
  /** The far end that welcomed it, as in an `Introduction`. */
  readonly instance?: string;
  /** Calls `run` when the connection ends by itself while it idles; at once if it has. */
  whenEnded(run: (end: LinkEnd) => void): void;
  /** The ends that can refresh it with a limited TTL; absent where none can. */
  readonly ends?: RefreshingEnds;
  /** How many segments have arrived, see `Link.segmentsHeard`; undefined where nobody knows. */
  segmentsHeard?(): number | undefined;
  /** Breaks the silence, once. With a moment fixed at launch, waits for it. */
  test(context: TestContext): Promise<Observation>;
  /** Has the kernel send a TCP keepalive whenever nothing has arrived for so many whole seconds; see `Path.holds`. */
  keepAlive?(interval: Seconds): void;
  /** Sends data and waits for the far end's answer to it; see `Path.holds`. */
  refresh?(context: TestContext): Promise<Heard<unknown>>;
  close(): void;
}

/** The same as a mode sees it: the ways to break its silence, whatever protocol it speaks. */
export interface IdleConnection {
  /** What is heard on it, and its link, through which the kernel is asked for keepalives. */
  readonly conversation: AnyConversation;
  /** Writes at once what only this connection's far end can answer, and waits for the answer. */
  echo(context: TestContext): Promise<Heard<unknown>>;
  /**
   * Has the far end write, or waits for what it was asked to write at launch.
   * @returns what was observed instead where it never came to that
   */
  ring(context: TestContext): Promise<Ring | Observation>;
  /**
   * Asked after a silence: whether what was said last has arrived, and only the far end does not answer it. No box that
   * has forgotten a connection acknowledges what comes over it. False where nobody knows.
   */
  hangs?(context: TestContext): Promise<boolean>;
}

/** The far end was asked to write on a connection. */
export interface Ring {
  /** When it wrote. */
  readonly broken: Moment;
  /** What came of waiting for it. */
  readonly heard: Heard<unknown>;
  /** Answers, and waits for the word that the answer arrived; absent where the protocol has no such word. */
  readonly answer?: () => Promise<Heard<unknown>>;
}

/** A connection that is never idle for long: while it lives, the path and its mappings live. */
export interface Canary {
  readonly introduction: Introduction;
  /** Whether the far end has answered on it already when it is opened (native protocol only). */
  readonly greeted: boolean;
  /** Asks for a sign of life; false when none came within the deadline or the connection ended. */
  beat(deadline: Seconds, signal: AbortSignal): Promise<boolean>;
  /**
   * After a beat that failed, while fresh connections work: whether only the far end does not answer, as
   * `IdleConnection.hangs`; absent where nobody knows.
   */
  hangs?(signal: AbortSignal): Promise<boolean>;
  /**
   * After `hangs` has said no of one that is acknowledged: whether another connection still comes through, or none is left
   * to ask, so that not every mapping is lost. False where an acknowledgement would tell a forgotten mapping by itself.
   */
  othersLive?(signal: AbortSignal): Promise<boolean>;
  whenEnded(run: (end: LinkEnd) => void): void;
  readonly end: LinkEnd | undefined;
  close(): void;
}

/** One target's way to its far end: opens the three kinds of connections to one pinned address. */
export interface Path {
  /**
   * What its connections can be held by before their test: with `keepalive` they have a `keepAlive`, with `data` a
   * `refresh`; none unless given.
   */
  readonly holds?: readonly ProofKind[];
  /**
   * Opens a connection for one test.
   * @param testAt idle time at which the far end shall write; only where the moment is fixed at launch
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
  /**
   * The address of the router at a hop of the path, as it told it within `deadline`; undefined where it did not.
   * @param hops 1 to 255
   */
  hopAddress?(hops: number, deadline: Seconds, signal: AbortSignal): Promise<string | undefined>;
}

/** One protocol that far ends speak: a file of `far-ends/` and a row of its table. Its modes stand in `config`. */
export interface Protocol<Config extends FarEnd = FarEnd> {
  /** The name or address that leads to a target's far end: its `host` where left out. @throws FarEndError */
  host?(target: PathOptions<Config>['target']): string;
  /** Makes the way to a target's far end; opens nothing yet. @throws TokenError */
  path(options: PathOptions<Config>): Path;
}

export interface PathOptions<Config extends FarEnd = FarEnd> {
  readonly target: TargetConfig & { readonly far_end: Config };
  /** The pinned address of the far end. */
  readonly address: string;
  readonly clock: Clock;
  /** The address that connections which are opened now start from, where it may change. @throws InterfaceError */
  readonly source?: () => string;
  /** Only for the embedded target. */
  readonly embedded?: EmbeddedFarEnd;
  /** Called for every answer to an announcement of this exporter. */
  readonly announced?: (outcome: AnnouncementOutcome) => void;
  /** Told which far end welcomed a connection, for each that says so (native protocol only). */
  readonly welcomed?: (welcomed: Welcomed) => void;
  /** Told after how long a silence the far end broke it by itself, seconds, whenever that is shorter than before. */
  readonly speaks?: (after: Seconds) => void;
  /** Whether an SSH server is trusted of which nothing is known yet; no unless given. */
  readonly acceptNewHostKey?: boolean;
  /** Told when the token's file cannot be used any more. */
  readonly trouble?: (text: string) => void;
  /** Opens the connections; real sockets unless given. */
  readonly openLink?: OpenLink;
}

/** A far end welcomed a connection. */
export interface Welcomed {
  readonly instance: string;
  /** When it was asked and when its answer was heard, monotonic seconds: it answered in between. */
  readonly moment: Moment;
}

/** Where the built-in far end listens, mode by mode. */
export interface EmbeddedFarEnd {
  readonly address: string;
  readonly port: (mode: Mode) => number;
  close(): Promise<void>;
}

/** A handshake and hello may take this long even where tests are less patient, seconds. */
const LEAST_OPENING_DEADLINE: Seconds = 3;

/** How long a connection of a target, its hello included, may take to open. */
export function openingDeadline({ search }: TargetConfig): Seconds {
  return Math.max(search.deadline, LEAST_OPENING_DEADLINE);
}

/** A port of the pinned far end, and where a connection that is opened now starts from. @throws InterfaceError */
export function endpointAt({ address, target, source }: PathOptions, port: number): Endpoint {
  return defined({ address, port, localAddress: source?.() ?? target.local_address });
}

/** The far end answers, but not as it should: another protocol, a refused token, a limit. */
export class FarEndError extends Error {
  override readonly name = 'FarEndError';
  readonly remedy: Remedy | undefined;

  constructor(message: string, options: { readonly cause?: unknown; readonly remedy?: Remedy } = {}) {
    super(message, options);
    this.remedy = options.remedy;
  }
}

/**
 * The longest time that Linux may keep an acknowledgement back: the last packet of an exchange may have left this
 * much later than the message that it acknowledges was read, seconds.
 * @see TCP_DELACK_MAX in Linux' include/net/tcp.h
 */
export const DELAYED_ACK: Seconds = 0.2;
