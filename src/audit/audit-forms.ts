/** The audit in each of its forms. */
import { renderHtmlPage } from '../paper/html-page.js';
import { renderMarkdown } from '../paper/markdown.js';
import { visibleJson } from '../visible.js';
import { renderGroups } from './audit-csv.js';
import { auditPaper } from './audit-blocks.js';
import type { AuditDocument } from './audit-document.js';

/** The forms of the report, which are also the file name extensions. */
export const AUDIT_FORMATS = ['html', 'csv', 'md', 'json'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** One self-contained file's text, ending with a newline. */
export function renderAudit(document: AuditDocument, format: AuditFormat): string {
  switch (format) {
    case 'html':
      return renderHtmlPage(auditPaper(document));
    case 'csv':
      return renderGroups(document);
    case 'md':
      return renderMarkdown(auditPaper(document));
    case 'json':
      return `${visibleJson(document, 2)}\n`;
  }
}
