/** Tables as CSV, for spreadsheets and programs. */
import { stringify } from 'csv-stringify/sync';
import { visible } from '../visible.js';

/**
 * A table with its headings; what is not known is empty. What cannot be seen is written out, and a cell that a
 * spreadsheet would take for a formula begins with an apostrophe.
 * @see RFC 4180
 */
export function csvOf(
  columns: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string {
  const shown = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? visible(cell) : cell)));
  return stringify([columns, ...shown], { record_delimiter: 'windows', escape_formulas: true });
}
