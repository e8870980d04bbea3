/** The audit's arithmetic: paths into groups, and of each group its counts, minimum, median and worst paths. */
import { defined } from '../defined.js';
import type { AuditSummary, Bound } from './audit-document.js';
import { type AuditPath, compareBounds, type Labels } from './paths.js';

/** The paths that share the values of the labels asked for. */
export interface Group {
  /** In the order asked for; undefined: the paths have no such label. */
  readonly values: readonly (string | undefined)[];
  readonly summary: AuditSummary;
  /** The shortest first; paths of which no death is known are not among them. */
  readonly worst: readonly AuditPath[];
}

/**
 * The smallest of some timeouts: exact when the smallest value is, since the others can only be longer.
 * @returns undefined for none
 */
export function minimumOf(bounds: readonly Bound[]): Bound | undefined {
  return [...bounds].sort(compareBounds)[0];
}

/**
 * The median of some timeouts, of an even number the lower one of the two in the middle. A timeout of which only a
 * lower bound is known may in truth lie anywhere above it; the median is exact only when that could not move it.
 * @returns undefined for none
 */
export function medianOf(bounds: readonly Bound[]): Bound | undefined {
  const sorted = [...bounds].sort(compareBounds);
  const rank = Math.ceil(sorted.length / 2);
  const middle = sorted[rank - 1];
  if (middle === undefined) return undefined;
  const certain = sorted.filter(({ seconds, at_least }) => !at_least && seconds <= middle.seconds).length;
  return { seconds: middle.seconds, at_least: certain < rank };
}

/** Counts, minimum and median of at least one path. */
export function summaryOf(paths: readonly AuditPath[]): AuditSummary {
  const count = (state: AuditPath['state']): number => paths.filter((path) => path.state === state).length;
  const bounds = paths.flatMap(({ timeout }) =>
    timeout === undefined ? [] : { seconds: timeout.seconds, at_least: timeout.at_least },
  );
  return defined({
    paths: paths.length,
    compliant: count('compliant'),
    not_compliant: count('not_compliant'),
    unknown: count('unknown'),
    stale: paths.filter(({ stale }) => stale).length,
    compliant_share: count('compliant') / paths.length,
    timeouts: bounds.length,
    minimum: minimumOf(bounds),
    median: medianOf(bounds),
  });
}

/** How bad a path is known to be, seconds; undefined where nothing died. */
function badness({ timeout, below }: AuditPath): number | undefined {
  return timeout === undefined ? below?.seconds : timeout.at_least ? undefined : timeout.seconds;
}

function placeOf({ labels }: AuditPath): string {
  return `${labels['instance'] ?? ''} ${labels['target'] ?? ''}`;
}

/** The paths that are known to forget, the shortest timeout first, at most `most`. */
function worstOf(paths: readonly AuditPath[], most: number): AuditPath[] {
  return paths
    .flatMap((path) => {
      const seconds = badness(path);
      return seconds === undefined ? [] : [{ path, seconds }];
    })
    .sort((a, b) => a.seconds - b.seconds || (placeOf(a.path) < placeOf(b.path) ? -1 : 1))
    .slice(0, most)
    .map(({ path }) => path);
}

/** The worse group first: more proven violations, then fewer compliant paths, then the shorter minimum, then its name. */
function compareGroups(a: Group, b: Group): number {
  const violations = ({ summary }: Group): number => summary.not_compliant / summary.paths;
  const minimum = ({ summary }: Group): number => summary.minimum?.seconds ?? Number.MAX_VALUE;
  const name = ({ values }: Group): string => JSON.stringify(values);
  return (
    violations(b) - violations(a) ||
    a.summary.compliant_share - b.summary.compliant_share ||
    minimum(a) - minimum(b) ||
    (name(a) < name(b) ? -1 : 1)
  );
}

/**
 * Groups paths by the values of labels, the worst group first.
 *
 * @param worst most worst paths that each group names
 */
export function groupsOf(paths: readonly AuditPath[], by: readonly string[], worst: number): Group[] {
  // An empty label and none are the same to Prometheus.
  const valueOf = (labels: Labels, label: string): string | undefined => labels[label] || undefined;
  const groups = new Map<string, { values: readonly (string | undefined)[]; paths: AuditPath[] }>();
  for (const path of paths) {
    const values = by.map((label) => valueOf(path.labels, label));
    const key = JSON.stringify(values.map((value) => value ?? null));
    const group = groups.get(key) ?? { values, paths: [] };
    group.paths.push(path);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map((group) => ({
      values: group.values,
      summary: summaryOf(group.paths),
      worst: worstOf(group.paths, worst),
    }))
    .sort(compareGroups);
}
