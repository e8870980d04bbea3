/** When a one-shot measurement of a mode has come to its answer. */
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import type { Seconds } from '../../units.js';
import { diesAtMinIdle } from './publishable.js';

/**
 * A `max_idle` up to this multiple of what is required asks whether the path is compliant; a longer one asks for the
 * timeout itself.
 */
const VERDICT_MARGIN = 1.1;

/** What a mode's search was asked, durations in seconds. */
export interface Question {
  readonly minIdle: Seconds;
  readonly maxIdle: Seconds;
  readonly guard: Seconds;
  /** The idle time that is required of the mode. */
  readonly required: Seconds;
}

/** A far end as the configuration has it; a built-in one tells how it forgets. */
export interface ToldFarEnd {
  readonly kind: string;
  readonly idle_timeout?: Seconds;
  /** The share of connections that are forgotten then; all unless given. */
  readonly bad_share?: number | undefined;
}

/** The idle time that no connection to a built-in far end survives, seconds; undefined where nobody knows beforehand. */
export function toldTimeout({
  kind,
  idle_timeout: timeout,
  bad_share: share = 1,
}: ToldFarEnd): Seconds | undefined {
  return kind === 'embedded' && share === 1 ? timeout : undefined;
}

/** The longest idle time that has to survive before a search in which nothing dies is over, seconds. */
export function idleToSurvive(question: Omit<Question, 'minIdle'>): Seconds {
  return asksForVerdict(question) ? question.required - question.guard : question.maxIdle;
}

function asksForVerdict({ maxIdle, required }: Pick<Question, 'maxIdle' | 'required'>): boolean {
  return maxIdle >= required && maxIdle <= VERDICT_MARGIN * required;
}

/**
 * Whether nothing more is to be learnt about a mode without starting over: nothing died up to what was asked for,
 * or the bracket is closed and the requirement is answered, or everything dies at the shortest idle time.
 */
export function isDecided(finding: Finding, question: Question): boolean {
  const { lower, upper } = finding;
  if (finding.suspect) return false;
  if (upper === undefined) {
    // A search in which nothing died tracks once it has reached the longest idle time.
    if (finding.phase === 'track') return true;
    return asksForVerdict(question) && lower !== undefined && lower >= idleToSurvive(question);
  }
  if (diesAtMinIdle(finding, question)) return finding.deaths >= DEATHS_OF_A_CLAIM;
  // Where somebody closes the connections first, nobody learns what a NAT would do later.
  return finding.timeout !== undefined && (finding.compliant !== undefined || finding.closed === true);
}
