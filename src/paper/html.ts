/** HTML as a tagged template that escapes every value, unless the value is HTML itself. */
import { visibleLines } from '../visible.js';

/** A piece of HTML that is safe to insert. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type HtmlValue = Html | string | number | undefined | false | readonly HtmlValue[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for element content and for quoted attribute values; what cannot be seen is written out. */
function escapeHtml(text: string): string {
  return withoutMarkup(visibleLines(text));
}

/** A value that a script compares and nobody reads, exactly as it is. */
export function verbatim(text: string): Html {
  return new Html(withoutMarkup(text));
}

function withoutMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** Builds HTML: strings and numbers are escaped, lists joined, `undefined` and `false` leave nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? '';
  values.forEach((value, index) => {
    text += show(value) + (parts[index + 1] ?? '');
  });
  return new Html(text);
}

function show(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(show).join('');
}
