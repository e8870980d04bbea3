/** How words are emphasised on a terminal, and whether they are. */
import { canRedraw, type Output } from './terminal.js';

/** Each makes a text stand out; the identity where there is no colour. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

const same = (text: string): string => text;

/** No emphasis at all. */
export const PLAIN: Paint = { good: same, bad: same, strong: same, faint: same };

/** Select Graphic Rendition: what is switched on, and off again. @see ECMA-48, 8.3.117 */
const rendition =
  (...codes: readonly number[]) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${codes.join(';')}m${text}\u001b[0m`;

/** Emphasis by ANSI escape sequences. */
const COLOURED: Paint = {
  good: rendition(1, 32),
  bad: rendition(1, 31),
  strong: rendition(1),
  faint: rendition(2),
};

/**
 * Whether colours are wanted on this output: as `FORCE_COLOR` says (`0` and `false` are no); without it on a capable
 * terminal, with `NO_COLOR` unset or empty.
 * @see https://no-color.org, https://force-color.org
 */
function wantsColour(output: Output, environment: Readonly<Record<string, string | undefined>>): boolean {
  const forced = environment['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return canRedraw(output, environment) && (environment['NO_COLOR'] ?? '') === '';
}

/** The emphasis that is wanted on this output. */
export function paintFor(output: Output, environment: Readonly<Record<string, string | undefined>>): Paint {
  return wantsColour(output, environment) ? COLOURED : PLAIN;
}
