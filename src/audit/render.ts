/** The audit in each of its forms. */
import { distributionChart } from './chart.js';
import type { AuditDocument } from './document.js';
import { renderHtml } from './html.js';
import { renderCsv, renderMarkdown } from './text.js';
import { visibleJson } from '../visible.js';

/** The forms of the report, which are also the file name extensions. */
export const AUDIT_FORMATS = ['html', 'csv', 'md', 'json'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** One self-contained file's text, ending with a newline. */
export function renderAudit(document: AuditDocument, format: AuditFormat): string {
  switch (format) {
    case 'html':
      return renderHtml(document, distributionChart(document));
    case 'csv':
      return renderCsv(document);
    case 'md':
      return renderMarkdown(document);
    case 'json':
      return `${visibleJson(document, 2)}\n`;
  }
}
