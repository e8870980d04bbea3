/** What a test shows, and from how a wait ended to that: the rules that all modes share. */
import type { Clock } from '../clock.js';
import type { DeathEvidence, InconclusiveReason } from '../core/verdict.js';
import type { LinkEnd } from '../net/errors.js';
import type { Seconds } from '../units.js';
import type { Unheard } from './conversation.js';

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

/** A stall of our own process longer than this while a test waited makes its silence worthless, seconds. */
export const LONGEST_STALL: Seconds = 1;

/**
 * What the end of a connection says when it comes while a test is running. A RST or FIN need not be an answer to the
 * test: it may be that of a mapping that expired just now, so the death is dated no earlier than its arrival.
 */
export function observeEnd(end: LinkEnd, broken: Moment, clock: Clock): Observation {
  const until = { earliest: broken.earliest, latest: clock.monotonic() };
  switch (end.kind) {
    case 'reset':
    case 'refused':
      return { kind: 'died', evidence: 'reset', broken: until };
    case 'closed':
      return { kind: 'died', evidence: 'closed', broken: until };
    case 'silence':
      return { kind: 'died', evidence: 'silence', broken };
    case 'unreachable':
      return { kind: 'unclear', reason: 'unreachable' };
    case 'local':
      return { kind: 'unclear', reason: 'interrupted' };
  }
}

/** What the end of a connection says when it comes while the connection is idle. */
export function observeIdleEnd(end: LinkEnd, clock: Clock): Observation {
  const now = clock.monotonic();
  const observation = observeEnd(end, { earliest: now, latest: now }, clock);
  return observation.kind === 'died' && observation.evidence === 'reset'
    ? { ...observation, evidence: 'reset_idle' }
    : observation;
}

/** What something else than the answer says, or its acknowledgement alone: the path passes, and the far end does not do as the protocol asks. */
export const ANSWERED_WRONGLY: Observation = { kind: 'unclear', reason: 'control_failed' };

/** What any way of not hearing an answer says. */
export function observeFailure(heard: Unheard, broken: Moment, clock: Clock): Observation {
  switch (heard.kind) {
    case 'ended':
      return observeEnd(heard.end, broken, clock);
    case 'deadline':
      return heard.stalled > LONGEST_STALL
        ? { kind: 'unclear', reason: 'late' }
        : { kind: 'died', evidence: 'silence', broken };
    case 'aborted':
      return { kind: 'unclear', reason: 'interrupted' };
  }
}
