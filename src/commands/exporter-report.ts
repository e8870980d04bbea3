/** The report of a target as the exporter's site serves it: from a query, or from the form above it. */
import { systemTimeZone } from '../clock.js';
import { showValue } from '../config/problem.js';
import { defined } from '../defined.js';
import type { TargetSnapshot } from '../engine/snapshot.js';
import type { RenderedReport } from '../exporter/report-route.js';
import type { HistoryEntry } from '../history/entry.js';
import { isoTime } from '../paper/document-values.js';
import {
  REFERENCE_FIELDS,
  type ReferenceField,
  referenceOf,
  referenceProblem,
  timeZoneProblem,
} from '../report/reference.js';
import { reportForm } from '../report/report-form.js';
import { REPORT_FILES, type ReportFile, renderReport } from '../report/report-forms.js';
import type { Seconds } from '../units.js';

const CONTENT_TYPES: Readonly<Record<ReportFile, string>> = {
  html: 'text/html; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
};

/** What a report is made from beside the target. */
export interface ReportSources {
  /** Unix time of the report, seconds. */
  readonly at: Seconds;
  readonly history: readonly HistoryEntry[];
  /** The program's version. */
  readonly version: string;
}

/**
 * Renders the report of a target. `query`: `?format=html|md|json|csv` gives the file alone, without it HTML comes with a
 * form above it; `?redact=1` hides addresses, host names and whose line it is. `form`: what was sent from that form.
 * @returns what is wrong with the form, one line each, in the place of the report
 */
export function reportOf(
  snapshot: TargetSnapshot,
  { at, history, version }: ReportSources,
  query: URLSearchParams,
  form: URLSearchParams = new URLSearchParams(),
): RenderedReport {
  const problems = problemsOf(form);
  if (problems.length > 0)
    return { status: 400, contentType: 'text/plain; charset=utf-8', body: `${problems.join('\n')}\n` };
  const save = REPORT_FILES.find((each) => each === form.get('save'));
  const asked = save ?? REPORT_FILES.find((each) => each === query.get('format'));
  const format = asked ?? 'html';
  const redact = [query, form].some((from) => ['1', 'true', 'yes'].includes(from.get('redact') ?? ''));
  const reference = referenceOf((field) => form.get(field) ?? undefined);
  const timeZone = form.get('time_zone')?.trim() || systemTimeZone();
  const above = asked === undefined ? reportForm({ reference, timeZone, redact }) : undefined;
  const input = { snapshot, at, version, history, reference, timeZone };
  return defined({
    contentType: CONTENT_TYPES[format],
    body: renderReport(input, { format, redact, above }),
    fileName: save && fileNameOf(snapshot.config.name, at, save),
  });
}

function problemsOf(form: URLSearchParams): string[] {
  const problem = (name: string, rule: string | undefined): string[] =>
    rule === undefined ? [] : [`${name}: ${rule}, found ${showValue(form.get(name) ?? '')}`];
  const zone = form.get('time_zone')?.trim() ?? '';
  return [
    ...Object.keys(REFERENCE_FIELDS).flatMap((name) =>
      problem(name, referenceProblem(form.get(name as ReferenceField)?.trim() ?? '')),
    ),
    ...problem('time_zone', zone === '' ? undefined : timeZoneProblem(zone)),
  ];
}

/** A name that every system takes: `idle-timeout-vps-2026-11-20.html`. */
function fileNameOf(target: string, at: Seconds, format: ReportFile): string {
  const about = target.replace(/[^A-Za-z0-9.-]+/g, '_').replace(/^\.+/, '');
  return `idle-timeout-${about}-${isoTime(at).slice(0, 10)}.${format}`;
}
