/** The report as an answer to an HTTP request. */
import type { ReportInput } from './build.js';
import { REPORT_FORMATS, type ReportFormat, renderReport } from './render.js';

const CONTENT_TYPES: Readonly<Record<ReportFormat, string>> = {
  html: 'text/html; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  json: 'application/json; charset=utf-8',
};

/**
 * Renders what a query asks for: `format=html|md|json` (HTML when absent or unknown), `redact=1` or `redact=true` for
 * placeholders instead of addresses and host names.
 */
export function reportPage(
  input: ReportInput,
  query: URLSearchParams,
): { readonly contentType: string; readonly body: string } {
  const format = REPORT_FORMATS.find((known) => known === query.get('format')) ?? 'html';
  const redact = ['1', 'true'].includes(query.get('redact') ?? '');
  return { contentType: CONTENT_TYPES[format], body: renderReport(input, { format, redact }) };
}
