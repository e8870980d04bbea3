/** Writes the sections of documents with figures: each benchmark owns the lines between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';

/** npm runs its scripts in the folder of the package. */
const DOCUMENT = 'docs/BENCHMARKS.md';

/** Replaces the text of one section; throws when its markers are missing. */
export function writeSection(name: string, text: string, file = DOCUMENT): void {
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), name, text, file));
}

/** A document with another text in one section; throws when its markers are missing. */
export function withSection(document: string, name: string, text: string, file = DOCUMENT): string {
  const [from, to] = boundsOf(name, document, file);
  return `${document.slice(0, from)}\n${text.trim()}\n${document.slice(to)}`;
}

/** The text of one section; throws when its markers are missing. */
export function readSection(name: string, file = DOCUMENT): string {
  const document = readFileSync(file, 'utf8');
  return document.slice(...boundsOf(name, document, file)).trim();
}

/** Where the text between the markers begins and ends. */
function boundsOf(name: string, document: string, file: string): [from: number, to: number] {
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no section between ${begin} and ${end}`);
  return [from + begin.length, to];
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
