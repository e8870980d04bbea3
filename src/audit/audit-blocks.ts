/** What the audit says, block by block, for an appendix of somebody's report. */
import { humanDuration } from '../core/human-duration.js';
import type { Block, Cell, Paper } from '../paper/blocks.js';
import { RESULT_TONES, STANDARDS } from '../paper/standards.js';
import { utcWords } from '../paper/document-values.js';
import type { AuditDocument, AuditSummary } from './audit-document.js';
import { boundWords, COLUMNS, howWords, methodOf, resultOf, sentenceOf, worstWords } from './audit-words.js';
import { distributionChart } from './distribution-chart.js';

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
    opening: [facts(document)],
    sections: [
      { heading: `Paths by ${by.join(' and ')}, the worst first`, blocks: groups(document) },
      { heading: 'Distribution of the timeouts', blocks: [distribution(document)] },
      { heading: 'The worst paths of each group', blocks: worst(document) },
      { heading: 'Method', blocks: methodOf(document) },
      STANDARDS,
    ],
    footer: `Made by nat-idle-exporter ${program.version}. All times are UTC.`,
  };
}

function facts({ prometheus, at, by, total, lookback_seconds, generated }: AuditDocument): Block {
  return {
    kind: 'facts',
    facts: [
      ['Prometheus', prometheus],
      ['At', `${utcWords(at)} UTC`],
      ['Grouped by', by.join(', ')],
      ['Paths', String(total.paths)],
      ['Unknown', String(total.unknown)],
      ['Of these stale', `${total.stale} (seen within ${humanDuration(lookback_seconds)}, not now)`],
      ['Report of', `${utcWords(generated)} UTC`],
    ],
  };
}

function groups({ by, groups: all, total }: AuditDocument): Block[] {
  const cellsOf = (name: string, summary: AuditSummary): Cell[] => [
    name,
    ...COLUMNS.map(([heading, words]): Cell => {
      const isBad = heading === 'not compliant' && summary.not_compliant > 0;
      return { text: words(summary), tone: isBad ? 'bad' : undefined };
    }),
  ];
  return [
    {
      kind: 'table',
      rowHeadings: true,
      columns: [by.join(' / '), ...COLUMNS.map(([text]) => ({ text, numeric: true as const }))],
      rows: all.map((group) => ({ cells: cellsOf(group.name, group) })),
      total: { cells: cellsOf('all', total) },
    },
    {
      kind: 'small',
      text: 'The share is that of the compliant paths among all, the unknown ones included. ≥: nothing died up to that idle time.',
    },
  ];
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
