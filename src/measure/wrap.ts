/** Running text broken into lines, between words; styles of the terminal do not count as columns. */
import wrapAnsi from 'wrap-ansi';

/** Least columns that are left to the text beside its indentation. */
const LEAST = 16;

/**
 * Lines of at most `width` columns. Only a word that is longer than a whole line is broken.
 *
 * @param width columns, at least 1
 * @param mark what the first line begins with; the others are indented as far, where there is room for that
 */
export function wrapped(text: string, width: number, mark = ''): string[] {
  const [first, rest] =
    width - mark.length >= LEAST ? [mark, ' '.repeat(mark.length)] : [mark.slice(0, width - 1), ''];
  return wrapAnsi(text, Math.max(1, width - first.length), { hard: true })
    .split('\n')
    .map((line, index) => (index === 0 ? first : rest) + line);
}
