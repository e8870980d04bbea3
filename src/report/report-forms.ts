/** The report in each of its forms. */
import { renderHtmlPage } from '../paper/html-page.js';
import { renderMarkdown } from '../paper/markdown.js';
import { visibleJson } from '../visible.js';
import { buildDocument, type ReportInput } from './build.js';
import { reportPaper } from './report-blocks.js';

/** Every form of the report, which is also the file name extension. */
export const REPORT_FORMATS = ['html', 'md', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/**
 * Renders a report.
 *
 * @param options `redact`: addresses and host names are replaced by placeholders
 * @returns one self-contained file's text, ending with a newline
 */
export function renderReport(
  input: ReportInput,
  options: { readonly format: ReportFormat; readonly redact: boolean },
): string {
  const document = buildDocument(input, options);
  switch (options.format) {
    case 'html':
      return renderHtmlPage(reportPaper(document));
    case 'md':
      return renderMarkdown(reportPaper(document));
    case 'json':
      return `${visibleJson(document, 2)}\n`;
  }
}
