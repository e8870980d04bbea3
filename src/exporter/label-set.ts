/** The labels of series, in both forms that are sent: as names with values, and as text. */

/** Label values by their names. */
export type Labels = Readonly<Record<string, string>>;

/** Labels of a series, all or a part of them; the text is made once, which is most of what a scrape costs. */
export interface LabelSet {
  readonly pairs: Labels;
  /** As they stand between the braces. */
  readonly text: string;
}

/** Makes a set; the text has the order of the keys. */
export function labelSet(pairs: Labels): LabelSet {
  const text = Object.entries(pairs)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
  return { pairs, text };
}

/** Whether two sets of labels are the same, in whatever order. */
export function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}
