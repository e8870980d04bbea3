/** From what a test showed to what the search is told. */
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/types.js';
import type { SearchOptions } from '../core/search/types.js';
import type { Verdict } from '../core/verdict.js';
import type { ProbeConnection } from '../probe/path.js';
import type { Observation } from '../probe/prober.js';
import type { Seconds } from '../units.js';

/** The search's options of a target. */
export function searchOptions({ search }: TargetConfig, timing: SearchOptions['timing']): SearchOptions {
  return {
    minIdle: search.min_idle,
    maxIdle: search.max_idle,
    resolution: search.resolution,
    connections: search.connections,
    deadline: search.deadline,
    guard: search.guard,
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
