/** Which label names a target may carry. */

/** Reserved names that are labels of a path, each with who sets them. */
const OF_A_PATH: Readonly<Record<string, string>> = {
  target: 'the exporter sets it',
  job: 'Prometheus sets it on every scraped series',
  instance: 'Prometheus sets it on every scraped series',
  alertname: 'Prometheus sets it on alerts',
  severity: 'the shipped alerts set it',
};

/** Reserved names that tell the series of one path apart. */
const OF_A_SERIES: Readonly<Record<string, string>> = {
  mode: 'the exporter sets it',
  verdict: 'the exporter sets it',
  reason: 'the exporter sets it',
  phase: 'the exporter sets it',
  direction: 'the exporter sets it',
  end: 'the exporter sets it',
  condition: 'the exporter sets it',
  kind: 'the exporter sets it',
  side: 'the exporter sets it',
  hop: 'the exporter sets it',
  place: 'the exporter sets it',
  le: 'Prometheus sets it on histograms',
  quantile: 'Prometheus sets it on summaries',
};

/** Label names that the program, Prometheus or the shipped alerts set themselves. */
const RESERVED: Readonly<Record<string, string>> = { ...OF_A_PATH, ...OF_A_SERIES };

/** Names that no target label may have. */
export const RESERVED_LABEL_NAMES: readonly string[] = Object.keys(RESERVED);

/**
 * What is wrong with a label name, or undefined when it may be used.
 *
 * @param allowed reserved names that may be used all the same
 * @see https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels
 */
export function labelNameProblem(name: string, allowed: readonly string[] = []): string | undefined {
  if (name.startsWith('__')) return 'reserved label name: names that begin with __ belong to Prometheus';
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
    return 'invalid label name: must consist of letters, digits and _ and not begin with a digit';
  }
  if (allowed.includes(name)) return undefined;
  const owner = Object.hasOwn(RESERVED, name) ? RESERVED[name] : undefined;
  return owner === undefined ? undefined : `reserved label name: ${owner}`;
}

/**
 * What is wrong with a label by which paths are to be compared, or undefined: those of the targets, `job`,
 * `instance`, `target` and whatever Prometheus adds are labels of a path.
 */
export function pathLabelProblem(name: string): string | undefined {
  if (Object.hasOwn(OF_A_SERIES, name)) return 'is no label of a path: it tells the series of one path apart';
  return labelNameProblem(name, Object.keys(OF_A_PATH));
}
