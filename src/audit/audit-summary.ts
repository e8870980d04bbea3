/** The audit's arithmetic: of several paths the counts, shares with their bounds, minimum and median. */
import { wilson } from '../core/wilson.js';
import { defined } from '../defined.js';
import type { AuditSummary, Bound, States } from './audit-document.js';
import { type AuditPath, compareBounds } from './paths.js';
import { type PeriodPath, shareOfAll } from './period.js';

/** What the paths of a summary are compared with. */
export interface Past {
  /** At how many moments the period was looked at. */
  readonly moments: number;
  /** Paths of the beginning that are not among the others any more. */
  readonly gone: readonly AuditPath[];
}

/** A share to a hundredth of a per cent. */
export function roundedShare(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}

/**
 * The smallest of some timeouts: exact when the smallest value is, since the others can only be longer.
 * @returns undefined for none
 */
function minimumOf(bounds: readonly Bound[]): Bound | undefined {
  return [...bounds].sort(compareBounds)[0];
}

/** The place of the median among `count` sorted values, from 1: of an even number the lower of the two in the middle. */
function medianRank(count: number): number {
  return Math.ceil(count / 2);
}

/**
 * The median of some timeouts, of an even number the lower one of the two in the middle. A timeout of which only a
 * lower bound is known may in truth lie anywhere above it; the median is exact only when that could not move it.
 * @returns undefined for none
 */
function medianOf(bounds: readonly Bound[]): Bound | undefined {
  const sorted = [...bounds].sort(compareBounds);
  const rank = medianRank(sorted.length);
  const middle = sorted[rank - 1];
  if (middle === undefined) return undefined;
  const certain = sorted.filter(({ seconds, at_least }) => !at_least && seconds <= middle.seconds).length;
  return { seconds: middle.seconds, at_least: certain < rank };
}

/** How many of the paths have each of these words, the words in alphabetic order. */
function countsOf(words: readonly (readonly string[])[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words.flatMap((each) => [...new Set(each)]).sort())
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** Where the boxes of a path stand. */
export function placesOf({ boxes = [] }: AuditPath): string[] {
  return [...new Set(boxes.map(({ place }) => place))];
}

function statesOf(paths: readonly AuditPath[]): States {
  const count = (state: AuditPath['state']): number => paths.filter((path) => path.state === state).length;
  const [compliant, notCompliant] = [count('compliant'), count('not_compliant')];
  const known = compliant + notCompliant;
  return defined({
    paths: paths.length,
    compliant,
    not_compliant: notCompliant,
    unknown: count('unknown'),
    compliant_share: compliant / paths.length,
    known_share: known === 0 ? undefined : compliant / known,
  });
}

function boundsOf(count: number, total: number): [number, number] {
  const [lower, upper] = wilson(count, total);
  return [roundedShare(lower), roundedShare(upper)];
}

function poolsOf(paths: readonly AuditPath[]): AuditSummary['pools'] {
  const ratios = paths.flatMap(({ earlyDeaths }) => earlyDeaths?.ratio ?? []).map(roundedShare);
  if (ratios.length === 0) return undefined;
  return { paths: ratios.length, lowest: Math.min(...ratios), highest: Math.max(...ratios) };
}

function soFarOf(paths: readonly AuditPath[]): AuditSummary['so_far'] {
  const survived = paths.flatMap(({ soFar }) => soFar ?? []).sort((a, b) => a - b);
  const [minimum, median] = [survived[0], survived[medianRank(survived.length) - 1]];
  if (minimum === undefined || median === undefined) return undefined;
  return { paths: survived.length, minimum_seconds: minimum, median_seconds: median };
}

function periodOfAll(paths: readonly PeriodPath[], { moments, gone }: Past): AuditSummary['period'] {
  const { compliant, known } = shareOfAll(paths);
  const before = [...paths.flatMap((path) => path.before ?? []), ...gone];
  const turned = (from: AuditPath['state'], to: AuditPath['state']): number =>
    paths.filter((path) => path.before?.state === from && path.state === to).length;
  return defined({
    compliant_share: known === 0 ? undefined : roundedShare(compliant / known),
    known_share: roundedShare(known / (moments * paths.length)),
    before: before.length === 0 ? undefined : statesOf(before),
    became_compliant: turned('not_compliant', 'compliant'),
    became_not_compliant: turned('compliant', 'not_compliant'),
    added: paths.filter((path) => path.before === undefined).length,
    gone: gone.length,
  });
}

/** Counts, shares, minimum and median of at least one path. @param past what a period is compared with */
export function summaryOf(paths: readonly PeriodPath[], past?: Past): AuditSummary {
  const states = statesOf(paths);
  const known = states.compliant + states.not_compliant;
  const bounds = paths.flatMap(({ timeout }) =>
    timeout === undefined ? [] : { seconds: timeout.seconds, at_least: timeout.at_least },
  );
  return defined({
    ...states,
    compliant_share_bounds: boundsOf(states.compliant, states.paths),
    known_share_bounds: known === 0 ? undefined : boundsOf(states.compliant, known),
    stale: paths.filter(({ stale }) => stale).length,
    conditions: countsOf(paths.map(({ conditions }) => conditions)),
    places: countsOf(paths.map(placesOf)),
    pools: poolsOf(paths),
    timeouts: bounds.length,
    minimum: minimumOf(bounds),
    median: medianOf(bounds),
    so_far: soFarOf(paths),
    period: past && periodOfAll(paths, past),
  });
}
