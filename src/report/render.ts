/** The report in each of its forms. */
import { buildDocument, type ReportInput } from './build.js';
import { survivalChart } from './chart.js';
import { renderHtml } from './html.js';
import { renderMarkdown } from './markdown.js';
import { visibleJson } from '../visible.js';

/** The forms of the report, which are also the file name extensions. */
export type ReportFormat = 'html' | 'md' | 'json';

/** Every form. */
export const REPORT_FORMATS: readonly ReportFormat[] = ['html', 'md', 'json'];

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
      return renderHtml(document, survivalChart(document));
    case 'md':
      return renderMarkdown(document);
    case 'json':
      return `${visibleJson(document, 2)}\n`;
  }
}

/** The form that a file's name asks for by its extension; undefined when it asks for none of them. */
export function reportFormatOf(path: string): ReportFormat | undefined {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === 'htm') return 'html';
  return REPORT_FORMATS.find((format) => format === extension);
}
