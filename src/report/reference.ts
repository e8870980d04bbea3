/** What a customer may write on a report for the reader's own files. It is never stored. */
import { defined } from '../defined.js';
import { hidesSomething } from '../visible.js';

/** The fields, by their names in flags, forms and the document, as people read them. */
export const REFERENCE_FIELDS = { customer: 'Customer', contract: 'Contract', ticket: 'Ticket' } as const;
export type ReferenceField = keyof typeof REFERENCE_FIELDS;

/** What was written; a field that was left empty is absent. */
export type Reference = { readonly [Field in ReferenceField]?: string };

const NAMES = Object.keys(REFERENCE_FIELDS) as readonly ReferenceField[];

/** Characters that fit into a field. */
export const LONGEST_FIELD = 120;

/** What is wrong with the text of a field, or undefined. */
export function referenceProblem(text: string): string | undefined {
  if (text.length > LONGEST_FIELD) return `must have at most ${LONGEST_FIELD} characters`;
  return hidesSomething(text) ? 'must be one line without characters that cannot be seen' : undefined;
}

/** The fields that say something; undefined where none does. */
export function referenceOf(read: (field: ReferenceField) => string | undefined): Reference | undefined {
  const found = defined(
    Object.fromEntries(NAMES.map((name) => [name, read(name)?.trim() || undefined])),
  ) as Reference;
  return Object.keys(found).length === 0 ? undefined : found;
}

/** What is wrong with the name of a time zone, or undefined. @see https://www.iana.org/time-zones */
export function timeZoneProblem(name: string): string | undefined {
  const rule = 'must be a time zone such as Europe/Berlin, or UTC';
  // Offsets would be valid, but say nothing of summer time.
  if (!/^[A-Za-z]/.test(name)) return rule;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return undefined;
  } catch {
    return rule;
  }
}
