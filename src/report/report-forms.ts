/** The report in each of its forms. */
import type { Html } from '../paper/html.js';
import { renderHtmlPage } from '../paper/html-page.js';
import { renderMarkdown } from '../paper/markdown.js';
import { visibleJson } from '../visible.js';
import { buildDocument, type ReportInput } from './build.js';
import { renderFlows } from './flows-csv.js';
import { reportPaper } from './report-blocks.js';

/** Every form of the report, which is also the file name extension. */
export const REPORT_FORMATS = ['html', 'md', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The forms of the report, and its tests alone as CSV. */
export const REPORT_FILES = [...REPORT_FORMATS, 'csv'] as const;
export type ReportFile = (typeof REPORT_FILES)[number];

/**
 * Renders a report.
 *
 * @param options `redact`: addresses, host names and what tells whose line it is are replaced or left out; `above`: what
 *   a site shows above the HTML
 * @returns one self-contained file's text, ending with a newline
 */
export function renderReport(
  input: ReportInput,
  options: { readonly format: ReportFile; readonly redact: boolean; readonly above?: Html | undefined },
): string {
  const document = buildDocument(input, options);
  switch (options.format) {
    case 'html':
      return renderHtmlPage(reportPaper(document), options);
    case 'md':
      return renderMarkdown(reportPaper(document));
    case 'json':
      return `${visibleJson(document, 2)}\n`;
    case 'csv':
      return renderFlows(document);
  }
}
