/** The documents that every site shows, for alerts link to them: the runbook and the known timeouts. */
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import { FILE_LIMITS, readRegularFile } from '../files.js';
import { renderMarkdownPage } from '../paper/markdown-page.js';
import { DOCUMENT_POLICY, securityHeaders } from './base-app.js';

interface Document {
  /** Its path on a site. */
  readonly path: string;
  readonly words: string;
  /** Its name in docs/. */
  readonly file: string;
}

const DOCUMENTS: readonly Document[] = [
  { path: '/runbook', words: 'Runbook', file: 'RUNBOOK.md' },
  { path: '/known-timeouts', words: 'Known timeouts', file: 'KNOWN-TIMEOUTS.md' },
];

/** Where they are: the same for everybody, so that they answer under any name of the server. */
export const MANUAL_PATHS: readonly string[] = DOCUMENTS.map(({ path }) => path);

/** Links to them, relative to a site's first page: words and where they lead. */
export const MANUAL_LINKS: readonly (readonly [words: string, target: string])[] = DOCUMENTS.map(
  ({ path, words }) => [words, path.slice(1)],
);

/** Makes the documents exist on a site; each is read and rendered when it is first asked for. */
export function serveManual(app: Express): void {
  for (const document of DOCUMENTS) {
    let page: string | undefined;
    app.get(document.path, securityHeaders(DOCUMENT_POLICY), (_request, response) => {
      page ??= render(document);
      response.type('text/html').send(page);
    });
  }
}

function render({ file, path }: Document): string {
  return renderMarkdownPage({
    markdown: readRegularFile(
      fileURLToPath(new URL(`../../docs/${file}`, import.meta.url)),
      FILE_LIMITS.config,
    ).toString('utf8'),
    linkTo: (target) => {
      const [name, anchor] = target.split('#', 2);
      const known = DOCUMENTS.find((each) => each.file === name);
      return known && `${known.path.slice(1)}${anchor === undefined ? '' : `#${anchor}`}`;
    },
    ways: [['Status page', './'], ...MANUAL_LINKS.filter(([, to]) => to !== path.slice(1))],
  });
}
