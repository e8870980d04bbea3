/** Text as it may be shown: characters that cannot be seen, or that reorder their neighbours, are written out. */

/** Control, format, surrogate, private and unassigned characters, and the separators of lines and paragraphs. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** What has to be looked at: most texts are ASCII, and those of a fleet are long. */
const DOUBTFUL = /[^ -~]/gu;

/** The same without line feed and tab, which have their meaning in a text of several lines. */
const DOUBTFUL_IN_LINES = /[^ -~\n\t]/gu;

/**
 * What a name may consist of: none of `UNSEEN` but what is not assigned yet, for the next version of Unicode may make
 * a letter or a picture of it.
 */
export const NOTHING_HIDDEN = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]*$/u;

/** As JSON writes it: one escape for each UTF-16 unit, so that a JSON text stays the same JSON. */
function writtenOut(character: string): string {
  if (!UNSEEN.test(character)) return character;
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** One line that shows all there is in a text: U+202E as `\u202e`, a line feed as `\u000a`. */
export function visible(text: string): string {
  return text.replace(DOUBTFUL, writtenOut);
}

/** As `visible`, with line feeds and tabs left as they are. */
export function visibleLines(text: string): string {
  return text.replace(DOUBTFUL_IN_LINES, writtenOut);
}

/** The value as JSON in which everything can be seen; `indent` as `JSON.stringify` has it. */
export function visibleJson(value: unknown, indent?: number): string {
  return visibleLines(JSON.stringify(value, undefined, indent));
}

/** Whether a text has characters that a name may not have: they cannot be seen, or reorder their neighbours. */
export function hidesSomething(text: string): boolean {
  return !NOTHING_HIDDEN.test(text);
}
