/** What the engine shows of itself: read by the metrics, the status page, the JSON API and `measure`. */
import type { PathVerdict } from '../core/diagnosis/path-verdict.js';
import type { Explanation } from '../core/diagnosis/explanation.js';
import type { Proving } from '../core/diagnosis/proof.js';
import type { Settings } from '../core/diagnosis/settings.js';
import type { Finding } from '../core/finding.js';
import type { RefreshedBy } from '../core/locate/cells.js';
import type { Locating } from '../core/locate/locating.js';
import type { Mode } from '../core/modes.js';
import type { ConnectionId } from '../core/search/contract.js';
import type { Verdict } from '../core/verdict.js';
import type { ClockStep } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { Capability } from '../net/socket-options/library.js';
import type { Seconds } from '../units.js';

/** One finished test. */
export interface TestRecord {
  /** Unix time of the verdict, seconds. */
  readonly at: Seconds;
  readonly id: ConnectionId;
  /** Idle time at the test, seconds. */
  readonly idle: Seconds;
  readonly verdict: Verdict;
  /** Both ends' addresses as this host and the far end saw them, where known. */
  readonly local?: string;
  readonly seen?: string;
  readonly remote?: string;
}

/** An idle connection that waits for its test. */
export interface WaitingConnection {
  readonly id: ConnectionId;
  readonly state: 'opening' | 'idle' | 'testing';
  /** Idle time now, seconds; absent while opening. */
  readonly age?: Seconds;
  /** Idle time at which it will be tested, where already decided. */
  readonly testAt?: Seconds;
}

export interface ModeSnapshot {
  readonly mode: Mode;
  /** The search's finding; `timeout` and `compliant` are already withheld where the other modes forbid them. */
  readonly finding: Finding;
  /** Unix time of the newest evidence that agreed with the published value. */
  readonly confirmedTimestamp?: Seconds | undefined;
  /** Open idle connections, those under test included. */
  readonly connections: number;
  readonly waiting: readonly WaitingConnection[];
  /** Newest last, bounded. */
  readonly tests: readonly TestRecord[];
}

/** A line of the story: something a reader of the page or the log wants to know. */
export interface TargetEvent {
  /** Unix time, seconds. */
  readonly at: Seconds;
  readonly mode?: Mode;
  readonly text: string;
}

export interface TargetSnapshot {
  readonly config: TargetConfig;
  /** Whether the far end answers now; absent before the first try ended. */
  readonly up?: boolean | undefined;
  /** Why it does not answer, in words. */
  readonly downReason?: string | undefined;
  /** The key of the target that has to be set right before it can answer; absent where time may help. */
  readonly remedy?: string | undefined;
  /** The resolved address that is probed. */
  readonly address?: string | undefined;
  /** The client's address as the far end sees it, and as this host sees it. */
  readonly seenAddress?: string | undefined;
  readonly localAddress?: string | undefined;
  /** The router's outer address as it told it. */
  readonly routerAddress?: string | undefined;
  readonly natDetected?: boolean | undefined;
  /** Whether the far end took the newest announcement of this exporter; absent where there is none or no answer. */
  readonly announced?: boolean | undefined;
  readonly conntrack: { readonly local?: Seconds; readonly responder?: Seconds };
  /** Which ends could find out which box forgets; the responder's is absent while it has not said so. */
  readonly localization: { readonly local: Capability; readonly responder?: boolean };
  /** Which box forgets, and what is being done to learn it; absent where it is switched off. */
  readonly locating?: Locating | undefined;
  /** RFC 5382 REQ-5 for the whole path; every reader says this and nothing else. */
  readonly verdict: PathVerdict;
  readonly keepaliveRecommended?: Seconds | undefined;
  readonly explanations: readonly Explanation[];
  readonly settings?: Settings | undefined;
  /** What was tried of the advice, and what will be; absent where nobody tries it. */
  readonly proving?: Proving | undefined;
  readonly modes: readonly ModeSnapshot[];
  /** Newest last, bounded. */
  readonly events: readonly TargetEvent[];
}

/** What the engine tells as it happens: the counters' source. */
export interface EngineObserver {
  tested?(target: TargetConfig, mode: Mode, test: TestRecord): void;
  earlyDeath?(target: TargetConfig, mode: Mode, idle: Seconds): void;
  changed?(target: TargetConfig, mode: Mode, change: 'drop' | 'rise'): void;
  mappingLoss?(target: TargetConfig): void;
  /** A connection of a localisation was tested. */
  localized?(target: TargetConfig, mode: Mode, side: RefreshedBy, verdict: Verdict): void;
  /** The wall clock was set: moments that were noted before it move along, see `afterStep`. */
  stepped?(step: ClockStep): void;
}

/** The engine as its readers see it. */
export interface EngineView {
  targets(): readonly TargetSnapshot[];
  /** The same one by one, each taken when it is asked for: for readers of a fleet that pause in between. */
  snapshots?(): Iterable<TargetSnapshot>;
  /** Open idle connections. */
  readonly schedule: string;
}
