/**
 * The names of built-in targets, `embedded` and `embedded-…`, which no other target may have: rules, fleet panels and
 * the audit leave them out, because they show that the program works, not what a network does.
 */
export const EMBEDDED_NAMES = 'embedded(-.*)?';

const WHOLE = new RegExp(`^(?:${EMBEDDED_NAMES})$`, 'su');

/** Whether a target's name is one of theirs. */
export function isEmbeddedName(name: unknown): boolean {
  return typeof name === 'string' && WHOLE.test(name);
}
