/** The type that all three probers share: how one mode breaks the silence on one idle connection. */
import type { Clock } from '../clock.js';
import type { Mode } from '../core/modes.js';
import type { DeathEvidence, InconclusiveReason } from '../core/verdict.js';
import type { Seconds } from '../units.js';
import type { Conversation } from './conversation.js';
import type { ResponderMessage } from '../wire/messages.js';

/** A moment that is known only to lie between two readings of the monotonic clock. */
export interface Moment {
  readonly earliest: Seconds;
  readonly latest: Seconds;
}

/**
 * What a test showed, before its controls. `broken` is the moment at which the silence was broken (for a death
 * while idle, at which it was noticed).
 */
export type Observation =
  /** `delayed`: TCP had to repeat itself, and the answer was noticed only after the deadline. */
  | { readonly kind: 'answered'; readonly broken: Moment; readonly delayed?: boolean }
  | { readonly kind: 'died'; readonly evidence: DeathEvidence; readonly broken: Moment }
  | { readonly kind: 'unclear'; readonly reason: InconclusiveReason };

/** What every test gets. */
export interface TestContext {
  readonly clock: Clock;
  /** Seconds that the test may stay unanswered. */
  readonly deadline: Seconds;
  readonly signal: AbortSignal;
}

/** What a native test gets beyond that: the way to ask the far end to write. */
export interface NativeTestContext extends TestContext {
  /** The name of this connection on the wire. */
  readonly probe: number;
  /** A heartbeat canary's conversation, which carries requests; undefined when none lives. */
  control(): Conversation<ResponderMessage> | undefined;
}

/** What a legacy test gets beyond that. */
export interface LegacyTestContext extends TestContext {
  /** Idle time after which the far end was asked to write; only in recv. */
  readonly testAt?: Seconds;
  /** The bytes that were written at launch; only in recv. */
  readonly request?: Buffer;
  /** When the idle clock started. */
  readonly opened: Moment;
}

/** One mode of probing, over both protocols. */
export interface Prober {
  readonly mode: Mode;
  /** Breaks the silence over the native protocol and waits for the answer. Never throws for what the network does. */
  native(connection: Conversation<ResponderMessage>, context: NativeTestContext): Promise<Observation>;
  /** Which of the original's two servers this mode talks to. */
  readonly legacyServer: 'echo' | 'sleep';
  /** The same over the legacy protocol. */
  legacy(connection: Conversation<Buffer>, context: LegacyTestContext): Promise<Observation>;
}
