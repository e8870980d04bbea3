/** Why no box is looked for at present, on a path or in one of its modes: for people. */
import { isDecided } from '../diagnosis/decided.js';
import { CONDITION_ROWS, type PathCondition } from '../diagnosis/conditions.js';
import type { PathVerdict } from '../diagnosis/path-verdict.js';
import type { FindingsByMode } from '../diagnosis/publishable.js';
import { type Mode, requirementOf } from '../modes.js';
import type { Seconds } from '../../units.js';
import { humanDuration } from '../human-duration.js';
import type { DueMode } from './locate-memory.js';

/** Conditions beside which nothing can be located: connections are not treated alike, or end for another reason. */
const HINDERING: readonly PathCondition[] = [
  'mixture',
  'connection_quota',
  'fixed_lifetime',
  'several_far_ends',
  'proxy_closes',
];

/** What is known of a path. */
export interface LocateReadings {
  /** As they were found, whatever may be published of them. */
  readonly findings: FindingsByMode;
  readonly verdict: Pick<PathVerdict, 'check' | 'conditions' | 'leftOut'>;
}

/** Why no box may be looked for now: something is in doubt, or other things come first. Undefined: one may. */
export function hindranceOf(
  { findings, verdict }: LocateReadings,
  modes: readonly Mode[],
  limits: Omit<Parameters<typeof isDecided>[1], 'required'>,
): string | undefined {
  const condition = verdict.conditions.find((each) => HINDERING.includes(each));
  if (condition !== undefined) return CONDITION_ROWS[condition].meaning;
  if (verdict.check !== undefined) return 'it is being checked with fewer connections first';
  if (modes.some((mode) => findings[mode]?.suspect === true)) return 'a finding is in doubt';
  if (modes.some((mode) => findings[mode]?.mixture !== undefined)) return CONDITION_ROWS.mixture.meaning;
  const speaking = modes.filter((mode) => !verdict.leftOut.includes(mode));
  const isSettled = (mode: Mode): boolean => {
    const finding = findings[mode];
    const required = requirementOf(mode).idle;
    return (
      finding !== undefined && (finding.timeout !== undefined || isDecided(finding, { ...limits, required }))
    );
  };
  return speaking.every(isSettled) ? undefined : 'not every mode has its finding yet';
}

/** Why nothing is being done in a mode while nothing hinders it. */
export function whyIdle(
  mode: Mode,
  { findings }: Pick<LocateReadings, 'findings'>,
  due: readonly DueMode[],
  now: Seconds,
): string {
  const own = due.find((each) => each.mode === mode);
  if (own !== undefined)
    return own.at > now
      ? `it is looked for again in ${humanDuration(own.at - now)}`
      : 'it waits for its turn, or for something else that is tried on the path';
  const { upper, lower, closed } = findings[mode] ?? {};
  if (closed === true) return 'somebody closes connections in this mode, nobody forgets them';
  if (upper === undefined || lower === undefined) return 'no box that forgets is known in this mode';
  const other = due.find((each) => each.lower <= upper && lower <= each.upper) ?? due[0];
  return other === undefined
    ? 'nothing can be located in this mode'
    : `it forgets when ${other.mode} does, where it is looked for`;
}
