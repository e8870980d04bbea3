/** The audit as CSV: a line for each group, and one for each path. */
import { csvOf } from '../paper/csv.js';
import type { AuditDocument, AuditedPath, AuditGroup, AuditSummary } from './audit-document.js';
import { roundedShare } from './audit-summary.js';
import { worstLine } from './audit-text.js';
import { conditionWords } from './audit-words.js';

type Value = string | number | undefined;

/** A column: its heading, and what it holds of each. */
type ColumnOf<Of> = readonly [heading: string, value: (of: Of) => Value];

const share = (value: number | undefined): Value => value && roundedShare(value);
const atLeast = (bound: AuditSummary['minimum']): Value => bound && String(bound.at_least);

const GROUP_COLUMNS: readonly ColumnOf<AuditGroup>[] = [
  ['paths', ({ paths }) => paths],
  ['compliant', ({ compliant }) => compliant],
  ['not_compliant', (group) => group.not_compliant],
  ['unknown', ({ unknown }) => unknown],
  ['stale', ({ stale }) => stale],
  ['compliant_share', (group) => share(group.compliant_share)],
  ['minimum_seconds', ({ minimum }) => minimum?.seconds],
  ['minimum_at_least', ({ minimum }) => atLeast(minimum)],
  ['median_seconds', ({ median }) => median?.seconds],
  ['median_at_least', ({ median }) => atLeast(median)],
  ['worst_paths', ({ worst }) => worst.map(worstLine).join('; ')],
  ['conditions', conditionWords],
  ['compliant_share_lower', (group) => group.compliant_share_bounds[0]],
  ['compliant_share_upper', (group) => group.compliant_share_bounds[1]],
  ['known_share', (group) => share(group.known_share)],
  ['known_share_lower', (group) => group.known_share_bounds?.[0]],
  ['known_share_upper', (group) => group.known_share_bounds?.[1]],
  ['so_far_minimum_seconds', (group) => group.so_far?.minimum_seconds],
  ['so_far_median_seconds', (group) => group.so_far?.median_seconds],
  ['pools', ({ pools }) => pools?.paths],
  ['pools_lowest_ratio', ({ pools }) => pools?.lowest],
  ['pools_highest_ratio', ({ pools }) => pools?.highest],
  ['places', ({ places }) => wordsOf(Object.entries(places).map(([place, paths]) => `${paths} × ${place}`))],
  ['period_compliant_share', ({ period }) => period?.compliant_share],
  ['period_known_share', ({ period }) => period?.known_share],
  ['known_share_before', ({ period }) => share(period?.before?.known_share)],
  ['became_not_compliant', ({ period }) => period?.became_not_compliant],
  ['became_compliant', ({ period }) => period?.became_compliant],
  ['added', ({ period }) => period?.added],
  ['gone', ({ period }) => period?.gone],
];

const PATH_COLUMNS: readonly ColumnOf<AuditedPath>[] = [
  ['state', ({ state }) => state],
  ['stale', ({ stale }) => String(stale)],
  ['timeout_seconds', ({ timeout }) => timeout?.seconds],
  ['timeout_at_least', ({ timeout }) => atLeast(timeout)],
  ['below_seconds', (path) => path.below_seconds],
  ['so_far_seconds', (path) => path.so_far_seconds],
  ['mode', ({ mode, every_mode }) => (every_mode === true ? 'every mode' : mode)],
  ['conditions', ({ conditions }) => wordsOf(conditions)],
  ['early_death_ratio', (path) => share(path.early_deaths?.ratio)],
  ['early_death_ratio_lower', (path) => share(path.early_deaths?.lower)],
  ['early_death_ratio_upper', (path) => share(path.early_deaths?.upper)],
  ['place', ({ boxes }) => wordsOf(boxes.map(({ place }) => place))],
  ['hop', ({ boxes }) => wordsOf(boxes.map(({ hop }) => hop))],
  ['box_kind', ({ boxes }) => wordsOf(boxes.map(({ kind }) => kind))],
  ['period_compliant_share', ({ period }) => period?.compliant_share],
  ['period_known_share', ({ period }) => period?.known_share],
  ['state_before', ({ period }) => period?.before],
  ['timeout_before_seconds', ({ period }) => period?.timeout_before?.seconds],
  ['timeout_before_at_least', ({ period }) => atLeast(period?.timeout_before)],
];

function wordsOf(words: readonly string[]): string {
  return words.join('; ');
}

/** A line for each group; what is not known is empty. */
export function renderGroups({ by, groups }: AuditDocument): string {
  const columns: ColumnOf<AuditGroup>[] = [
    ...by.map((label): ColumnOf<AuditGroup> => [label, ({ labels }) => labels[label] ?? '']),
    ...GROUP_COLUMNS,
  ];
  return tableOf(columns, groups);
}

/**
 * A line for each path in the order of the groups, the worst of each first: all its labels, then what is known of it.
 * A label that has the name of another column is called `label_…`.
 */
export function renderPaths({ paths }: AuditDocument): string {
  const taken = new Set(PATH_COLUMNS.map(([heading]) => heading));
  const labels = [...new Set(paths.flatMap((path) => Object.keys(path.labels)))].sort();
  const columns: ColumnOf<AuditedPath>[] = [
    ...labels.map(
      (label): ColumnOf<AuditedPath> => [
        taken.has(label) ? `label_${label}` : label,
        (path) => path.labels[label] ?? '',
      ],
    ),
    ...PATH_COLUMNS,
  ];
  return tableOf(columns, paths);
}

function tableOf<Of>(columns: readonly ColumnOf<Of>[], all: readonly Of[]): string {
  return csvOf(
    columns.map(([heading]) => heading),
    all.map((each) => columns.map(([, value]) => value(each))),
  );
}
