/** The audit's fixed texts and the words for its values, shared by all its forms. */
import { DEATHS_OF_A_CLAIM } from '../core/finding.js';
import { durationWithSeconds, humanDuration } from '../core/human-duration.js';
import type { AuditDocument, AuditGroup, AuditSummary } from './audit-document.js';

/** `300 s`, `≥ 7795 s`; an empty text where nothing is known. */
export function boundWords(bound: AuditSummary['minimum']): string {
  if (bound === undefined) return '';
  return `${bound.at_least ? '≥ ' : ''}${Math.round(bound.seconds * 10) / 10} s`;
}

/** `12.5 %`, and never 0 % or 100 % of what is not none or all. */
function shareWords(part: number, whole: number): string {
  const percent = (part / whole) * 100;
  const shown = Math.round(percent * 10) / 10;
  if (part > 0 && shown === 0) return '< 0.1 %';
  if (part < whole && shown === 100) return '> 99.9 %';
  return `${shown} %`;
}

/** How many paths have which condition: `12 × mixture, 3 × fixed_lifetime`; an empty text where none has one. */
export function conditionWords({ conditions }: Pick<AuditSummary, 'conditions'>): string {
  return Object.entries(conditions)
    .map(([condition, paths]) => `${paths} × ${condition}`)
    .join(', ');
}

/** The columns of a table of groups, and what they say of each. */
export const COLUMNS: readonly (readonly [heading: string, words: (summary: AuditSummary) => string])[] = [
  ['paths', ({ paths }) => String(paths)],
  ['compliant', ({ compliant }) => String(compliant)],
  ['share', ({ compliant, paths }) => shareWords(compliant, paths)],
  ['not compliant', ({ not_compliant }) => String(not_compliant)],
  ['unknown', ({ unknown }) => String(unknown)],
  ['of these stale', ({ stale }) => String(stale)],
  ['minimum', ({ minimum }) => boundWords(minimum)],
  ['median', ({ median }) => boundWords(median)],
  ['conditions', conditionWords],
];

/** The timeout of a worst path: `5 min 0 s (300 s)`, or `below 1 h 0 min (3605 s)` while it is not known. */
export function worstWords({ timeout_seconds, below_seconds }: AuditGroup['worst'][number]): string {
  if (timeout_seconds !== undefined) return durationWithSeconds(timeout_seconds);
  return `below ${durationWithSeconds(below_seconds ?? 0)}`;
}

/** How a worst path fails: its mode, and what else was found about it. */
export function howWords({ mode, conditions }: AuditGroup['worst'][number]): string {
  return [mode, ...conditions].join(', ');
}

/** The result, the verdict before the first colon. */
export function sentenceOf({ total, required_seconds }: AuditDocument): string {
  const of = (part: number): string => `${part} (${shareWords(part, total.paths)})`;
  const required = durationWithSeconds(required_seconds);
  const unknown = `${of(total.unknown)} not known`;
  if (total.not_compliant > 0)
    return `Not compliant: of ${total.paths} paths ${of(total.not_compliant)} are proven to forget idle TCP connections in less than ${required}; ${of(total.compliant)} compliant, ${unknown}.`;
  if (total.unknown === 0)
    return `Compliant: all ${total.paths} paths are proven to remember idle TCP connections for ${required}.`;
  return `No verdict: of ${total.paths} paths none is proven to forget idle TCP connections in less than ${required}; ${of(total.compliant)} compliant, ${unknown}.`;
}

/** The result as a word. */
export function resultOf({ total }: AuditDocument): 'compliant' | 'not_compliant' | 'unknown' {
  if (total.not_compliant > 0) return 'not_compliant';
  return total.unknown === 0 ? 'compliant' : 'unknown';
}

/** How it was measured and counted, one sentence each. */
export function methodOf({ lookback_seconds, by }: AuditDocument): readonly string[] {
  return [
    'Each exporter leaves TCP connections to its target idle, breaks the silence once after a chosen time from one of its ends (the mode), and searches the idle time between survival and death; no death counts without a fresh connection that worked at that moment.',
    `A path (one target of one exporter) counts as compliant when every configured mode is proven to survive the required idle time, as not compliant when ${DEATHS_OF_A_CLAIM} independent deaths below it are proven in any mode, and as unknown else; a path that was watched within ${humanDuration(lookback_seconds)} before the audit but not at its moment is stale and counts as unknown.`,
    `Paths are grouped by ${by.join(' and ')}; minimum and median are over the smallest timeout of each path that has one, "≥" marks a value above which nothing has been seen to die, and the median of an even number is the lower one of the two in the middle.`,
  ];
}
