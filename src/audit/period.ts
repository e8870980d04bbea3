/** What a period says of paths: how much of it each was compliant, and what it was at the beginning. */
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import { type AuditPath, keyOf, type Labels } from './paths.js';

/** One series of a range query's answer; moments without a value are left out. */
export interface Series {
  readonly metric: Labels;
  /** Unix times with their values. */
  readonly values: readonly (readonly [at: Seconds, value: number])[];
}

/** A period and the moments at which it is looked at, the last of which is its end. Unix times, seconds. */
export interface Period {
  readonly from: Seconds;
  readonly to: Seconds;
  readonly step: Seconds;
  readonly moments: number;
}

/** Most moments of a period: of a month one in six hours, where a finding takes two hours to come. */
export const MOST_MOMENTS = 120;
/** Shortest distance of two moments, seconds: nobody scrapes much more often. */
const SHORTEST_STEP: Seconds = 60;

/** The moments of a period. @param to later than `from` by a minute at least */
export function periodOf(from: Seconds, to: Seconds): Period {
  const step = Math.max(SHORTEST_STEP, Math.ceil((to - from) / MOST_MOMENTS));
  return { from, to, step, moments: Math.floor((to - from) / step) + 1 };
}

/** Parts of a period that are asked at the same time: one evaluation is one thread's, and no server has fewer. */
const PARTS = 4;

/** Some of a period's moments, by their numbers. @param end the number after the last one */
function momentsOf({ to, step, moments }: Period, begin: number, end: number): Period {
  const at = (moment: number): Seconds => to - step * (moments - 1 - moment);
  return { from: at(begin), to: at(end - 1), step, moments: end - begin };
}

/** A period as parts of about as many moments each, one after the other; together they are its moments. */
export function partsOf(period: Period): Period[] {
  const { moments } = period;
  const parts = Math.min(PARTS, moments);
  const begin = (part: number): number => Math.floor((moments * part) / parts);
  return Array.from({ length: parts }, (_, part) => momentsOf(period, begin(part), begin(part + 1)));
}

/** How much later than a moment its value may be said to be, seconds. */
const ROUNDING: Seconds = 0.002;

/** Whether any series has a value at a moment of a period. */
function knownAt({ to, step }: Period, series: readonly Series[]): (at: Seconds) => boolean {
  // The other side rounds to milliseconds, and a cache before it moves all moments back to whole steps of the clock.
  const numberOf = (at: Seconds): number => Math.floor((to - at + ROUNDING) / step);
  const known = new Set(series.flatMap(({ values }) => values.map(([at]) => numberOf(at))));
  return (at) => known.has(numberOf(at));
}

/** The moments of the parts at which a series has a value, as the longest runs of them that stay within a part. */
export function runsOf(parts: readonly Period[], series: readonly Series[]): Period[] {
  return parts.flatMap((part) => {
    const known = knownAt(part, series);
    const runs: Period[] = [];
    for (let begin = 0, end = 0; begin < part.moments; begin = end + 1) {
      for (end = begin; end < part.moments && known(part.from + part.step * end); ) end++;
      if (end > begin) runs.push(momentsOf(part, begin, end));
    }
    return runs;
  });
}

/** What the series have at the moments of a period at which `kept` has a value. */
export function within(period: Period, series: readonly Series[], kept: readonly Series[]): Series[] {
  const isKept = knownAt(period, kept);
  return series.map(({ metric, values }) => ({ metric, values: values.filter(([at]) => isKept(at)) }));
}

/** What the series have at the other moments of a period than those at which `left` has a value. */
export function without(period: Period, series: readonly Series[], left: readonly Series[]): Series[] {
  const isLeft = knownAt(period, left);
  return series.map(({ metric, values }) => ({ metric, values: values.filter(([at]) => !isLeft(at)) }));
}

/** The series of several parts as one for each path, the values in the order of the parts. */
export function joined(parts: readonly (readonly Series[])[]): Series[] {
  const paths = new Map<
    string,
    { readonly metric: Labels; readonly values: (readonly [Seconds, number])[] }
  >();
  for (const {
    metric: { __name__: _name, ...metric },
    values,
  } of parts.flat()) {
    const key = keyOf(metric);
    const path = paths.get(key);
    if (path === undefined) paths.set(key, { metric, values: [...values] });
    else path.values.push(...values);
  }
  return [...paths.values()];
}

/** At how many of the moments a path was known to be compliant, and known at all. */
export interface Share {
  readonly compliant: number;
  readonly known: number;
}

/** A path with what the period tells of it. */
export interface PeriodPath extends AuditPath {
  readonly share?: Share;
  /** The same path at the beginning; absent where it was not watched then. */
  readonly before?: AuditPath;
}

/**
 * Adds to each path what the period tells of it, and tells which are gone.
 *
 * @param history 1 or 0 for each moment at which it was known whether the path is compliant
 * @param before the paths at the beginning
 */
export function withPeriod(
  paths: readonly AuditPath[],
  history: readonly Series[],
  before: readonly AuditPath[],
): { readonly paths: PeriodPath[]; readonly gone: readonly AuditPath[] } {
  const shares = new Map(history.map(({ metric, values }) => [keyOf(metric), shareOf(values)]));
  const earlier = new Map(before.map((path) => [keyOf(path.labels), path]));
  const now = new Set(paths.map(({ labels }) => keyOf(labels)));
  return {
    paths: paths.map((path): PeriodPath => {
      const key = keyOf(path.labels);
      return defined({ ...path, share: shares.get(key), before: earlier.get(key) });
    }),
    gone: before.filter(({ labels }) => !now.has(keyOf(labels))),
  };
}

function shareOf(values: Series['values']): Share {
  return { compliant: values.filter(([, value]) => value === 1).length, known: values.length };
}

/** Several shares as one: each path counts by the moments at which it was known. */
export function shareOfAll(paths: readonly PeriodPath[]): Share {
  const sum = (read: (share: Share) => number): number =>
    paths.reduce((total, { share }) => total + (share === undefined ? 0 : read(share)), 0);
  return { compliant: sum(({ compliant }) => compliant), known: sum(({ known }) => known) };
}
