/** From how a wait ended to what the test showed: the rules that all probers share. */
import type { Clock } from '../clock.js';
import type { LinkEnd } from '../net/errors.js';
import type { Seconds } from '../units.js';
import type { Heard } from './conversation.js';
import type { Moment, Observation } from './prober.js';

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

/** What something else than the answer says: the path passes, and the far end does not do as the protocol asks. */
export const ANSWERED_WRONGLY: Observation = { kind: 'unclear', reason: 'control_failed' };

/** What any way of not hearing an answer says. */
export function observeFailure<M>(
  heard: Exclude<Heard<M>, { kind: 'message' }>,
  broken: Moment,
  clock: Clock,
): Observation {
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
