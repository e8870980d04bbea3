/** The report's first page: what second-level support needs to find the line, and the connections that prove it. */
import { listed, REASON_WORDS } from '../core/words.js';
import { requirementOf } from '../core/modes.js';
import { plainSeconds } from '../core/human-duration.js';
import type { Block, Facts, Section } from '../paper/blocks.js';
import { isUtc, localWords, utcWords } from '../paper/document-values.js';
import { REFERENCE_FIELDS } from './reference.js';
import type { ModeResult, ReportDocument, TestResult } from './report-document.js';

/** Connections that the first page shows. */
const SHOWN_FLOWS = 5;

/** A test with the mode that made it. */
interface Flow {
  readonly mode: ModeResult['mode'];
  readonly test: TestResult;
}

/** Whom and what it concerns. */
export function coverFacts({ reference = {}, target, generated, time_zone: zone }: ReportDocument): Facts {
  const { name, host, address, local_address, seen_address, nat_detected, labels } = target;
  const translation = nat_detected === true ? 'yes' : 'none seen';
  const ends = [...new Set([host, address])].filter((part) => part !== undefined);
  return {
    kind: 'facts',
    facts: [
      ...Object.entries(REFERENCE_FIELDS).map(
        ([field, words]) => [words, reference[field as keyof typeof REFERENCE_FIELDS]] as const,
      ),
      ['Path', name],
      ['Far end', ends.join(', ') || undefined],
      ['This end', local_address],
      ['This end as the far end sees it', seen_address],
      ['Address translation', nat_detected === undefined ? undefined : translation],
      ...Object.entries(labels),
      ['Report of', `${utcWords(generated)} UTC`],
      ['Local time', isLocal(zone) ? `${localWords(generated, zone)} (${zone})` : undefined],
    ],
  };
}

function isLocal(zone: string | undefined): zone is string {
  return zone !== undefined && !isUtc(zone);
}

/** The newest connections that were forgotten too early; nothing where nothing is proven. */
export function failingFlows(document: ReportDocument): Section {
  const flows = newestFailures(document);
  const zone = isLocal(document.time_zone) ? document.time_zone : undefined;
  const ends = new Set(flows.map(({ test }) => test.remote_address));
  const sameEnd = ends.size === 1 ? flows[0]?.test.remote_address : undefined;
  const table: Block = {
    kind: 'table',
    dense: true,
    columns: [
      'tested, UTC',
      ...(zone === undefined ? [] : [`local time, ${zone}`]),
      ...['idle for', 'mode', 'outcome', 'this end', 'as the far end sees it'],
      ...(sameEnd === undefined ? ['far end'] : []),
    ],
    rows: flows.map(({ mode, test }) => ({
      cells: [
        utcWords(test.at),
        ...(zone === undefined ? [] : [localWords(test.at, zone)]),
        plainSeconds(test.idle_seconds),
        mode,
        REASON_WORDS[test.reason],
        test.local_address ?? '',
        test.seen_address ?? '',
        ...(sameEnd === undefined ? [test.remote_address ?? ''] : []),
      ],
    })),
  };
  const where = sameEnd === undefined ? '' : ` to ${sameEnd}`;
  return {
    heading: 'Connections that were forgotten',
    blocks:
      flows.length === 0
        ? []
        : [
            table,
            {
              kind: 'small',
              text: `The newest ${flows.length === 1 ? 'one' : flows.length} of ${countFailures(document)}, TCP${where}. Each was silent for its idle time until the test; a fresh connection worked at the same moment. All tests stand at the end of this report.`,
            },
          ],
  };
}

/** Deaths that prove a violation: in a mode that is not compliant, not shorter than what others survived. */
function failuresOf({ mode, result, lower_bound_seconds: lower = 0, tests }: ModeResult): Flow[] {
  if (result !== 'not_compliant') return [];
  const required = requirementOf(mode).idle;
  return tests
    .filter(
      ({ verdict, idle_seconds }) => verdict === 'dead' && idle_seconds >= lower && idle_seconds < required,
    )
    .map((test) => ({ mode, test }));
}

function countFailures({ modes }: ReportDocument): number {
  return modes.flatMap(failuresOf).length;
}

/** Newest first; each mode that fails has its newest among them, as far as they go. */
function newestFailures({ modes }: ReportDocument): Flow[] {
  const newest = (a: Flow, b: Flow): number => Date.parse(b.test.at) - Date.parse(a.test.at);
  return modes
    .flatMap((mode) =>
      failuresOf(mode)
        .sort(newest)
        .map((flow, rank) => ({ flow, rank })),
    )
    .sort((a, b) => a.rank - b.rank || newest(a.flow, b.flow))
    .slice(0, SHOWN_FLOWS)
    .map(({ flow }) => flow)
    .sort(newest);
}

/** What stands at the foot of every page: which report it belongs to. */
export function runningLine({ target, reference = {}, generated }: ReportDocument): string {
  const { ticket, contract } = reference;
  const about = [
    `path ${target.name}`,
    ...(ticket === undefined ? [] : [`ticket ${ticket}`]),
    ...(contract === undefined ? [] : [`contract ${contract}`]),
  ];
  return `Idle timeout, ${listed(about)}, ${utcWords(generated)} UTC`;
}
