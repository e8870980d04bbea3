/** Writes a few lines that are redrawn in place, and lines above them that stay. */
import { createLogUpdate } from 'log-update';

/** Where the view goes: a terminal, or whatever takes text. */
export interface Output {
  write(text: string): unknown;
  /** True when the text is shown on a terminal. */
  readonly isTTY?: boolean;
  /** Size of the terminal. */
  readonly columns?: number;
  readonly rows?: number;
}

/** Width where the terminal does not tell. */
const DEFAULT_WIDTH = 80;

/** Whether lines can be redrawn in place: a terminal that is not a dumb one. */
export function canRedraw(
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return output.isTTY === true && environment['TERM'] !== 'dumb';
}

/** Columns of an output now; a terminal may have been resized. */
export function widthOf({ columns }: Output, byDefault = DEFAULT_WIDTH): number {
  // A terminal of a program that nobody looks at may say 0.
  return columns === undefined || columns < 1 ? byDefault : columns;
}

/** The lines at the bottom of a terminal. */
export class LiveLines {
  readonly #output: Output;
  readonly #live: ReturnType<typeof createLogUpdate>;
  #drawn = '';

  constructor(output: Output) {
    this.#output = output;
    // It asks of a stream only what an output has.
    this.#live = createLogUpdate(output as NodeJS.WritableStream);
  }

  /** Columns of the terminal now. */
  get width(): number {
    return widthOf(this.#output);
  }

  /** Replaces the live lines. */
  draw(lines: readonly string[]): void {
    this.#drawn = lines.join('\n');
    this.#live(this.#drawn);
  }

  /** Writes lines that stay, above the live ones. */
  print(text: string): void {
    if (this.#drawn !== '') this.#live.clear();
    this.#output.write(text.endsWith('\n') ? text : `${text}\n`);
    if (this.#drawn !== '') this.#live(this.#drawn);
  }

  /** Takes the live lines away and shows the cursor again. */
  close(): void {
    if (this.#drawn !== '') this.#live.clear();
    this.#live.done();
    this.#drawn = '';
  }
}
