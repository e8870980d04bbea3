/** What the audit says, block by block, for an appendix of somebody's report. */
import { humanDuration } from '../core/human-duration.js';
import type { Block, Cell, Paper, Section, Table } from '../paper/blocks.js';
import { RESULT_TONES, STANDARDS } from '../paper/standards.js';
import { utcWords } from '../paper/document-values.js';
import type { AuditDocument, AuditSummary } from './audit-document.js';
import {
  boundWords,
  type Column,
  COLUMNS,
  howWords,
  methodOf,
  moreTables,
  periodSentence,
  resultOf,
  sentenceOf,
  worstGroupsSentence,
  worstWords,
} from './audit-words.js';
import { distributionChart } from './distribution-chart.js';
import { sharesChart, SHOWN_GROUPS } from './shares-chart.js';

/** Timeouts that the text alternative of the chart names. */
const NAMED = 12;

/** The whole audit. */
export function auditPaper(document: AuditDocument): Paper {
  const { total, by, program } = document;
  const some = total.paths === 1 ? 'one path remembers' : `${total.paths} paths remember`;
  return {
    title: 'Audit of idle timeouts of TCP connections',
    heading: `How long ${some} an idle TCP connection`,
    wide: true,
    verdict: { sentence: sentenceOf(document), tone: RESULT_TONES[resultOf(document)] },
    opening: [...sentences(document), facts(document)],
    sections: [
      { heading: `Paths by ${by.join(' and ')}, the worst first`, blocks: groups(document) },
      ...moreTables(document).map(
        ({ heading, columns, note }): Section => ({
          heading,
          blocks: [groupTable(document, columns), { kind: 'small', text: note }],
        }),
      ),
      { heading: 'Shares of the worst groups', blocks: [shares(document)] },
      { heading: 'Distribution of the timeouts', blocks: [distribution(document)] },
      { heading: 'The worst paths of each group', blocks: worst(document) },
      { heading: 'Method', blocks: methodOf(document) },
      STANDARDS,
    ],
    footer: `Made by nat-idle-exporter ${program.version}. All times are UTC.`,
  };
}

/** What the verdict leaves open: the worst groups, and the period. */
function sentences(document: AuditDocument): string[] {
  return [worstGroupsSentence(document), periodSentence(document)].filter((sentence) => sentence !== '');
}

function facts(document: AuditDocument): Block {
  const { prometheus, at, since, by, matchers, total, lookback_seconds, generated } = document;
  return {
    kind: 'facts',
    facts: [
      ['Prometheus', prometheus],
      ['At', `${utcWords(at)} UTC`],
      ['Period since', since && `${utcWords(since)} UTC`],
      ['Only paths with', matchers.join(', ') || undefined],
      ['Grouped by', by.join(', ')],
      ['Paths', String(total.paths)],
      ['Unknown', String(total.unknown)],
      ['Of these stale', `${total.stale} (seen within ${humanDuration(lookback_seconds)}, not now)`],
      ['Report of', `${utcWords(generated)} UTC`],
    ],
  };
}

/** The groups with some columns. */
function groupTable({ by, groups: all, total }: AuditDocument, columns: readonly Column[]): Table {
  const cellsOf = (name: string, summary: AuditSummary): Cell[] => [
    name,
    ...columns.map(([heading, words]): Cell => {
      const isBad = heading === 'not compliant' && summary.not_compliant > 0;
      return { text: words(summary), tone: isBad ? 'bad' : undefined };
    }),
  ];
  return {
    kind: 'table',
    rowHeadings: true,
    columns: [by.join(' / '), ...columns.map(([text]) => ({ text, numeric: true as const }))],
    rows: all.map((group) => ({ cells: cellsOf(group.name, group) })),
    total: { cells: cellsOf('all', total) },
  };
}

function groups(document: AuditDocument): Block[] {
  return [
    groupTable(document, COLUMNS),
    {
      kind: 'small',
      text: 'Share: the compliant paths among all, the unknown ones included; of the known: among those that are proven either way, with its 95 % bounds. ≥: nothing died up to that idle time; so far: nothing else is known yet.',
    },
  ];
}

function shares(document: AuditDocument): Block | undefined {
  const { groups: all } = document;
  if (all.length < 2) return undefined;
  const shown = all.slice(0, SHOWN_GROUPS);
  return {
    kind: 'figure',
    svg: sharesChart(document),
    alternative: `Shares by group: ${shown.map(({ name, paths, not_compliant }) => `${name} ${not_compliant} of ${paths} not compliant`).join(', ')}.`,
    key: [
      { mark: '■', tone: 'bad', words: 'not compliant' },
      { mark: '■', tone: 'quiet', words: 'unknown' },
      { mark: '■', tone: 'pale', words: 'compliant.' },
    ],
    caption: `${all.length > SHOWN_GROUPS ? `The ${SHOWN_GROUPS} worst of ${all.length} groups. ` : ''}The line over a bar: 95 % bounds of the share of the known paths that are not compliant.`,
  };
}

function distribution(document: AuditDocument): Block {
  const { distribution: all, total } = document;
  if (total.timeouts === 0) return { kind: 'warning', text: 'No path has a timeout yet.' };
  const named = all.slice(0, NAMED).map(({ paths, ...bound }) => `${paths} × ${boundWords(bound)}`);
  return {
    kind: 'figure',
    svg: distributionChart(document),
    alternative: `Paths by idle timeout: ${named.join(', ')}${all.length > NAMED ? ', and more' : ''}.`,
    key: [
      { mark: '■', tone: 'bad', words: 'below the requirement' },
      { mark: '■', tone: 'good', words: 'above it' },
      { mark: '■', tone: 'pale', words: 'above it, and nothing died.' },
    ],
    caption: `The smallest timeout over its modes of each path that has one: ${total.timeouts} of ${total.paths}.`,
  };
}

function worst({ by, groups: all }: AuditDocument): Block[] {
  const rows = all.flatMap((group) =>
    group.worst.map((path) => ({ cells: [group.name, path.name, worstWords(path), howWords(path)] })),
  );
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      dense: true,
      columns: [by.join(' / '), 'path', 'idle timeout', 'mode, conditions'],
      rows,
    },
    {
      kind: 'small',
      text: 'A path of which no death is known is not listed. The mode tells who broke the silence: send this end, recv the far end, keepalive this end’s kernel.',
    },
  ];
}
