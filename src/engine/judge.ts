/** From what a test showed to what the search is told. */
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { type Mode, requirementOf } from '../core/modes.js';
import type { SearchOptions } from '../core/search/contract.js';
import type { Verdict } from '../core/verdict.js';
import { ConnectError } from '../net/link.js';
import { FarEndError, type ProbeConnection } from '../probe/path.js';
import type { Observation } from '../probe/observe.js';
import type { Seconds } from '../units.js';

/** What the search of a target's mode is asked. */
export function searchOptions(
  { search }: TargetConfig,
  mode: Mode,
  timing: SearchOptions['timing'],
): SearchOptions {
  return {
    minIdle: search.min_idle,
    maxIdle: search.max_idle,
    resolution: search.resolution,
    connections: search.connections,
    deadline: search.deadline,
    guard: search.guard,
    required: requirementOf(mode).idle,
    timing,
  };
}

/** What an observation would mean if its controls passed. */
export function verdictOf(observation: Observation): Verdict {
  switch (observation.kind) {
    case 'answered':
      return { kind: 'alive' };
    case 'died':
      return { kind: 'dead', evidence: observation.evidence };
    case 'unclear':
      return { kind: 'inconclusive', reason: observation.reason };
  }
}

/**
 * Whether a connection was ended by somebody before it could be idle: it was welcomed and not kept.
 * @param shortest seconds that a connection lives at least when it is a mapping that ends it
 */
export function neverIdled(
  { opened }: ProbeConnection,
  observation: Observation,
  shortest: Seconds,
): boolean {
  if (observation.kind !== 'died' || observation.evidence === 'silence') return false;
  return observation.broken.latest - opened.earliest < shortest;
}

/** Whether a connection could not be opened because somebody turned it away, not because nothing came through. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof ConnectError) return ['refused', 'reset', 'closed'].includes(error.end.kind);
  return error instanceof FarEndError;
}

/** The idle time that a verdict speaks of: the smallest that it can have been when alive, the largest when dead. */
export function idleTime(
  { opened }: ProbeConnection,
  observation: Observation,
  verdict: Verdict,
  clock: Clock,
): Seconds {
  if (observation.kind === 'unclear') return Math.max(0, clock.monotonic() - opened.latest);
  const { broken } = observation;
  return verdict.kind === 'dead'
    ? Math.max(0, broken.latest - opened.earliest)
    : Math.max(0, broken.earliest - opened.latest);
}
