/** The audit as aligned text for a terminal, and as CSV. */
import { stringify } from 'csv-stringify/sync';
import { visible } from '../visible.js';
import type { AuditDocument, AuditGroup, AuditSummary } from './audit-document.js';
import { COLUMNS, conditionWords, howWords, sentenceOf, worstWords } from './audit-words.js';

/** The result for a terminal, ending with a newline. */
export function renderText(document: AuditDocument): string {
  const rowOf = (name: string, summary: AuditSummary): string[] => [
    visible(name),
    ...COLUMNS.map(([, words]) => visible(words(summary))),
  ];
  const rows = [
    [visible(document.by.join(' / ')), ...COLUMNS.map(([heading]) => heading)],
    ...document.groups.map((group) => rowOf(group.name, group)),
    rowOf('all', document.total),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  const worst = document.groups
    .filter((group) => group.worst.length > 0)
    .flatMap((group) => [
      `  ${visible(group.name)}`,
      ...group.worst.map((path) => `    ${visible(worstLine(path))}`),
    ]);
  return `${[
    `${visible(document.prometheus)} at ${document.at}`,
    '',
    ...lines,
    ...(worst.length === 0 ? [] : ['', 'worst paths', ...worst]),
    '',
    sentenceOf(document),
  ].join('\n')}\n`;
}

function worstLine(path: AuditGroup['worst'][number]): string {
  return `${path.name}: ${worstWords(path)}, ${howWords(path)}`;
}

function record(group: AuditGroup, by: readonly string[]): (string | number | undefined)[] {
  const flag = (bound: AuditSummary['minimum']): string | undefined => bound && String(bound.at_least);
  return [
    ...by.map((label) => visible(group.labels[label] ?? '')),
    group.paths,
    group.compliant,
    group.not_compliant,
    group.unknown,
    group.stale,
    Math.round(group.compliant_share * 10_000) / 10_000,
    group.minimum?.seconds,
    flag(group.minimum),
    group.median?.seconds,
    flag(group.median),
    visible(group.worst.map(worstLine).join('; ')),
    visible(conditionWords(group)),
  ];
}

/**
 * One line for each group; what is not known is empty. A cell that a spreadsheet would take for a formula begins with
 * an apostrophe.
 * @see RFC 4180
 */
export function renderCsv({ by, groups }: AuditDocument): string {
  const columns = [
    ...by,
    'paths',
    'compliant',
    'not_compliant',
    'unknown',
    'stale',
    'compliant_share',
    'minimum_seconds',
    'minimum_at_least',
    'median_seconds',
    'median_at_least',
    'worst_paths',
    'conditions',
  ];
  return stringify([columns, ...groups.map((group) => record(group, by))], {
    record_delimiter: 'windows',
    escape_formulas: true,
  });
}
