/** Which findings may be published, and what keepalive interval follows from them: rules across the modes. */
import { DEATHS_OF_A_CLAIM, type Finding, isAtMinIdle } from '../finding.js';
import { MODE_ROWS, MODES, type Mode } from '../modes.js';
import type { QuotaStanding } from '../quota/memory.js';
import type { Seconds } from '../../units.js';

/** The newest finding of each configured mode. */
export type FindingsByMode = Readonly<Partial<Record<Mode, Finding>>>;

/** What the rules across the modes need to know about the search. */
export interface PublishLimits {
  /** Shortest idle time that the search tests, seconds. */
  readonly minIdle: Seconds;
  /** The search's guard, seconds: how late a test may have been fired. */
  readonly guard: Seconds;
}

/** Longest keepalive interval that is ever recommended, seconds: longer ones gain nothing and find faults late. */
const LONGEST_RECOMMENDED_KEEPALIVE: Seconds = 3600;

/** Modes whose packets carry nothing, which some boxes eat or answer, and those that carry data the same way. */
export const EMPTY_MODES = MODES.filter((mode) => MODE_ROWS[mode].answeredBy === 'kernel');
const DATA_MODES = MODES.filter(
  (mode) => MODE_ROWS[mode].answeredBy === 'program' && MODE_ROWS[mode].from === 'inside',
);

/** Whether a search has died at the shortest idle time that it tests, before anything survived. */
export function diesAtMinIdle(finding: Finding, { minIdle }: Pick<PublishLimits, 'minIdle'>): boolean {
  return isNothingSurvived(finding) && finding.upper !== undefined && isAtMinIdle(finding.upper, minIdle);
}

/** Whether no connection survived any silence so far, as far as a finding tells. */
function isNothingSurvived({ lower, mixture }: Finding): boolean {
  // A minority dies early, not every connection.
  return lower === undefined && mixture === undefined;
}

/**
 * The modes whose keepalives get no answer on this path although the mapping is still there: they die at the shortest
 * idle time while data sent after the same silence is answered. Such a path swallows segments without payload; these
 * deaths say nothing about the mapping.
 */
export function eatenModes(findings: FindingsByMode, limits: PublishLimits): readonly Mode[] {
  const answered = Math.max(...DATA_MODES.map((mode) => findings[mode]?.lower ?? 0));
  return EMPTY_MODES.filter((mode) => {
    const finding = findings[mode];
    return (
      finding?.upper !== undefined &&
      isNothingSurvived(finding) &&
      finding.closed !== true &&
      finding.deaths >= DEATHS_OF_A_CLAIM &&
      diesWhereDataLives(finding.upper, answered, limits)
    );
  });
}

/** Whether an end at the shortest idle time, or of tests that all ran late on a busy host, is not that of the mapping. */
function diesWhereDataLives(upper: Seconds, answered: Seconds, limits: PublishLimits): boolean {
  if (isAtMinIdle(upper, limits.minIdle)) return upper <= answered;
  return upper <= 1.5 * limits.minIdle + limits.guard && isFarBeyond(answered, upper, limits);
}

/** Share of an idle time by which NATs that look after their mappings now and then forget later than at other times. */
const JITTER_SHARE = 0.02;

/** Whether an idle time is longer than another one by more than the inexactness of tests and NATs. */
export function isFarBeyond(idle: Seconds, other: Seconds, { guard }: PublishLimits): boolean {
  return idle > (1 + JITTER_SHARE) * other + 2 * guard;
}

/**
 * Whether keepalives survive what data does not: somebody else answers them, or the timeout has just changed and one of
 * the modes does not know yet. In neither case do they speak of the mapping as it is.
 */
function outlivesData({ lower }: Finding, findings: FindingsByMode, limits: PublishLimits): boolean {
  return DATA_MODES.some((mode) => {
    const data = findings[mode];
    if (data?.upper === undefined || data.closed === true || data.deaths < DEATHS_OF_A_CLAIM) return false;
    return lower !== undefined && isFarBeyond(lower, data.upper, limits);
  });
}

/** The modes whose keepalives survive for ever, as far as is known, what data does not. */
export function outlivingModes(findings: FindingsByMode, limits: PublishLimits): readonly Mode[] {
  return EMPTY_MODES.filter((mode) => {
    const finding = findings[mode];
    return finding?.upper === undefined && finding !== undefined && outlivesData(finding, findings, limits);
  });
}

/** The modes that tell a timeout of all connections where another one has found that a share is forgotten before it. */
export function undividedModes(findings: FindingsByMode): readonly Mode[] {
  const shares = Object.values(findings).filter(({ mixture }) => mixture !== undefined);
  return MODES.filter((mode) => {
    const { lower, upper, mixture } = findings[mode] ?? {};
    if (lower === undefined || upper === undefined || mixture !== undefined) return false;
    return shares.some((share) => lower >= (share.upper ?? Infinity));
  });
}

/**
 * Whether a search by keepalives can be read as a statement about the mapping. Where none survived any silence it is
 * one only when no data does either, of which as much is known; while that is unknown (not configured, not that far yet, or
 * not any more) both explanations are open. Nor is a survival one where data dies.
 */
function speaksOfMapping(finding: Finding, findings: FindingsByMode, limits: PublishLimits): boolean {
  if (!isNothingSurvived(finding)) return !outlivesData(finding, findings, limits);
  return DATA_MODES.some((mode) => {
    const data = findings[mode];
    if (data?.upper === undefined || !isNothingSurvived(data)) return false;
    return !isFarBeyond(data.upper, finding.upper ?? 0, limits);
  });
}

/**
 * Whether nothing may be said yet of the requirement: an accusation has to be checked with fewer connections first, or
 * was, and it is their number that matters. A minority that dies while others survive among as many is no quota's doing.
 */
function awaitsCheck({ compliant, mixture }: Finding, quota: QuotaStanding | undefined): boolean {
  if (quota?.kind === 'unchecked') return compliant === false && mixture === undefined;
  return quota !== undefined && compliant !== undefined;
}

/** The modes that would accuse the path, had it been checked whether its deaths depend on how many connections are open. */
export function uncheckedModes(
  findings: FindingsByMode,
  limits: PublishLimits,
  quota: QuotaStanding | undefined,
): readonly Mode[] {
  if (quota?.kind !== 'unchecked') return [];
  const published = publishable(findings, limits);
  return MODES.filter((mode) => {
    const finding = published[mode];
    return finding?.upper !== undefined && awaitsCheck(finding, quota);
  });
}

/**
 * The findings as they may be published: `timeout` and `compliant` are withheld for keepalives whose deaths or
 * survivals say nothing about the mapping, `compliant` alone while it waits for the check of a quota. The bounds stay:
 * they are what was seen.
 */
export function publishable(
  findings: FindingsByMode,
  limits: PublishLimits,
  quota?: QuotaStanding,
): FindingsByMode {
  const published: Partial<Record<Mode, Finding>> = { ...findings };
  for (const mode of MODES) {
    const finding = findings[mode];
    if (finding === undefined || !awaitsCheck(finding, quota)) continue;
    const { compliant: _, ...withheld } = finding;
    published[mode] = withheld;
  }
  for (const mode of EMPTY_MODES) {
    const finding = findings[mode];
    if (finding === undefined || speaksOfMapping(finding, findings, limits)) continue;
    const { timeout: _timeout, compliant: _compliant, ...withheld } = finding;
    published[mode] = withheld;
  }
  return published;
}

/**
 * The keepalive interval that keeps connections alive on this path in every mode: half the smallest lower
 * bound, rounded down to whole seconds, at most an hour. Absent until every configured mode has a finding, and when
 * less than two seconds survived. A mode that says nothing about the mapping is left out: the interval is then for
 * traffic that carries data.
 *
 * @param speaking the configured modes, without those that say nothing for another reason than eaten keepalives
 */
export function keepaliveRecommended(
  findings: FindingsByMode,
  speaking: readonly Mode[],
  limits: PublishLimits,
): Seconds | undefined {
  const eaten = eatenModes(findings, limits);
  const published = publishable(findings, limits);
  let smallest = Number.POSITIVE_INFINITY;
  for (const mode of speaking) {
    if (eaten.includes(mode)) continue;
    const finding = published[mode];
    if (finding?.timeout === undefined || finding.lower === undefined) return undefined;
    smallest = Math.min(smallest, finding.lower);
  }
  const interval = Math.min(Math.floor(smallest / 2), LONGEST_RECOMMENDED_KEEPALIVE);
  return Number.isFinite(smallest) && interval >= 1 ? interval : undefined;
}
