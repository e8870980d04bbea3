/** The audit as aligned text for a terminal. */
import { visible } from '../visible.js';
import type { AuditDocument, AuditGroup, AuditSummary } from './audit-document.js';
import {
  type Column,
  COLUMNS,
  howWords,
  moreTables,
  periodSentence,
  sentenceOf,
  worstGroupsSentence,
  worstWords,
} from './audit-words.js';

/** The result for a terminal, ending with a newline. */
export function renderText(document: AuditDocument): string {
  const worst = document.groups
    .filter((group) => group.worst.length > 0)
    .flatMap((group) => [
      `  ${visible(group.name)}`,
      ...group.worst.map((path) => `    ${visible(worstLine(path))}`),
    ]);
  const matching = document.matchers.length === 0 ? '' : `, only ${document.matchers.join(', ')}`;
  return `${[
    visible(`${document.prometheus} at ${document.at}${matching}`),
    '',
    ...tableOf(document, COLUMNS),
    ...moreTables(document).flatMap(({ heading, columns }) => ['', heading, ...tableOf(document, columns)]),
    ...(worst.length === 0 ? [] : ['', 'worst paths', ...worst]),
    '',
    sentenceOf(document),
    ...[worstGroupsSentence(document), periodSentence(document)].filter((line) => line !== '').map(visible),
  ].join('\n')}\n`;
}

/** The groups with some columns, aligned. */
function tableOf(document: AuditDocument, columns: readonly Column[]): string[] {
  const rowOf = (name: string, summary: AuditSummary): string[] => [
    visible(name),
    ...columns.map(([, words]) => visible(words(summary))),
  ];
  const rows = [
    [visible(document.by.join(' / ')), ...columns.map(([heading]) => heading)],
    ...document.groups.map((group) => rowOf(group.name, group)),
    rowOf('all', document.total),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A worst path on one line. */
export function worstLine(path: AuditGroup['worst'][number]): string {
  return `${path.name}: ${worstWords(path)}, ${howWords(path)}`;
}
