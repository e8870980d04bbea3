/** The audit's fixed texts and the words for its values, shared by all its forms. */
import { DEATHS_OF_A_CLAIM } from '../core/finding.js';
import { durationWithSeconds, humanDuration } from '../core/human-duration.js';
import { utcWords } from '../paper/document-values.js';
import { MOST_MOMENTS } from './period.js';
import type { AuditDocument, AuditGroup, AuditSummary } from './audit-document.js';

/** Groups that the sentence about the worst ones names. */
const WORST_GROUPS = 3;

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

/** How many paths have which word: `12 × mixture, 3 × fixed_lifetime`; an empty text where none has one. */
function countWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([word, paths]) => `${paths} × ${word}`)
    .join(', ');
}

/** How many paths have which condition. */
export function conditionWords({ conditions }: Pick<AuditSummary, 'conditions'>): string {
  return countWords(conditions);
}

/** A share in per cent, to a tenth: `12.5 %`; an empty text for none. */
function percentWords(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(share * 1000) / 10} %`;
}

/** Two shares, outwards to whole per cent: `61-66 %`. */
function rangeWords([lower, upper]: readonly [number, number]): string {
  return `${Math.floor(lower * 100)}-${Math.ceil(upper * 100)} %`;
}

/** The share of the known paths with its bounds: `63.6 % (61-66 %)`; an empty text where none is known. */
function knownWords({
  compliant,
  not_compliant,
  known_share_bounds: bounds,
}: Pick<AuditSummary, 'compliant' | 'not_compliant' | 'known_share_bounds'>): string {
  if (bounds === undefined) return '';
  return `${shareWords(compliant, compliant + not_compliant)} (${rangeWords(bounds)})`;
}

/** What is known of a minimum or median; where no path has a timeout, what survived: `≥ 50 s so far`. */
function boundOrSoFar(bound: AuditSummary['minimum'], soFar: number | undefined): string {
  if (bound !== undefined || soFar === undefined) return boundWords(bound);
  return `${boundWords({ seconds: soFar, at_least: true })} so far`;
}

/** How many paths forget a share of the connections early, and which share: `3 × 5-12 %`. */
function poolWords({ pools }: AuditSummary): string {
  if (pools === undefined) return '';
  const { paths, lowest, highest } = pools;
  const range =
    lowest === highest
      ? percentWords(lowest)
      : `${percentWords(lowest).slice(0, -2)}-${percentWords(highest)}`;
  return `${paths} × ${range}`;
}

/** A column of a table of groups: its heading, and what it says of each. */
export type Column = readonly [heading: string, words: (summary: AuditSummary) => string];

/** The columns of the table of groups. */
export const COLUMNS: readonly Column[] = [
  ['paths', ({ paths }) => String(paths)],
  ['compliant', ({ compliant }) => String(compliant)],
  ['share', ({ compliant, paths }) => shareWords(compliant, paths)],
  ['of the known', knownWords],
  ['not compliant', ({ not_compliant }) => String(not_compliant)],
  ['unknown', ({ unknown }) => String(unknown)],
  ['of these stale', ({ stale }) => String(stale)],
  ['minimum', ({ minimum, so_far }) => boundOrSoFar(minimum, so_far?.minimum_seconds)],
  ['median', ({ median, so_far }) => boundOrSoFar(median, so_far?.median_seconds)],
  ['conditions', conditionWords],
];

/** What was found beside the timeouts: of pools with bad nodes, and where the box that forgets stands. */
const FOUND_COLUMNS: readonly Column[] = [
  ['pools', poolWords],
  ['place of the box', ({ places }) => countWords(places)],
];

/** By how many points a share of the known paths changed: `+3.1`; an empty text where one of both is not known. */
function pointsWords({ known_share: now, period }: AuditSummary): string {
  const then = period?.before?.known_share;
  if (now === undefined || then === undefined) return '';
  const points = Math.round((now - then) * 1000) / 10;
  return `${points > 0 ? '+' : ''}${points}`;
}

/** What a period says. */
const PERIOD_COLUMNS: readonly Column[] = [
  ['compliant time', ({ period }) => percentWords(period?.compliant_share)],
  ['known time', ({ period }) => percentWords(period?.known_share)],
  ['of the known then', ({ period }) => percentWords(period?.before?.known_share)],
  ['now', ({ known_share }) => percentWords(known_share)],
  ['points', pointsWords],
  ['got worse', ({ period }) => String(period?.became_not_compliant ?? '')],
  ['got better', ({ period }) => String(period?.became_compliant ?? '')],
  ['new', ({ period }) => String(period?.added ?? '')],
  ['gone', ({ period }) => String(period?.gone ?? '')],
];

/** A table of groups beside the first one. */
export interface MoreColumns {
  readonly heading: string;
  readonly columns: readonly Column[];
  /** What its columns mean. */
  readonly note: string;
}

/** The other tables of groups, those that say something. */
export function moreTables({ total, since }: AuditDocument): MoreColumns[] {
  const found = total.pools !== undefined || Object.keys(total.places).length > 0;
  return [
    ...(since === undefined
      ? []
      : [
          {
            heading: `Since ${utcWords(since)} UTC`,
            columns: PERIOD_COLUMNS,
            note: 'Compliant time: share of the time in which it was known whether the paths are compliant. Then and now: share of the known paths. A path got worse that was compliant at the beginning and is not now; got better is the reverse.',
          },
        ]),
    ...(found
      ? [
          {
            heading: 'Pools, and where the box that forgets stands',
            columns: FOUND_COLUMNS,
            note: 'Pools: paths that forget this share of the connections early. Place of the box: as each exporter located it.',
          },
        ]
      : []),
  ];
}

/** The timeout of a worst path: `5 min 0 s (300 s)`, or `below 1 h 0 min (3605 s)` while it is not known. */
export function worstWords({ timeout_seconds, below_seconds }: AuditGroup['worst'][number]): string {
  if (timeout_seconds !== undefined) return durationWithSeconds(timeout_seconds);
  return `below ${durationWithSeconds(below_seconds ?? 0)}`;
}

/** How a worst path fails: its mode, what else was found about it, and where the box stands. */
export function howWords({ mode, every_mode, conditions, places }: AuditGroup['worst'][number]): string {
  return [every_mode ? 'every mode' : mode, ...conditions, ...places].join(', ');
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

/** The groups with the largest shares of proven violations among the known paths; an empty text where there is one group. */
export function worstGroupsSentence({ groups }: AuditDocument): string {
  const bad = groups.filter(({ not_compliant }) => not_compliant > 0).slice(0, WORST_GROUPS);
  if (groups.length < 2 || bad.length === 0) return '';
  const words = bad.map((group) => {
    const known = group.compliant + group.not_compliant;
    const [lower, upper] = group.known_share_bounds ?? [0, 1];
    return `${group.name} ${shareWords(group.not_compliant, known)} of ${known} known (${rangeWords([1 - upper, 1 - lower])})`;
  });
  return `Worst by the share of paths that are not compliant, with its 95 % bounds: ${words.join('; ')}.`;
}

/** What the period says of all paths, in a sentence; an empty text without a period. */
export function periodSentence({ since, total: { period } }: AuditDocument): string {
  if (since === undefined || period === undefined) return '';
  const begin = `Since ${utcWords(since)} UTC`;
  const time =
    period.compliant_share === undefined
      ? 'nothing was known'
      : `compliant in ${percentWords(period.compliant_share)} of the time in which that was known (${percentWords(period.known_share)})`;
  if (period.before === undefined) return `${begin}: ${time}; no path was watched at the beginning.`;
  const { became_not_compliant: worse, became_compliant: better, added, gone } = period;
  return `${begin}: ${time}; ${worse} got worse, ${better} got better, ${added} new, ${gone} gone.`;
}

/** The result as a word. */
export function resultOf({ total }: AuditDocument): 'compliant' | 'not_compliant' | 'unknown' {
  if (total.not_compliant > 0) return 'not_compliant';
  return total.unknown === 0 ? 'compliant' : 'unknown';
}

/** How it was measured and counted, one sentence each. */
export function methodOf({ lookback_seconds, by, since }: AuditDocument): readonly string[] {
  return [
    'Each exporter leaves TCP connections to its target idle, breaks the silence once after a chosen time from one of its ends (the mode), and searches the idle time between survival and death; no death counts without a fresh connection that worked at that moment.',
    `A path (one target of one exporter) counts as compliant when every configured mode is proven to survive the required idle time, as not compliant when ${DEATHS_OF_A_CLAIM} independent deaths below it are proven in any mode, and as unknown else; a path that was watched within ${humanDuration(lookback_seconds)} before the audit but not at its moment is stale and counts as unknown.`,
    `Paths are grouped by ${by.join(' and ')}; minimum and median are over the smallest timeout of each path that has one, "≥" marks a value above which nothing has been seen to die, and the median of an even number is the lower one of the two in the middle; "so far" is what survived in every mode where nothing else is known yet.`,
    'The bounds of a share hold at 95 % (Wilson’s score interval), if the paths are a fair sample of what they stand for.',
    ...(since === undefined
      ? []
      : [
          `Of the period the paths are looked at in at most ${MOST_MOMENTS} equal steps, each by what was known at that moment; the comparison is with the beginning of the period.`,
        ]),
  ];
}
