/** Paths into groups by the values of labels, and of each group its worst paths. */
import { defined } from '../defined.js';
import type { AuditGroup } from './audit-document.js';
import { type Past, placesOf, summaryOf } from './audit-summary.js';
import type { AuditPath } from './paths.js';
import type { PeriodPath } from './period.js';

/** How bad a path is known to be, seconds; undefined where nothing died. */
function badness({ timeout, below }: AuditPath): number | undefined {
  return timeout === undefined ? below?.seconds : timeout.at_least ? undefined : timeout.seconds;
}

function placeOf({ labels }: AuditPath): string {
  return `${labels['instance'] ?? ''} ${labels['target'] ?? ''}`;
}

/** The worse path first: the shorter timeout that is known, then what lasts, each in the order of their names. */
function comparePaths(a: AuditPath, b: AuditPath): number {
  const [badA, badB] = [badness(a) ?? Number.MAX_VALUE, badness(b) ?? Number.MAX_VALUE];
  return badA - badB || (placeOf(a) < placeOf(b) ? -1 : 1);
}

/** The paths that are known to forget, the shortest timeout first, at most `most`. */
function worstOf(paths: readonly AuditPath[], most: number): AuditPath[] {
  return paths
    .filter((path) => badness(path) !== undefined)
    .sort(comparePaths)
    .slice(0, most);
}

/** The worse group first: more proven violations, then fewer compliant paths, then the shorter minimum. */
function compareGroups(a: AuditGroup, b: AuditGroup): number {
  const violations = (group: AuditGroup): number => group.not_compliant / group.paths;
  const minimum = (group: AuditGroup): number => group.minimum?.seconds ?? Number.MAX_VALUE;
  return violations(b) - violations(a) || a.compliant_share - b.compliant_share || minimum(a) - minimum(b);
}

/** What a group is called whose paths lack a label. */
const NONE = '(none)';

/** The values of a path by which it is grouped; an empty label and none are the same to Prometheus. */
function valuesOf({ labels }: AuditPath, by: readonly string[]): (string | null)[] {
  return by.map((label) => labels[label] || null);
}

/** The same for all paths of a group. */
function groupKeyOf(path: AuditPath, by: readonly string[]): string {
  return JSON.stringify(valuesOf(path, by));
}

/**
 * Groups paths by the values of labels: the worst group first, equally bad ones in the order of their values.
 *
 * @param worst most worst paths that each group lists
 * @param nameOf what a path is called in there
 * @param past what a period is compared with
 */
export function groupsOf(
  paths: readonly PeriodPath[],
  by: readonly string[],
  worst: number,
  nameOf: (path: AuditPath) => string,
  past?: Past,
): AuditGroup[] {
  const groups = new Map<string, PeriodPath[]>();
  for (const path of paths) {
    const key = groupKeyOf(path, by);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [path]);
    else members.push(path);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, members]) => {
      const values = members[0] === undefined ? [] : valuesOf(members[0], by);
      const gone = past?.gone.filter((path) => groupKeyOf(path, by) === key) ?? [];
      return {
        name: values.map((value) => value ?? NONE).join(' / '),
        labels: Object.fromEntries(by.map((label, index) => [label, values[index] ?? null])),
        ...summaryOf(members, past && { ...past, gone }),
        worst: worstOf(members, worst).map((path) => worstFields(path, nameOf(path))),
      };
    })
    .sort(compareGroups);
}

/** The paths in the order of their groups, the worst of each first. */
export function inOrderOf<Path extends AuditPath>(
  groups: readonly AuditGroup[],
  paths: readonly Path[],
  by: readonly string[],
): Path[] {
  const rank = new Map(
    groups.map(({ labels }, index) => [JSON.stringify(by.map((label) => labels[label])), index]),
  );
  const rankOf = (path: Path): number => rank.get(groupKeyOf(path, by)) ?? 0;
  return [...paths].sort((a, b) => rankOf(a) - rankOf(b) || comparePaths(a, b));
}

function worstFields(path: AuditPath, name: string): AuditGroup['worst'][number] {
  const { labels, timeout, below } = path;
  const conditions = [...path.conditions];
  return defined({
    name,
    labels: { ...labels },
    mode: timeout?.mode ?? below?.mode ?? '',
    every_mode: timeout?.everyMode === true,
    conditions,
    places: placesOf(path),
    timeout_seconds: timeout?.seconds,
    below_seconds: below?.seconds,
  });
}
