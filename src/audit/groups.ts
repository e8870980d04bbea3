/** The audit's arithmetic: paths into groups, and of each group its counts, minimum, median and worst paths. */
import { defined } from '../defined.js';
import type { AuditGroup, AuditSummary, Bound } from './audit-document.js';
import { type AuditPath, compareBounds } from './paths.js';

/**
 * The smallest of some timeouts: exact when the smallest value is, since the others can only be longer.
 * @returns undefined for none
 */
function minimumOf(bounds: readonly Bound[]): Bound | undefined {
  return [...bounds].sort(compareBounds)[0];
}

/**
 * The median of some timeouts, of an even number the lower one of the two in the middle. A timeout of which only a
 * lower bound is known may in truth lie anywhere above it; the median is exact only when that could not move it.
 * @returns undefined for none
 */
function medianOf(bounds: readonly Bound[]): Bound | undefined {
  const sorted = [...bounds].sort(compareBounds);
  const rank = Math.ceil(sorted.length / 2);
  const middle = sorted[rank - 1];
  if (middle === undefined) return undefined;
  const certain = sorted.filter(({ seconds, at_least }) => !at_least && seconds <= middle.seconds).length;
  return { seconds: middle.seconds, at_least: certain < rank };
}

/** How many paths have which condition, the conditions in alphabetic order. */
function conditionsOf(paths: readonly AuditPath[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const condition of paths.flatMap((path) => path.conditions).sort())
    counts.set(condition, (counts.get(condition) ?? 0) + 1);
  return Object.fromEntries(counts);
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
    conditions: conditionsOf(paths),
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

/** The worse group first: more proven violations, then fewer compliant paths, then the shorter minimum. */
function compareGroups(a: AuditGroup, b: AuditGroup): number {
  const violations = (group: AuditGroup): number => group.not_compliant / group.paths;
  const minimum = (group: AuditGroup): number => group.minimum?.seconds ?? Number.MAX_VALUE;
  return violations(b) - violations(a) || a.compliant_share - b.compliant_share || minimum(a) - minimum(b);
}

/** What a group is called whose paths lack a label. */
const NONE = '(none)';

/**
 * Groups paths by the values of labels: the worst group first, equally bad ones in the order of their values.
 *
 * @param worst most worst paths that each group lists
 * @param nameOf what a path is called in there
 */
export function groupsOf(
  paths: readonly AuditPath[],
  by: readonly string[],
  worst: number,
  nameOf: (path: AuditPath) => string,
): AuditGroup[] {
  const groups = new Map<string, { values: readonly (string | null)[]; members: AuditPath[] }>();
  for (const path of paths) {
    // An empty label and none are the same to Prometheus.
    const values = by.map((label) => path.labels[label] || null);
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { values, members: [] };
    group.members.push(path);
    groups.set(key, group);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { values, members }]) => ({
      name: values.map((value) => value ?? NONE).join(' / '),
      labels: Object.fromEntries(by.map((label, index) => [label, values[index] ?? null])),
      ...summaryOf(members),
      worst: worstOf(members, worst).map((path) => worstFields(path, nameOf(path))),
    }))
    .sort(compareGroups);
}

function worstFields(path: AuditPath, name: string): AuditGroup['worst'][number] {
  const { labels, timeout, below } = path;
  const conditions = [...path.conditions];
  return defined({
    name,
    labels: { ...labels },
    mode: timeout?.mode ?? below?.mode ?? '',
    conditions,
    timeout_seconds: timeout?.seconds,
    below_seconds: below?.seconds,
  });
}
