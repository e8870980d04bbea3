/** The verdict on a whole path: decided here, and said by every page, metric, report, log and exit code. */
import {
  type Circumstances,
  CONDITION_ROWS,
  conditionsOf,
  leftOutModes,
  type PathCondition,
} from './conditions.js';
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import type { Finding } from '../finding.js';
import { durationWithSeconds } from '../human-duration.js';
import { longestRequired, type Mode, requirementOf, requirementsOf } from '../modes.js';
import type { Requirement } from '../requirements.js';
import { checkingWords, listed, UNSTABLE, whenForgotten } from '../words.js';
import { checkAt } from '../quota/check.js';
import {
  type FindingsByMode,
  outlivingModes,
  type PublishLimits,
  publishable,
  uncheckedModes,
  undividedModes,
} from './publishable.js';

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
  /** What each of the conditions says, in their order, without a full stop. */
  readonly remarks: readonly string[];
  /** Configured modes that say nothing about the mapping. */
  readonly leftOut: readonly Mode[];
  /**
   * Configured modes that contradict others, while it is not known why. Keepalives survive for ever what data does not:
   * somebody may answer them, or the timeout has just changed. Or a mode tells a timeout of all connections where another
   * one has found a share that is forgotten before it. Further tests tell, of connections of the same time.
   */
  readonly contradicting: readonly Mode[];
  /** Present while an accusation waits until it is known whether it depends on how many connections are open. */
  readonly check?: {
    /** The modes that would accuse the path. */
    readonly modes: readonly Mode[];
    /** What is said of it, with the time left. */
    readonly words: string;
  };
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
  const { quota } = circumstances;
  const published = publishable(findings, limits, quota);
  const leftOut = leftOutModes(findings, modes, limits, circumstances);
  const speaking = modes.filter((mode) => !leftOut.includes(mode));
  const failing = speaking.filter((mode) => published[mode]?.compliant === false);
  const unchecked = uncheckedModes(findings, limits, quota).filter((mode) => speaking.includes(mode));
  const check =
    unchecked.length === 0
      ? undefined
      : { modes: unchecked, words: checkingWords(timeLeft(unchecked, findings, limits, quota)) };
  const conditions = conditionsOf(findings, limits, circumstances);
  const remarks = [
    ...conditions.map((condition) => CONDITION_ROWS[condition].said(circumstances)),
    ...unaskedWords(circumstances),
  ];
  const disagreeing = [...outlivingModes(findings, limits), ...undividedModes(findings)];
  const aside = remarks.map((remark) => `; ${remark}`).join('');
  const verdict = (result: PathVerdict['result'], said: string): PathVerdict => ({
    result,
    sentence: `${said}${aside}.`,
    conditions,
    remarks,
    leftOut,
    contradicting: speaking.filter((mode) => disagreeing.includes(mode)),
    ...defined({ check }),
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
  const parts = [
    known(speaking, published, check !== undefined),
    check?.words,
    ...wanted,
    ...reachWords(circumstances, longestRequired(modes)),
  ];
  return verdict('unknown', `No verdict: ${parts.filter((part) => part !== undefined).join('; ')}`);
}

/** What cannot be asked of this far end at all. */
function unaskedWords({ cannotBeAsked = [] }: Circumstances): readonly string[] {
  return cannotBeAsked.length === 0
    ? []
    : [`${listed(cannotBeAsked)} cannot be measured against this far end, which runs no program for us`];
}

/** How far this far end lets anybody see, where that is not far enough. */
function reachWords({ speaksAfter }: Circumstances, required: Seconds): readonly string[] {
  return speaksAfter === undefined || speaksAfter > required
    ? []
    : [
        `this far end breaks a silence by itself after ${durationWithSeconds(speaksAfter)}, so that nothing longer can be told from it`,
      ];
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

/** How long the check of an accusation still takes; from its beginning on where it has not begun, seconds. */
function timeLeft(
  modes: readonly Mode[],
  findings: FindingsByMode,
  { guard }: PublishLimits,
  quota: Circumstances['quota'],
): Seconds {
  if (quota?.kind === 'unchecked' && quota.left !== undefined) return quota.left;
  const uppers = modes.map((mode) => findings[mode]?.upper ?? Number.POSITIVE_INFINITY);
  return checkAt({ upper: Math.min(...uppers) }, guard);
}

/** What can be said without a verdict. */
function known(speaking: readonly Mode[], findings: FindingsByMode, isChecked: boolean): string {
  const died = speaking.filter((mode) => findings[mode]?.upper !== undefined);
  const uppers = died.map((mode) => findings[mode]?.upper ?? 0);
  if (uppers.length > 0) {
    const closed = died.filter((mode) => findings[mode]?.closed === true);
    if (closed.length === died.length)
      return `an idle connection was closed by somebody ${when(closed, findings)} (${listed(closed)})`;
    return `an idle connection died after ${durationWithSeconds(Math.min(...uppers))} (${listed(died)})${isChecked ? '' : ', which is not confirmed yet'}`;
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
