/** Which findings may be published, and what keepalive interval follows from them: rules across the modes. */
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import type { Mode } from '../modes.js';
import type { Seconds } from '../../units.js';

/** The newest finding of each configured mode. */
export type FindingsByMode = Readonly<Partial<Record<Mode, Finding>>>;

/** What the rules across the modes need to know about the search. */
export interface PublishLimits {
  /** Shortest idle time that the search tests, seconds. */
  readonly minIdle: Seconds;
  /** The search's guard, seconds: how late a test may have been fired. */
  readonly guard: Seconds;
}

/** Longest keepalive interval that is ever recommended, seconds: longer ones gain nothing and find faults late. */
export const LONGEST_RECOMMENDED_KEEPALIVE: Seconds = 3600;

/**
 * Whether a search has died at the shortest idle time that it tests, before anything survived. The tolerance
 * covers a test that was fired late within the guard.
 */
export function diesAtMinIdle(finding: Finding, limits: PublishLimits): boolean {
  return (
    finding.lower === undefined &&
    finding.upper !== undefined &&
    finding.upper <= 1.5 * limits.minIdle + limits.guard
  );
}

/**
 * Whether keepalives get no answer on this path although the mapping is still there: they die at the shortest
 * idle time while data sent after the same silence is answered. Such a path swallows segments without payload;
 * its keepalive deaths say nothing about the mapping.
 */
export function keepalivesEaten(findings: FindingsByMode, limits: PublishLimits): boolean {
  const { send, keepalive } = findings;
  return (
    keepalive !== undefined &&
    keepalive.deaths >= DEATHS_OF_A_CLAIM &&
    diesAtMinIdle(keepalive, limits) &&
    send?.lower !== undefined
  );
}

/**
 * Whether the keepalive search can be read as a statement about the mapping. A death at the shortest idle time
 * is one only when data dies there as well; while `send` is silent about it (not configured, or not that far
 * yet) both explanations are open.
 */
function keepaliveSpeaksOfMapping(findings: FindingsByMode, limits: PublishLimits): boolean {
  const { send, keepalive } = findings;
  if (keepalive === undefined || !diesAtMinIdle(keepalive, limits)) return true;
  return send !== undefined && diesAtMinIdle(send, limits);
}

/**
 * The findings as they may be published: `timeout` and `compliant` are withheld for `keepalive` when its deaths
 * say nothing about the mapping. The bounds stay: they are what was seen.
 */
export function publishable(findings: FindingsByMode, limits: PublishLimits): FindingsByMode {
  const { keepalive } = findings;
  if (keepalive === undefined || keepaliveSpeaksOfMapping(findings, limits)) return findings;
  const { timeout: _timeout, compliant: _compliant, ...withheld } = keepalive;
  return { ...findings, keepalive: withheld };
}

/**
 * The keepalive interval that keeps connections alive on this path in every mode: half the smallest lower
 * bound, rounded down to whole seconds, at most {@link LONGEST_RECOMMENDED_KEEPALIVE}. Absent until every
 * configured mode has a finding, and when less than two seconds survived. A keepalive mode whose keepalives are
 * eaten is left out: the interval is then for traffic that carries data.
 *
 * @param modes the configured modes
 */
export function keepaliveRecommended(
  findings: FindingsByMode,
  modes: readonly Mode[],
  limits: PublishLimits,
): Seconds | undefined {
  const eaten = keepalivesEaten(findings, limits);
  let smallest = Number.POSITIVE_INFINITY;
  for (const mode of modes) {
    if (mode === 'keepalive' && eaten) continue;
    const finding = publishable(findings, limits)[mode];
    if (finding?.timeout === undefined || finding.lower === undefined) return undefined;
    smallest = Math.min(smallest, finding.lower);
  }
  const interval = Math.min(Math.floor(smallest / 2), LONGEST_RECOMMENDED_KEEPALIVE);
  return Number.isFinite(smallest) && interval >= 1 ? interval : undefined;
}
