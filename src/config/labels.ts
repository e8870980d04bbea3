/** Which label names a target may carry. */

/** Label names that the program, Prometheus or the shipped alerts set themselves, each with who does. */
const RESERVED: Readonly<Record<string, string>> = {
  target: 'the exporter sets it',
  mode: 'the exporter sets it',
  verdict: 'the exporter sets it',
  reason: 'the exporter sets it',
  phase: 'the exporter sets it',
  direction: 'the exporter sets it',
  end: 'the exporter sets it',
  le: 'Prometheus sets it on histograms',
  quantile: 'Prometheus sets it on summaries',
  job: 'Prometheus sets it on every scraped series',
  instance: 'Prometheus sets it on every scraped series',
  alertname: 'Prometheus sets it on alerts',
  severity: 'the shipped alerts set it',
};

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

/** Reserved names that tell the series of one path apart, so that they are no labels of the path. */
const NOT_OF_A_PATH: readonly string[] = [
  'mode',
  'verdict',
  'reason',
  'phase',
  'direction',
  'end',
  'le',
  'quantile',
];

/**
 * What is wrong with a label by which paths are to be compared, or undefined: those of the targets, `job`,
 * `instance`, `target` and whatever Prometheus adds are labels of a path.
 */
export function pathLabelProblem(name: string): string | undefined {
  if (NOT_OF_A_PATH.includes(name)) return 'is no label of a path: it tells the series of one path apart';
  const allowed = RESERVED_LABEL_NAMES.filter((reserved) => !NOT_OF_A_PATH.includes(reserved));
  return labelNameProblem(name, allowed);
}
