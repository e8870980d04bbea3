/** A paper as Markdown, for a ticket or an issue tracker; drawings are left out. */
import { visible, visibleLines } from '../visible.js';
import type { Block, Cell, List, Paper, Row, Section, Table } from './blocks.js';
import { saidIn } from './blocks.js';

/** Renders the whole text, ending with a newline. */
export function renderMarkdown({ heading, subject, verdict, opening, sections, footer }: Paper): string {
  const blocks = [
    `# ${plain(subject === undefined ? heading : `${heading}: ${subject}`)}`,
    `**${plain(verdict.sentence)}**`,
    ...saidIn(opening).flatMap(blockOf),
    ...sections.flatMap(sectionOf),
    plain(footer),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** A section without anything in it but a drawing is left out with it. */
function sectionOf({ heading, blocks }: Section): string[] {
  const content = saidIn(blocks).flatMap(blockOf);
  return content.length === 0 ? [] : [`## ${plain(heading)}`, ...content];
}

function blockOf(block: Block): string[] {
  if (typeof block === 'string') return [plain(block)];
  switch (block.kind) {
    case 'small':
      return [plain(block.text)];
    case 'warning':
      return [`**${plain(block.text)}**`];
    case 'facts':
      return [
        list(
          block.facts.flatMap(([name, value]) =>
            value === undefined ? [] : `${plain(name)}: ${plain(value)}`,
          ),
        ),
      ];
    case 'list':
      return [list(block.items.map(itemOf))];
    case 'table':
      return tableOf(block);
    case 'quotation':
      return [`> ${plain(block.text)}\n>\n> [${plain(block.source)}](${block.url})`];
    case 'snippets':
      return block.snippets.flatMap(({ product, text, note }) => [
        `### ${plain(note === undefined ? product : `${product} (${note})`)}`,
        fenced(text),
      ]);
    case 'figure':
      return [];
  }
}

function itemOf({ text, tag, under = [] }: List['items'][number]): string {
  const first = plain(tag === undefined ? text : `${text} (${tag})`);
  return [first, ...under.map((line) => `  - ${plain(line)}`)].join('\n');
}

function tableOf({ columns, rows, total }: Table): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const all = total === undefined ? rows : [...rows, total];
  const notes = all.flatMap(smallPrintOf);
  return [
    [
      line(columns.map((column) => plain(typeof column === 'string' ? column : column.text))),
      `|${columns.map((column) => (typeof column === 'string' ? '---|' : '---:|')).join('')}`,
      ...all.map(({ cells }) => line(cells.map((cell) => plain(textOf(cell))))),
    ].join('\n'),
    ...(notes.length === 0 ? [] : [list(notes)]),
  ];
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

/** The small print of a row's cells in a line below the table, behind the row's first cell: there is no room inside. */
function smallPrintOf({ cells }: Row): string[] {
  const [first, ...others] = cells.flatMap((cell) =>
    typeof cell === 'string' || cell.note === undefined ? [] : [cell.note],
  );
  if (first === undefined) return [];
  const more = others.map((note) => ` (${note})`).join('');
  return [plain(`${textOf(cells[0] ?? '')}: ${first}${more}`)];
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

/** A block of code with a fence that the text itself cannot end. */
function fenced(text: string): string {
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length + 1);
  const fence = '`'.repeat(Math.max(3, ...runs));
  return `${fence}\n${visibleLines(text)}\n${fence}`;
}

/**
 * Text that Markdown leaves alone: no markup (also at its beginning, where a sign makes a list or a heading, and at its
 * end, where `#` closes one), no HTML, no line breaks. Addresses of pages stay as they are.
 */
function plain(text: string): string {
  return visible(text.replace(/[ \t\r\n\f\v]+/g, ' '))
    .split(/(https?:\/\/[^\s|<>()]+)/)
    .map((part, index) => (index % 2 === 1 ? part : escaped(part)))
    .join('')
    .replace(/^ ?(?=[-+#>])/, '$&\\')
    .replace(/^ ?\d{1,9}(?=[.)]( |$))/, '$&\\')
    .replace(/ (?=#+ ?$)/, ' \\');
}

function escaped(text: string): string {
  return text
    .replace(/[\\`*_[\]|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}
