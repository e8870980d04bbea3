/** How long a measurement may still take: at most, where a bound is known, else about. */
import { idleToSurvive, isDecided, toldTimeout } from '../core/diagnosis/decided.js';
import { requirementOf } from '../core/modes.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';

/** The time left for one mode. */
export interface TimeLeft {
  /** Seconds, ≥ 0. */
  readonly seconds: Seconds;
  /** `bound`: it cannot take longer unless the path fails in between. `guess`: experience says so. */
  readonly kind: 'bound' | 'guess';
}

/** A bracket that is being closed takes about this multiple of its upper bound from the start on. */
const TYPICAL_FINISH = 1.4;

/**
 * The time left for a mode; undefined when it is decided or nothing can be said, because no connection waits.
 *
 * @param elapsed seconds since the measurement started
 */
export function timeLeft(
  mode: ModeSnapshot,
  snapshot: TargetSnapshot,
  elapsed: Seconds,
): TimeLeft | undefined {
  const { min_idle: minIdle, max_idle: maxIdle, guard, connections, deadline } = snapshot.config.search;
  const question = { minIdle, maxIdle, guard, required: requirementOf(mode.mode).idle };
  const { finding, waiting } = mode;
  const told = toldTimeout(snapshot.config.far_end) ?? Infinity;
  if (isDecided(finding, question) || waiting.length === 0) return undefined;
  const goal = idleToSurvive(question);
  if (finding.upper === undefined && told >= goal) {
    const reserved = waiting
      .filter(({ testAt }) => testAt !== undefined && testAt >= goal)
      .map(({ age, testAt }) => (testAt ?? 0) - (age ?? 0));
    const left = reserved.length > 0 ? Math.min(...reserved) : climbFactor(connections) * goal - elapsed;
    const oldest = Math.max(...waiting.map(({ age }) => age ?? 0));
    return { seconds: Math.max(left, goal - oldest, 0), kind: 'bound' };
  }
  const typical = TYPICAL_FINISH * (finding.upper ?? told) + deadline - elapsed;
  const oldestBelow = Math.max(
    0,
    ...waiting.map(({ age }) => age ?? 0).filter((age) => age <= (finding.lower ?? 0)),
  );
  // Whatever happens, the next answer inside the bracket comes from the oldest connection that is not past it.
  return { seconds: Math.max(typical, (finding.lower ?? 0) - oldestBelow, deadline), kind: 'guess' };
}

/** Age of the youngest connection of a climb relative to the oldest. */
const LAUNCH_SHARE = 0.07;

/**
 * How much longer than the idle time itself a climb may take: a tested connection is gone, so the next age has to
 * grow. With n connections launched and tested at geometric ages that is (1 + e) / (1 - u), where u is the age of
 * the youngest relative to the oldest and 1 + e = u^(-1/n).
 */
function climbFactor(connections: number): number {
  return LAUNCH_SHARE ** (-1 / connections) / (1 - LAUNCH_SHARE);
}
