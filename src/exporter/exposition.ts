/**
 * Metrics in text format 0.0.4, written piece by piece: those of a fleet are megabytes, which are neither written at
 * a stretch nor kept until the last line is there.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */

/** Characters of a piece. */
const PIECE = 65_536;
/** The probes get their turn after so long, milliseconds. */
const LONGEST_STRETCH = 4;

/** What stands in front of a family's samples. */
export interface FamilyHead {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
}

/**
 * Gathers samples. Who writes looks at `due` now and then, lets its reader `take` the text, waits a turn, and says when
 * it is to `resume`.
 */
export class Exposition {
  #text = '';
  #empty = true;
  #since = performance.now();

  /** Begins a family. */
  family({ name, help, type }: FamilyHead): void {
    const escapedHelp = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
    this.whole(`# HELP ${name} ${escapedHelp}\n# TYPE ${name} ${String(type)}`);
  }

  /** Writes a sample of the family. @param labels the text between the braces, see `labelText` */
  sample(name: string, labels: string, value: number): void {
    this.#text += `${name}{${labels}} ${numberText(value)}\n`;
  }

  /** Writes a whole family as prom-client has it: without a line break at its end. */
  whole(family: string): void {
    this.#text += this.#empty ? `${family}\n` : `\n${family}\n`;
    this.#empty = false;
  }

  /** Whether there is a piece to take, or others have waited long enough. */
  get due(): boolean {
    return this.#text.length >= PIECE || performance.now() - this.#since >= LONGEST_STRETCH;
  }

  /** What was written since it was last called. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** The others had their turn: a new stretch begins. */
  resume(): void {
    this.#since = performance.now();
  }
}

/** The labels of a series as they stand between its braces. */
export function labelText(labels: Readonly<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',');
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
