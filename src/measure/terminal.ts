/** Writes a few lines that are redrawn in place, and lines above them that stay. */

/** Where the view goes: a terminal, or whatever takes text. */
export interface Output {
  write(text: string): unknown;
  /** True when the text is shown on a terminal. */
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
}

/** Width where the terminal does not tell. */
const DEFAULT_WIDTH = 80;

const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** Whether lines can be redrawn in place: a terminal that is not a dumb one. */
export function canRedraw(
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return output.isTTY === true && environment['TERM'] !== 'dumb';
}

/**
 * Whether colours are wanted on this output: a capable terminal, and `NO_COLOR` unset or empty.
 * @see https://no-color.org
 */
export function wantsColour(
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return canRedraw(output, environment) && (environment['NO_COLOR'] ?? '') === '';
}

/** The lines at the bottom of a terminal. */
export class LiveLines {
  readonly #output: Output;
  #drawn: readonly string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  /** Columns of the terminal now; it may have been resized. */
  get width(): number {
    return this.#output.columns ?? DEFAULT_WIDTH;
  }

  /** Replaces the live lines. None may be wider than `width`. */
  draw(lines: readonly string[]): void {
    if (lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i])) return;
    const start = this.#drawn.length === 0 ? HIDE_CURSOR : '';
    this.#output.write(start + this.#back() + this.#text(lines));
    this.#drawn = lines;
  }

  /** Writes lines that stay, above the live ones. */
  print(text: string): void {
    const above = text.endsWith('\n') ? text : `${text}\n`;
    const cleared = above.replaceAll('\n', `${CLEAR_TO_END_OF_LINE}\n`);
    this.#output.write(this.#back() + cleared + this.#text(this.#drawn));
  }

  /** Takes the live lines away and shows the cursor again. */
  close(): void {
    if (this.#drawn.length > 0) this.#output.write(this.#back() + CLEAR_BELOW + SHOW_CURSOR);
    this.#drawn = [];
  }

  /** To the first column of the first live line. */
  #back(): string {
    return this.#drawn.length === 0 ? '' : `\r\u001b[${this.#drawn.length}A`;
  }

  #text(lines: readonly string[]): string {
    return lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('') + CLEAR_BELOW;
  }
}
