/**
 * The report that a customer can attach for the provider's second-level support, and the document behind it.
 *
 * ```ts
 * const html = renderReport({ snapshot, at: clock.wall(), version }, { format: 'html', redact: true });
 * ```
 */
export { buildDocument, isComplete, type ReportInput } from './build.js';
export { documentJsonSchema, documentSchema, type ReportDocument } from './document.js';
export { REPORT_FORMATS, type ReportFormat, renderReport, reportFormatOf } from './render.js';
