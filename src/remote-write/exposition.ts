/** Reads the text format of metrics back into series: what is sent is exactly what `/metrics` shows. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** One series with its value. */
export interface Series {
  /** Names and values, `__name__` among them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Lines that are read before the rest of the program gets its turn. */
const LINES_PER_TURN = 500;

/** A label's text may hold what other formats take for line ends: U+2028, a carriage return. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/gs;

/** `Nan` is how prom-client writes it. */
const SPECIAL: Readonly<Record<string, number>> = {
  '+Inf': Infinity,
  '-Inf': -Infinity,
  NaN: Number.NaN,
  Nan: Number.NaN,
};

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character));
}

/**
 * Reads one line of a sample without a timestamp.
 * @throws Error if it is none
 */
function parseSample(line: string): Series {
  const [, name, inner = '', text = ''] = SAMPLE.exec(line) ?? [];
  const value = SPECIAL[text] ?? Number(text);
  if (name === undefined || text === '' || (Number.isNaN(value) && !Object.hasOwn(SPECIAL, text)))
    throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = { __name__: name };
  for (const [, label = '', content = ''] of inner.matchAll(LABEL)) labels[label] = unescaped(content);
  return { labels, value };
}

/**
 * Reads text format 0.0.4 as the exporter writes it (samples without timestamps), in slices.
 * @throws Error naming a line that is no sample
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export async function parseExposition(text: string): Promise<Series[]> {
  const found: Series[] = [];
  let read = 0;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    found.push(parseSample(line));
    if (++read % LINES_PER_TURN === 0) await nextTurn();
  }
  return found;
}
