/** From what a test showed to what the search is told. */
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { timingOf } from '../config/far-ends.js';
import { type Mode, requirementOf } from '../core/modes.js';
import type { LadderShare, SearchOptions } from '../core/search/contract.js';
import type { Verdict } from '../core/verdict.js';
import { defined } from '../defined.js';
import { ConnectError } from '../net/link.js';
import { FarEndError, type ProbeConnection } from '../probe/path.js';
import type { Observation } from '../probe/observe.js';
import type { Seconds } from '../units.js';

/** What the search of a target's mode is asked. */
export function searchOptions(
  target: TargetConfig,
  mode: Mode,
  timing: SearchOptions['timing'],
): SearchOptions {
  const { search } = target;
  const share = ladderShareOf(target, mode);
  return {
    minIdle: search.min_idle,
    maxIdle: search.max_idle,
    resolution: search.resolution,
    connections: search.connections,
    deadline: search.deadline,
    guard: search.guard,
    required: requirementOf(mode).idle,
    timing,
    ...defined({ share }),
  };
}

/** Modes whose tests are chosen late climb one ladder together: each has every so many-th rung. */
function ladderShareOf(target: TargetConfig, mode: Mode): LadderShare | undefined {
  const late = target.modes.filter((each) => timingOf(target.far_end.kind, each) === 'late');
  const rung = late.indexOf(mode);
  return rung < 0 || late.length < 2 ? undefined : { rungs: [rung], of: late.length };
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
 * Whether a connection was ended by somebody before it could be idle: it was welcomed and not kept. How long it lived is
 * known as well as our own process keeps up: one that may have lived hardly at all counts, however long it may have.
 * @param shortest seconds that a connection lives at least when it is a mapping that ends it
 */
export function neverIdled(
  { opened }: ProbeConnection,
  observation: Observation,
  shortest: Seconds,
): boolean {
  if (observation.kind !== 'died' || observation.evidence === 'silence') return false;
  const { earliest, latest } = observation.broken;
  return latest - opened.earliest < shortest || earliest - opened.latest < shortest / 2;
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
