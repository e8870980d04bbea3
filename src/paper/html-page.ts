/** A paper as one HTML page: no requests, no script, made for A4 and for a mail's attachment. */
import type { Block, Cell, Facts, Figure, List, Paper, Row, Section, Table } from './blocks.js';
import { saidIn } from './blocks.js';
import { visible } from '../visible.js';
import { COLOURS } from './drawing.js';
import { Html, html } from './html.js';
import { PAPER_STYLE } from './paper-style.js';

/** Renders the whole page, ending with a newline. @param above what a site adds above it, never printed */
export function renderHtmlPage(paper: Paper, { above }: { readonly above?: Html | undefined } = {}): string {
  const { title, subject, heading, verdict, opening, sections, footer, running, wide = false } = paper;
  const colon = verdict.sentence.indexOf(':') + 1;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${subject === undefined ? title : `${title}: ${subject}`}</title>
<style>${new Html(PAPER_STYLE + pageFoot(running ?? title))}</style>
</head>
<body${wide && html` class="wide"`}>
${above}<main>
<header>
<h1>${heading}</h1>
<p class="verdict ${verdict.tone}"><strong>${verdict.sentence.slice(0, colon)}</strong>${verdict.sentence.slice(colon)}</p>
${saidIn(opening).map(blockOf)}</header>
${sections.map(sectionOf)}</main>
<footer><p>${footer}</p></footer>
</body>
</html>
`.text;
}

/** The foot of printed pages, where the browser knows margin boxes (Chromium 131). */
function pageFoot(running: string): string {
  const box = (place: string, content: string): string =>
    `@${place} { content: ${content}; font: 7.5pt system-ui, "Liberation Sans", sans-serif; color: ${COLOURS.quiet}; }`;
  return `@page { ${box('bottom-left', cssString(running))} ${box('bottom-right', '"page " counter(page) " of " counter(pages)')} }\n`;
}

/** A text as a string of CSS, in which nothing ends it or the style sheet. */
function cssString(text: string): string {
  const escaped = visible(text).replace(
    /[^A-Za-z0-9 ,.:()-]/gu,
    (character) => `\\${(character.codePointAt(0) ?? 0).toString(16)} `,
  );
  return `"${escaped}"`;
}

function sectionOf({ heading, blocks, ask = false, newPage = false }: Section): Html | undefined {
  const said = saidIn(blocks);
  if (said.length === 0) return undefined;
  const classes = [ask && 'ask', newPage && 'new-page'].filter(Boolean).join(' ');
  return html`<section${classes !== '' && html` class="${classes}"`}>
<h2>${heading}</h2>
${said.map(blockOf)}</section>
`;
}

function blockOf(block: Block): Html {
  if (typeof block === 'string') return html`<p>${block}</p>\n`;
  switch (block.kind) {
    case 'small':
    case 'warning':
      return html`<p class="${block.kind}">${block.text}</p>\n`;
    case 'facts':
      return factsOf(block);
    case 'list':
      return listOf(block);
    case 'table':
      return tableOf(block);
    case 'quotation':
      return html`<figure class="quote"><blockquote><p>${block.text}</p></blockquote><figcaption><a href="${block.url}">${block.source}</a></figcaption></figure>\n`;
    case 'snippets':
      return html`<div class="snippets">
${block.snippets.map(({ product, text, note }) => html`<div><h3>${product}${note !== undefined && html` <small>(${note})</small>`}</h3>\n<pre><code>${text}</code></pre></div>\n`)}</div>\n`;
    case 'figure':
      return figureOf(block);
  }
}

function factsOf({ facts }: Facts): Html {
  return html`<dl class="facts">
${facts.map(([name, value]) => value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>\n`;
}

function listOf({ items }: List): Html {
  return html`<ul>
${items.map(
  ({ text, tag, under = [] }) =>
    html`<li>${text}${tag !== undefined && html` <span class="tag">${tag}</span>`}${under.length > 0 && html`\n<ul class="small">${under.map((line) => html`<li>${line}</li>`)}</ul>`}</li>\n`,
)}</ul>\n`;
}

function tableOf({ columns, rows, total, rowHeadings = false, dense = false }: Table): Html {
  const isNumeric = (column: number): boolean => typeof columns[column] === 'object';
  const headOf = (column: Table['columns'][number], index: number): Html =>
    html`<th scope="col"${isNumeric(index) && html` class="n"`}>${typeof column === 'string' ? column : column.text}</th>`;
  const cellOf = (cell: Cell, column: number): Html => {
    const { text, note, tone, tag = false } = typeof cell === 'string' ? { text: cell } : cell;
    const content = html`${tag ? html`<span class="tag ${tone}">${text}</span>` : text}${note !== undefined && html`<span class="sub">${note}</span>`}`;
    if (rowHeadings && column === 0) return html`<th scope="row">${content}</th>`;
    const classes = [isNumeric(column) && 'n', !tag && tone].filter(Boolean).join(' ');
    return html`<td${classes !== '' && html` class="${classes}"`}>${content}</td>`;
  };
  const rowOf = ({ cells, tone }: Row): Html =>
    html`<tr${tone !== undefined && html` class="${tone}"`}>${cells.map(cellOf)}</tr>\n`;
  return html`<table${dense && html` class="dense"`}>
<thead><tr>${columns.map(headOf)}</tr></thead>
<tbody>
${rows.map(rowOf)}</tbody>
${total !== undefined && html`<tfoot>${rowOf(total)}</tfoot>\n`}</table>\n`;
}

function figureOf({ svg, alternative, key, caption }: Figure): Html {
  return html`<figure>
<div role="img" aria-label="${alternative}">${svg}</div>
<figcaption>${key.map(({ mark, tone, words }) => html`<span class="key ${tone}">${mark}</span> ${words} `)}
${caption}</figcaption>
</figure>\n`;
}
