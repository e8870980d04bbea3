/** When a one-shot measurement of a mode has come to its answer. */
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../rfc5382.js';
import type { Seconds } from '../../units.js';
import { diesAtMinIdle } from './publishable.js';

/**
 * A `max_idle` up to this multiple of 7440 s asks whether the path is compliant; a longer one asks for the timeout
 * itself.
 */
const VERDICT_MARGIN = 1.1;

/** The longest idle time that has to survive before a search in which nothing dies is over, seconds. */
export function idleToSurvive(limits: { readonly maxIdle: Seconds; readonly guard: Seconds }): Seconds {
  return asksForVerdict(limits.maxIdle) ? REQ5_ESTABLISHED_IDLE_TIMEOUT - limits.guard : limits.maxIdle;
}

function asksForVerdict(maxIdle: Seconds): boolean {
  return (
    maxIdle >= REQ5_ESTABLISHED_IDLE_TIMEOUT && maxIdle <= VERDICT_MARGIN * REQ5_ESTABLISHED_IDLE_TIMEOUT
  );
}

/**
 * Whether nothing more is to be learnt about a mode without starting over: nothing died up to what was asked for,
 * or the bracket is closed and REQ-5 is answered, or everything dies at the shortest idle time.
 */
export function isDecided(
  finding: Finding,
  limits: { readonly minIdle: Seconds; readonly maxIdle: Seconds; readonly guard: Seconds },
): boolean {
  const { lower, upper } = finding;
  if (finding.suspect) return false;
  if (upper === undefined) {
    // A search in which nothing died tracks once it has reached the longest idle time.
    if (finding.phase === 'track') return true;
    return asksForVerdict(limits.maxIdle) && lower !== undefined && lower >= idleToSurvive(limits);
  }
  if (diesAtMinIdle(finding, limits)) return finding.deaths >= DEATHS_OF_A_CLAIM;
  return finding.timeout !== undefined && finding.compliant !== undefined;
}
