/** Modes that found the same are shown as one: three equal pictures tell no more than one. */
import { requirementOf } from '../../core/modes.js';
import type { ModeSnapshot, TargetSnapshot } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';
import { modeStanding } from './sentences.js';

interface Bracket {
  readonly lower?: Seconds | undefined;
  readonly upper?: Seconds | undefined;
}

/** Whether one timeout may lie in both. */
export function bracketsMeet(a: Bracket, b: Bracket): boolean {
  return (a.lower ?? 0) < (b.upper ?? Infinity) && (b.lower ?? 0) < (a.upper ?? Infinity);
}

/**
 * All modes of a target as one, with the findings of the one that forgets first; undefined where they disagree, or where
 * what is said of one is not true of another.
 */
export function foldedModes({ modes, verdict }: TargetSnapshot): ModeSnapshot | undefined {
  const [first, ...others] = modes;
  if (first === undefined || others.length === 0 || verdict.leftOut.length > 0) return undefined;
  if (others.some((mode) => !areAlike(first, mode)) || !meetAll(modes)) return undefined;
  const worst = modes.reduce((a, b) => (reach(b) < reach(a) ? b : a));
  const confirmed = modes.map(({ confirmedTimestamp }) => confirmedTimestamp);
  const { confirmedTimestamp: _own, ...rest } = worst;
  return {
    ...rest,
    connections: modes.reduce((sum, { connections }) => sum + connections, 0),
    tests: modes.flatMap(({ tests }) => tests),
    waiting: modes.flatMap(({ waiting }) => waiting),
    // Each of them stands since then.
    ...(confirmed.every((at) => at !== undefined) && { confirmedTimestamp: Math.min(...confirmed) }),
  };
}

function meetAll(modes: readonly ModeSnapshot[]): boolean {
  return modes.every((a) => modes.every((b) => bracketsMeet(a.finding, b.finding)));
}

function areAlike(a: ModeSnapshot, b: ModeSnapshot): boolean {
  const kind = ({ mode, finding }: ModeSnapshot): readonly unknown[] => [
    requirementOf(mode),
    finding.suspect,
    finding.closed === true,
    finding.timeout === undefined,
    finding.upper === undefined,
    finding.lower === undefined,
  ];
  const ours = kind(a);
  if (a.finding.mixture !== undefined || b.finding.mixture !== undefined) return false;
  return modeStanding(a) === modeStanding(b) && kind(b).every((word, index) => word === ours[index]);
}

/** How early a mode forgets, or how little is known to survive, seconds. */
function reach({ finding: { lower, upper } }: ModeSnapshot): Seconds {
  return upper ?? lower ?? 0;
}
