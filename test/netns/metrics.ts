/** Reads the Prometheus text format, as far as a test needs it. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/gy;

/** The page that was read last: a test asks many questions of one page. */
let last: { readonly text: string; readonly samples: readonly Sample[] } | undefined;

/**
 * Every sample of an exposition in text format 0.0.4.
 * @throws when a line is neither a comment nor a sample
 */
export function samples(text: string): readonly Sample[] {
  if (last?.text !== text) last = { text, samples: parse(text) };
  return last.samples;
}

function parse(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = LINE.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      const [, name = '', labels = '', value = ''] = match;
      return { name, labels: parseLabels(labels), value: parseValue(value) };
    });
}

function parseLabels(text: string): Labels {
  const found = [...text.matchAll(LABEL)].map(([, name = '', value = '']): [string, string] => [
    name,
    value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
  ]);
  return Object.fromEntries(found);
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/** The samples of one name whose labels include `labels`. */
export function allSeries(text: string, name: string, labels: Labels = {}): Sample[] {
  return samples(text).filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
}

/**
 * The value of the one series of that name whose labels include `labels`; undefined where there is none.
 * @throws when several match
 */
export function series(text: string, name: string, labels: Labels = {}): number | undefined {
  const found = allSeries(text, name, labels);
  if (found.length > 1) throw new Error(`${found.length} series match ${name} ${JSON.stringify(labels)}`);
  return found[0]?.value;
}

/** The sum over the matching series; 0 where there is none. */
export function total(text: string, name: string, labels: Labels = {}): number {
  return allSeries(text, name, labels).reduce((sum, sample) => sum + sample.value, 0);
}
