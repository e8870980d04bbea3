/** The table of docs/RELIABILITY.md: one row for each attack, between two markers. */
import { readSection, table, writeSection } from '../../bench/document.js';
import type { Attack, Outcome } from '../attack.js';

const DOCUMENT = 'docs/RELIABILITY.md';
const SECTION = 'attacks';
const HEAD = ['attack', 'load', 'outcome', 'figure'];

/** Text that cannot end a cell. */
const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();

export function rowOf(name: string, { about }: Attack, { load, held, outcome, figure }: Outcome): string {
  const verdict = held ? outcome : `**succeeded**: ${outcome}`;
  return `| ${[`\`${name}\`: ${about}`, load, verdict, figure].map(cell).join(' | ')} |`;
}

/** Puts new rows in the place of the old ones; rows of attacks that are gone go. */
export function writeRows(rows: ReadonlyMap<string, string>, names: readonly string[]): void {
  const old = readSection(SECTION, DOCUMENT).split('\n');
  const all = names.flatMap((name) => {
    const row = rows.get(name) ?? old.find((line) => line.startsWith(`| \`${name}\`:`));
    return row === undefined ? [] : [row];
  });
  writeSection(SECTION, [table(HEAD, []), ...all].join('\n'), DOCUMENT);
}
