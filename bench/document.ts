/** Writes the sections of docs/BENCHMARKS.md: each benchmark owns the lines between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';

/** npm runs its scripts in the folder of the package. */
const DOCUMENT = 'docs/BENCHMARKS.md';

/** Replaces the text of one section; throws when its markers are missing. */
export function writeSection(name: string, text: string): void {
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const document = readFileSync(DOCUMENT, 'utf8');
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/BENCHMARKS.md has no section between ${begin} and ${end}`);
  writeFileSync(DOCUMENT, `${document.slice(0, from + begin.length)}\n${text.trim()}\n${document.slice(to)}`);
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
