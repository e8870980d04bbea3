/** The audit as aligned text for a terminal, as Markdown and as CSV. */
import { stringify } from 'csv-stringify/sync';
import { visible } from '../visible.js';
import type { AuditDocument, AuditGroup, AuditSummary } from './document.js';
import { boundWords, methodOf, sentenceOf, shareWords, worstWords } from './words.js';

const HEAD = [
  'paths',
  'compliant',
  'share',
  'not compliant',
  'unknown',
  'of these stale',
  'minimum',
  'median',
];

function cells(summary: AuditSummary): string[] {
  return [
    String(summary.paths),
    String(summary.compliant),
    shareWords(summary.compliant, summary.paths),
    String(summary.not_compliant),
    String(summary.unknown),
    String(summary.stale),
    boundWords(summary.minimum),
    boundWords(summary.median),
  ];
}

/** The table with the whole fleet as its last line. */
function table({ by, groups, total }: AuditDocument): readonly (readonly string[])[] {
  return [
    [by.join(' / '), ...HEAD],
    ...groups.map((group) => [group.name, ...cells(group)]),
    ['all', ...cells(total)],
  ];
}

/** The result for a terminal, ending with a newline. */
export function renderText(document: AuditDocument): string {
  const rows = table(document).map((row) => row.map(visible));
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
      ...group.worst.map((path) => `    ${visible(path.name)}: ${worstWords(path)}, ${path.mode}`),
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

/** Text between the bars of a Markdown table: nothing in it is markup. */
function markdownCell(text: string): string {
  return visible(text).replace(/[\\`*_{}[\]<>()#!|~&]/g, (character) => `\\${character}`);
}

/** The result as Markdown. */
export function renderMarkdown(document: AuditDocument): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  const [head = [], ...rows] = table(document).map((row) => row.map(markdownCell));
  const worst = document.groups.flatMap((group) =>
    group.worst.map((path) => [group.name, path.name, worstWords(path), path.mode].map(markdownCell)),
  );
  return `${[
    '# Audit of idle timeouts of TCP connections',
    '',
    `**${sentenceOf(document)}**`,
    '',
    `Asked: \`${visible(document.prometheus)}\` at ${document.at}. RFC 5382 (BCP 142) REQ-5; RFC 6888 REQ-1 for carrier-grade NATs.`,
    '',
    line(head),
    line(head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map(line),
    ...(worst.length === 0
      ? []
      : [
          '',
          '## Worst paths',
          '',
          line([head[0] ?? '', 'path', 'idle timeout', 'mode']),
          line(['---', '---', '---', '---']),
          ...worst.map(line),
        ]),
    '',
    '## Method',
    '',
    ...methodOf(document),
  ].join('\n')}\n`;
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
    visible(group.worst.map((path) => `${path.name}: ${worstWords(path)}, ${path.mode}`).join('; ')),
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
  ];
  return stringify([columns, ...groups.map((group) => record(group, by))], {
    record_delimiter: 'windows',
    escape_formulas: true,
  });
}
