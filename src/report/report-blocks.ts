/** What the report says, block by block, in the order in which second-level support reads. */
import { methodOf } from '../config/far-ends.js';
import { defined } from '../defined.js';
import type { Finding } from '../core/finding.js';
import { proofWords } from '../core/diagnosis/proof.js';
import { leftOutWords, TRIED_WORDS } from '../core/diagnosis/settings.js';
import { type Mode, requirementOf, requirementsOf } from '../core/modes.js';
import { durationWithSeconds, humanDuration, plainSeconds } from '../core/human-duration.js';
import { type Bracket, listed, REASON_WORDS, timeoutWords, whatWasSeen } from '../core/words.js';
import { changesOf } from '../history/changes.js';
import { type Block, type Cell, type Paper, type Section, tagged, type Tone } from '../paper/blocks.js';
import { RESULT_TONES, STANDARDS } from '../paper/standards.js';
import { utcWords } from '../paper/document-values.js';
import type { ModeResult, ReportDocument, TestResult } from './report-document.js';
import { locatedBlocks } from './located-blocks.js';
import { coverFacts, failingFlows, runningLine } from './report-cover.js';
import { survivalChart } from './survival-chart.js';

const RESULT_WORDS: Readonly<Record<ModeResult['result'], string>> = {
  compliant: 'compliant',
  not_compliant: 'not compliant',
  unknown: 'no verdict',
};

/** What an explanation's certainty means. */
const CERTAINTY_WORDS: Readonly<Record<ReportDocument['explanations'][number]['certainty'], string>> = {
  measured: 'measured',
  likely: 'likely',
  hint: 'a hint only',
};

/** How far another cause is excluded. */
const STATUS: Readonly<Record<ReportDocument['ruled_out'][number]['status'], Cell>> = {
  ruled_out: tagged('ruled out', 'good'),
  possible: tagged('possible', 'bad'),
  unknown: tagged('not known'),
};

/** The survivors are what is usual, and have none. */
const ROW_TONES: Readonly<Record<TestResult['verdict'], Tone | undefined>> = {
  alive: undefined,
  dead: 'bad',
  inconclusive: 'quiet',
};

/** The whole report. */
export function reportPaper(document: ReportDocument): Paper {
  const { target, verdict, program, redacted, modes, controls, explanations, events } = document;
  const flows = failingFlows(document);
  return {
    title: 'Idle timeout of TCP connections',
    heading: 'How long this path remembers an idle TCP connection',
    subject: target.name,
    verdict: { sentence: verdict.sentence, tone: RESULT_TONES[verdict.result] },
    opening: [
      document.complete
        ? undefined
        : { kind: 'warning', text: 'The measurement was not finished when this report was made.' },
      coverFacts(document),
    ],
    sections: [
      { heading: 'What is asked for', blocks: [document.ask], ask: true },
      flows,
      // What is proven has a page of its own; without it there is no cover to be turned.
      { heading: 'Result per mode', blocks: summary(modes), newPage: flows.blocks.length > 0 },
      { heading: 'Every test at its idle time', blocks: [chart(document)] },
      { heading: 'Which box forgets', blocks: locatedBlocks(document.localization) },
      { heading: 'What it may mean', blocks: [meanings(explanations)] },
      { heading: 'What was measured, and how', blocks: howItWasMeasured(document) },
      { heading: 'Controls', blocks: [{ kind: 'list', items: controls.map((text) => ({ text })) }] },
      { heading: 'Other causes', blocks: [otherCauses(document.ruled_out)] },
      STANDARDS,
      { heading: 'Changes in the last 30 days', blocks: [changes(document)] },
      ...modes.filter((mode) => mode.tests.length > 0).map(tests),
      { heading: 'Events', blocks: [eventTable(events)] },
      { heading: 'Until then: settings that keep idle connections alive', blocks: settings(document) },
    ],
    running: runningLine(document),
    footer:
      `Made by nat-idle-exporter ${program.version}. All times are UTC unless said otherwise.` +
      (redacted ? ' Addresses and host names are replaced by placeholders; ports are as they were.' : ''),
  };
}

/** A mode's result in the form that the words for findings take. */
function findingOf(mode: ModeResult): Bracket & Pick<Finding, 'timeout'> {
  return defined({
    timeout: mode.timeout_seconds,
    lower: mode.lower_bound_seconds,
    upper: mode.upper_bound_seconds,
    compliant: mode.result === 'unknown' ? undefined : mode.result === 'compliant',
    mixture: mode.mixture && {
      share: mode.mixture.share,
      shareLower: mode.mixture.share_lower,
      shareUpper: mode.mixture.share_upper,
      survived: mode.mixture.survived_seconds,
    },
  });
}

function resultCell(result: ModeResult['result']): Exclude<Cell, string> {
  return tagged(RESULT_WORDS[result], result === 'unknown' ? undefined : RESULT_TONES[result]);
}

/** What modes are measured against, as the heading of a column. */
function requiredOf(modes: readonly { readonly mode: Mode }[]): readonly string[] {
  return requirementsOf(modes.map(({ mode }) => mode)).map(({ clause }) => clause);
}

function summary(modes: readonly ModeResult[]): Block[] {
  const clauses = requiredOf(modes);
  // Where one heading holds for all, no row repeats it.
  const note = (mode: Mode): string | undefined =>
    clauses.length > 1 ? requirementOf(mode).clause : undefined;
  return [
    {
      kind: 'table',
      rowHeadings: true,
      columns: ['who breaks the silence', 'idle timeout', 'what was seen', 'deaths', listed(clauses)],
      rows: modes.map((mode) => ({
        cells: [
          { text: mode.mode, note: mode.meaning },
          timeoutWords(mode.mode, findingOf(mode)),
          {
            text: whatWasSeen(findingOf(mode)),
            note: mode.confirmed === undefined ? undefined : `confirmed ${utcWords(mode.confirmed)}`,
          },
          String(mode.deaths),
          { ...resultCell(mode.result), note: note(mode.mode) },
        ],
      })),
    },
    {
      kind: 'small',
      text: '“Deaths” are independent repeats: each is another connection that did not survive an idle time near the upper bound.',
    },
  ];
}

function chart(document: ReportDocument): Block {
  const seen = document.modes.map((mode) => `${mode.mode}: ${whatWasSeen(findingOf(mode))}.`);
  return {
    kind: 'figure',
    svg: survivalChart(document),
    alternative: `Survival by idle time. ${seen.join(' ')}`,
    key: [
      { mark: '●', tone: 'good', words: 'answered' },
      { mark: '×', tone: 'bad', words: 'dead' },
      { mark: '◇', tone: 'quiet', words: 'says nothing.' },
    ],
    caption:
      'Each mode’s strip runs from the earliest test (top) to the newest (bottom). Green ground: survived; yellow: not decided; red: did not survive.',
  };
}

function meanings(explanations: ReportDocument['explanations']): Block {
  return {
    kind: 'list',
    items: explanations.map(({ text, certainty, evidence }) => ({
      text,
      tag: CERTAINTY_WORDS[certainty],
      under: evidence,
    })),
  };
}

/** How it was measured, one sentence each, for the protocol in use. */
function howItWasMeasured({ search, target }: ReportDocument): string[] {
  return [
    'Every test uses a TCP connection of its own, with TCP keepalive turned off. It is left idle, then the silence is broken once, and it is never used again.',
    `Idle times from ${humanDuration(search.min_idle_seconds)} to ${humanDuration(search.max_idle_seconds)} were asked for, with at most ${search.connections} idle connections per mode; a test without an answer within ${humanDuration(search.deadline_seconds)} is a death.`,
    'The lower bound is the longest idle time that survived, the upper bound the shortest that did not. The timeout lies between them.',
    methodOf(target.protocol),
  ];
}

function otherCauses(causes: ReportDocument['ruled_out']): Block {
  const rows = causes.map(({ cause, status, why }) => ({ cells: [cause, STATUS[status], why] }));
  return { kind: 'table', rowHeadings: true, columns: ['cause', 'status', 'why'], rows };
}

function settings(document: ReportDocument): Block[] {
  const { keepalive_recommended_seconds: interval, keepalive_tried: tried } = document;
  const { settings: listed, settings_left_out: leftOut } = document;
  if (interval === undefined || listed.length + leftOut.length === 0) return [];
  const snippets = listed.map(({ product, text, tried: how }) => ({ product, text, note: TRIED_WORDS[how] }));
  return [
    `Something has to be sent every ${durationWithSeconds(interval)}, half of the shortest time that survived.`,
    {
      kind: 'list',
      items: [
        ...tried.map(({ kind, held, interval_seconds }) => ({
          text: proofWords({ kind, held, interval: interval_seconds }),
        })),
        ...leftOutWords({ leftOut }).map((text) => ({ text })),
      ],
    },
    { kind: 'snippets', snippets },
  ];
}

/** The history reduced to the moments at which something changed by more than a test's noise. */
function changes({ history, modes }: ReportDocument): Block {
  const changed = changesOf(history.map((entry) => ({ ...entry, timeout: entry.timeout_seconds })));
  const rows = changed.map(({ now: { at, mode, timeout, compliant } }) => ({
    cells: [
      utcWords(at),
      mode,
      timeout === undefined ? 'not known' : durationWithSeconds(timeout),
      compliant === undefined
        ? RESULT_WORDS.unknown
        : RESULT_WORDS[compliant ? 'compliant' : 'not_compliant'],
    ],
  }));
  return { kind: 'table', columns: ['UTC', 'mode', 'idle timeout', listed(requiredOf(modes))], rows };
}

/** Every test of a mode; the far end stands above them where it is always the same. */
function tests({ mode, tests: all }: ModeResult): Section {
  const ends = new Set(all.map((test) => test.remote_address));
  const sameEnd = ends.size === 1 ? all[0]?.remote_address : undefined;
  const ownColumn = sameEnd === undefined;
  return {
    heading: `Tests in mode ${mode}`,
    blocks: [
      ownColumn ? undefined : { kind: 'small', text: `Far end of every test: ${sameEnd}` },
      {
        kind: 'table',
        dense: true,
        columns: [
          ...['UTC', 'idle for', 'verdict', 'evidence', 'this end', 'this end as the far end sees it'],
          ...(ownColumn ? ['far end'] : []),
        ],
        rows: all.map((test) => ({
          cells: [
            utcWords(test.at),
            plainSeconds(test.idle_seconds),
            test.verdict,
            REASON_WORDS[test.reason],
            test.local_address ?? '',
            test.seen_address ?? '',
            ...(ownColumn ? [test.remote_address ?? ''] : []),
          ],
          tone: ROW_TONES[test.verdict],
        })),
      },
    ],
  };
}

function eventTable(events: ReportDocument['events']): Block {
  const rows = events.map(({ at, mode = '', text }) => ({ cells: [utcWords(at), mode, text] }));
  return { kind: 'table', dense: true, columns: ['UTC', 'mode', 'what happened'], rows };
}
