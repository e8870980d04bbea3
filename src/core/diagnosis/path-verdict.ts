/** The verdict on a whole path: decided here, and said by every page, metric, report, log and exit code. */
import {
  type Circumstances,
  CONDITION_ROWS,
  conditionsOf,
  leftOutModes,
  type PathCondition,
} from './conditions.js';
import type { Finding } from '../finding.js';
import { durationWithSeconds } from '../human-duration.js';
import { type Mode, requirementOf, requirementsOf } from '../modes.js';
import type { Requirement } from '../requirements.js';
import { listed, UNSTABLE, whenForgotten } from '../words.js';
import { type FindingsByMode, type PublishLimits, publishable } from './publishable.js';

/**
 * What a path is worth, each mode by its own requirement: one mode that is proven not compliant decides, and only all
 * together make a path compliant. Keepalives that something eats or answers say nothing and are left out.
 */
export interface PathVerdict {
  readonly result: 'compliant' | 'not_compliant' | 'unknown';
  /** One plain sentence with the figures. */
  readonly sentence: string;
  /** What was found about the path beside the bounds. */
  readonly conditions: readonly PathCondition[];
  /** Configured modes that say nothing about the mapping. */
  readonly leftOut: readonly Mode[];
}

/**
 * @param modes the configured modes
 * @param circumstances what is known of the path beside its findings
 */
export function pathVerdict(
  findings: FindingsByMode,
  modes: readonly Mode[],
  limits: PublishLimits,
  circumstances: Circumstances = {},
): PathVerdict {
  const published = publishable(findings, limits);
  const leftOut = leftOutModes(findings, modes, limits, circumstances);
  const speaking = modes.filter((mode) => !leftOut.includes(mode));
  const failing = speaking.filter((mode) => published[mode]?.compliant === false);
  const conditions = conditionsOf(findings, limits, circumstances);
  const aside = conditions.map((condition) => `; ${CONDITION_ROWS[condition].said(circumstances)}`).join('');
  const verdict = (result: PathVerdict['result'], said: string): PathVerdict => ({
    result,
    sentence: `${said}${aside}.`,
    conditions,
    leftOut,
  });
  if (failing.length > 0) {
    const all = failing.length === modes.length && modes.length > 1;
    const each = byRequirement(failing).map(
      ([requirement, missing]) =>
        `${when(missing, published)} (seen in ${all && missing.length === modes.length ? 'every mode' : listed(missing)}); ${asks(requirement)}`,
    );
    return verdict(
      'not_compliant',
      `Not compliant: an idle TCP connection is forgotten ${each.join('; it is forgotten ')}`,
    );
  }
  if (speaking.length > 0 && speaking.every((mode) => published[mode]?.compliant === true)) {
    const each = byRequirement(speaking).map(
      ([{ idle, clause }, kept]) =>
        `${durationWithSeconds(idle)}, as ${clause} asks (seen in ${listed(kept)})`,
    );
    return verdict('compliant', `Compliant: an idle TCP connection survives ${each.join('; it survives ')}`);
  }
  const wanted = requirementsOf(modes).map(asks);
  return verdict('unknown', `No verdict: ${[known(speaking, published), ...wanted].join('; ')}`);
}

function asks({ idle, clause }: Requirement): string {
  return `${clause} asks for at least ${durationWithSeconds(idle)}`;
}

/** The modes that are measured against each requirement. */
function byRequirement(modes: readonly Mode[]): readonly (readonly [Requirement, readonly Mode[]])[] {
  return requirementsOf(modes).map((requirement) => [
    requirement,
    modes.filter((mode) => requirementOf(mode) === requirement),
  ]);
}

/** When the first of several modes forgets or is closed. */
function when(modes: readonly Mode[], findings: FindingsByMode): string {
  const upperOf = (mode: Mode): number => findings[mode]?.upper ?? Number.POSITIVE_INFINITY;
  const [worst] = [...modes].sort((a, b) => upperOf(a) - upperOf(b));
  if (worst === undefined) return '';
  const finding: Finding | undefined = findings[worst];
  if (finding?.upper === undefined) return UNSTABLE;
  return whenForgotten(worst, { ...finding, upper: finding.upper });
}

/** What can be said without a verdict. */
function known(speaking: readonly Mode[], findings: FindingsByMode): string {
  const died = speaking.filter((mode) => findings[mode]?.upper !== undefined);
  const uppers = died.map((mode) => findings[mode]?.upper ?? 0);
  if (uppers.length > 0) {
    const closed = died.filter((mode) => findings[mode]?.closed === true);
    if (closed.length === died.length)
      return `an idle connection was closed by somebody ${when(closed, findings)} (${listed(closed)})`;
    return `an idle connection died after ${durationWithSeconds(Math.min(...uppers))} (${listed(died)}), which is not confirmed yet`;
  }
  const lowers = speaking.map((mode) => findings[mode]?.lower);
  const least =
    lowers.some((lower) => lower === undefined) || lowers.length === 0
      ? undefined
      : Math.min(...lowers.map((lower) => lower ?? 0));
  return least === undefined
    ? 'not every mode has an answer yet'
    : `idle connections survived ${durationWithSeconds(least)} in every mode, longer ones are not decided`;
}
