/** A document of this repository as one HTML page: no requests, no script, an anchor for each heading. */
import { Marked, type Tokens } from 'marked';
import { Html, html } from './html.js';
import { PAPER_STYLE } from './paper-style.js';

export interface MarkdownPage {
  /** The document; it is trusted to be ours, and HTML in it is shown as text all the same. */
  readonly markdown: string;
  /** Where a link leads on this site; undefined: nowhere, only its words are shown. */
  readonly linkTo: (target: string) => string | undefined;
  /** Links above the document: words and where they lead. */
  readonly ways: readonly (readonly [words: string, target: string])[];
}

/** What a browser and a mail program open by themselves, and a place on the same page. */
const OUTSIDE = /^(https?:\/\/|#)/;

/** Renders the page, ending with a newline. The title is the document's first heading. */
export function renderMarkdownPage({ markdown, linkTo, ways }: MarkdownPage): string {
  const headings: { readonly depth: number; readonly words: string; readonly id: string }[] = [];
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        const id = anchorOf(text);
        headings.push({ depth, words: text, id });
        return html`<h${depth} id="${id}">${new Html(this.parser.parseInline(tokens))}</h${depth}>\n`.text;
      },
      html: ({ text }: Tokens.HTML | Tokens.Tag) => html`${text}`.text,
      link({ href, tokens }: Tokens.Link) {
        const words = new Html(this.parser.parseInline(tokens));
        const target = OUTSIDE.test(href) ? href : linkTo(href);
        return target === undefined ? words.text : html`<a href="${target}">${words}</a>`.text;
      },
    },
  });
  const text = marked.parse(markdown, { async: false });
  const chapters = headings.filter(({ depth }) => depth === 2);
  const contents = html`<nav class="contents" aria-label="On this page"><ul>${chapters.map(({ words, id }) => html`<li><a href="#${id}">${words}</a></li>`)}</ul></nav>\n`;
  const body = text
    // A wide table scrolls by itself, not the page.
    .replaceAll('<table>', '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>')
    .replace('</h1>\n', chapters.length > 1 ? `</h1>\n${contents.text}` : '$&');
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${headings[0]?.words ?? ''} – nat-idle-exporter</title>
<style>${new Html(PAPER_STYLE)}</style>
</head>
<body class="document">
<nav aria-label="Pages">${ways.map(([words, target]) => html`<a href="${target}">${words}</a> `)}</nav>
<main>
${new Html(body)}</main>
</body>
</html>
`.text;
}

/** The anchor of a heading, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
