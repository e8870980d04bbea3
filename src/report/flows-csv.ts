/** Every test of a report as CSV: what somebody greps the log of a carrier-grade NAT for. */
import { csvOf } from '../paper/csv.js';
import { isUtc, localWords } from '../paper/document-values.js';
import type { ModeResult, ReportDocument, TestResult } from './report-document.js';

type Value = string | number | undefined;

const COLUMNS: readonly (readonly [
  heading: string,
  value: (test: TestResult, mode: ModeResult, document: ReportDocument) => Value,
])[] = [
  ['tested_utc', ({ at }) => at],
  [
    'tested_local',
    ({ at }, _, { time_zone: zone }) => (zone && !isUtc(zone) ? localWords(at, zone) : undefined),
  ],
  ['silent_since_utc', ({ at, idle_seconds: idle }) => wholeSeconds(Date.parse(at) - idle * 1000)],
  ['idle_seconds', (test) => test.idle_seconds],
  ['mode', (_, { mode }) => mode],
  ['verdict', ({ verdict }) => verdict],
  ['reason', ({ reason }) => reason],
  ['local_address', (test) => test.local_address],
  ['seen_address', (test) => test.seen_address],
  ['remote_address', (test) => test.remote_address],
  ['path', (_, __, { target }) => target.name],
  ['customer', (_, __, { reference }) => reference?.customer],
  ['contract', (_, __, { reference }) => reference?.contract],
  ['ticket', (_, __, { reference }) => reference?.ticket],
];

function wholeSeconds(milliseconds: number): string {
  return new Date(Math.round(milliseconds / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** A line for each test, the oldest first. */
export function renderFlows(document: ReportDocument): string {
  const rows = document.modes
    .flatMap((mode) => mode.tests.map((test) => ({ mode, test })))
    .sort((a, b) => Date.parse(a.test.at) - Date.parse(b.test.at))
    .map(({ mode, test }) => COLUMNS.map(([, value]) => value(test, mode, document)));
  return csvOf(
    COLUMNS.map(([heading]) => heading),
    rows,
  );
}
