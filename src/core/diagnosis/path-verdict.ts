/** The verdict on a whole path: decided here, and said by every page, metric, report, log and exit code. */
import type { Finding } from '../finding.js';
import { durationWithSeconds } from '../human-duration.js';
import type { Mode } from '../modes.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../rfc5382.js';
import { listed, whenForgotten } from '../words.js';
import { type FindingsByMode, keepalivesEaten, type PublishLimits, publishable } from './publishable.js';

/** Something about a path that explains its findings, or keeps a mode out of the verdict. */
export type PathCondition = 'keepalives_eaten';

/**
 * RFC 5382 REQ-5 for a path. The requirement takes the minimum over the modes: one that is proven not compliant
 * decides, and only all together make a path compliant. Keepalives that are eaten say nothing and are left out.
 */
export interface PathVerdict {
  readonly result: 'compliant' | 'not_compliant' | 'unknown';
  /** One plain sentence with the figures. */
  readonly sentence: string;
  /** What was found about the path beside the bounds. */
  readonly conditions: readonly PathCondition[];
}

const REQUIRED = `RFC 5382 REQ-5 asks for at least ${durationWithSeconds(REQ5_ESTABLISHED_IDLE_TIMEOUT)}`;

/** @param modes the configured modes */
export function pathVerdict(
  findings: FindingsByMode,
  modes: readonly Mode[],
  limits: PublishLimits,
): PathVerdict {
  const published = publishable(findings, limits);
  const eaten = keepalivesEaten(findings, limits);
  const speaking = modes.filter((mode) => !(mode === 'keepalive' && eaten));
  const failing = speaking.filter((mode) => published[mode]?.compliant === false);
  const conditions: readonly PathCondition[] = eaten ? ['keepalives_eaten'] : [];
  const aside = eaten ? '; TCP keepalives get no answer at all on this path and say nothing about it' : '';
  if (failing.length > 0) {
    const worst = failing
      .map((mode) => published[mode])
      .filter((finding) => finding !== undefined)
      .sort((a, b) => (a.upper ?? Number.POSITIVE_INFINITY) - (b.upper ?? Number.POSITIVE_INFINITY))[0];
    const where = failing.length === modes.length && modes.length > 1 ? 'every mode' : listed(failing);
    return {
      result: 'not_compliant',
      sentence: `Not compliant: an idle TCP connection is forgotten ${when(worst)} (seen in ${where}); ${REQUIRED}${aside}.`,
      conditions,
    };
  }
  if (speaking.length > 0 && speaking.every((mode) => published[mode]?.compliant === true)) {
    return {
      result: 'compliant',
      sentence:
        `Compliant: an idle TCP connection survives ${durationWithSeconds(REQ5_ESTABLISHED_IDLE_TIMEOUT)}, ` +
        `as RFC 5382 REQ-5 asks (seen in ${listed(speaking)})${aside}.`,
      conditions,
    };
  }
  const sentence = `No verdict: ${known(speaking, published)}; ${REQUIRED}${aside}.`;
  return { result: 'unknown', sentence, conditions };
}

/** When a finding forgets. */
function when(finding: Finding | undefined): string {
  if (finding?.upper === undefined) return `before ${durationWithSeconds(REQ5_ESTABLISHED_IDLE_TIMEOUT)}`;
  return whenForgotten({ ...finding, upper: finding.upper });
}

/** What can be said without a verdict. */
function known(speaking: readonly Mode[], findings: FindingsByMode): string {
  const died = speaking.filter((mode) => findings[mode]?.upper !== undefined);
  const uppers = died.map((mode) => findings[mode]?.upper ?? 0);
  if (uppers.length > 0) {
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
