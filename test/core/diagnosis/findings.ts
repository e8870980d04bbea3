/** Findings as a search publishes them, for tests: an idle timeout of 10 s unless told otherwise. */
import type { DiagnosisInput, ModeEvidence } from '../../../src/core/diagnosis/outcome.js';
import type { Finding } from '../../../src/core/finding.js';
import type { Mode } from '../../../src/core/modes.js';
import type { DeathEvidence } from '../../../src/core/verdict.js';

export const LIMITS = { minIdle: 5, maxIdle: 7800, resolution: 1, guard: 1 };

/** The bracket is closed around `timeout`. */
export function forgets(timeout: number, manner: DeathEvidence = 'silence', deaths = 3): ModeEvidence {
  return {
    finding: {
      phase: 'track',
      lower: timeout - 0.5,
      upper: timeout + 0.5,
      timeout,
      ...(manner === 'closed' ? { closed: true as const } : deaths >= 3 ? { compliant: false } : {}),
      suspect: false,
      deaths,
    },
    deaths: { [manner]: deaths },
  };
}

/** Nothing died up to max_idle. */
export function survives(lower = 7800): ModeEvidence {
  return {
    finding: {
      phase: 'track',
      lower,
      ...(lower >= 7435 ? { timeout: Math.max(7440, lower), compliant: true } : {}),
      suspect: false,
      deaths: 0,
    },
    deaths: {},
  };
}

/** Dies at min_idle, nothing ever survived. */
export function diesAtOnce(manner: DeathEvidence = 'silence', deaths = 3): ModeEvidence {
  return {
    finding: {
      phase: 'refine',
      upper: LIMITS.minIdle + 0.01,
      timeout: LIMITS.minIdle / 2,
      ...(manner === 'closed' ? { closed: true as const } : { compliant: false }),
      suspect: false,
      deaths,
    },
    deaths: { [manner]: deaths },
  };
}

/** Still climbing. */
export function climbing(lower?: number): ModeEvidence {
  const finding: Finding = {
    phase: 'climb',
    ...(lower === undefined ? {} : { lower }),
    suspect: false,
    deaths: 0,
  };
  return { finding, deaths: {} };
}

export function input(
  modes: Partial<Record<Mode, ModeEvidence>>,
  rest: Partial<Omit<DiagnosisInput, 'modes'>> = {},
): DiagnosisInput {
  return { modes, limits: LIMITS, conntrack: {}, addresses: {}, ...rest };
}
