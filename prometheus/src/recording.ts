/** The recording rules: what a path is, and what a fleet of paths is, in names that read level:metric:operation. */
import { pathLabelProblem } from '../../src/config/labels.js';
import { NOT_EMBEDDED, pathCompliant, RECORDED, speakingModes } from './expressions.js';

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What the series says, one plain sentence. */
  readonly comment: string;
}

const { configured: CONFIGURED, compliant: COMPLIANT } = RECORDED;

/** One way to compare a fleet: the labels whose values are told apart; more than one stand for their combinations. */
export type Level = readonly string[];

/**
 * The levels of the shipped file: the scrape job, and the labels that docs/OPERATORS.md proposes for the targets.
 * Where no target has such a label its rules give one series without it, which is that of the whole fleet.
 */
export const SHIPPED_LEVELS: readonly Level[] = [['job'], ['isp'], ['site'], ['access']];

/** What each path is. */
const PATH_RULES: readonly RecordingRule[] = [
  {
    record: CONFIGURED,
    expr: speakingModes(NOT_EMBEDDED),
    comment:
      'How many modes of a path speak of its mapping, measured or not: all that are configured, less eaten keepalives.',
  },
  {
    record: COMPLIANT,
    expr: pathCompliant(NOT_EMBEDDED),
    comment:
      '1: every mode that speaks is proven compliant. 0: at least one is proven not to be. Absent: unknown.',
  },
  {
    record: 'path:nat_idle_timeout_seconds:min',
    expr: `min without (mode) (nat_idle_timeout_seconds{${NOT_EMBEDDED}})`,
    comment: 'The shortest idle timeout found on a path so far: what an application has to live with.',
  },
  {
    record: 'path:nat_idle_timeout_lower_bound_seconds:min',
    expr: `min without (mode) (nat_idle_timeout_lower_bound_seconds{${NOT_EMBEDDED}})`,
    comment: 'The idle time that every mode measured so far has survived.',
  },
];

/** How many paths there are for each value of the level's labels, and which share of them is in which state. */
function levelRules(level: Level): RecordingRule[] {
  const name = level.join('_');
  const by = `count by (${level.join(', ')})`;
  const paths = `${name}:nat_paths:count`;
  const each = level.length === 1 ? `each \`${name}\`` : `each combination of \`${level.join('`, `')}\``;
  const share = (compliance: string, which: string, comment: string): RecordingRule => ({
    record: `${name}:nat_paths:ratio`,
    expr: `(${by} (${which}) or ${paths} * 0) / ${paths}`,
    labels: { compliance },
    comment,
  });
  return [
    { record: paths, expr: `${by} (${CONFIGURED})`, comment: `How many paths are watched, for ${each}.` },
    share(
      'compliant',
      `${COMPLIANT} == 1`,
      'Share of the paths on which every mode that speaks is compliant.',
    ),
    share('non_compliant', `${COMPLIANT} == 0`, 'Share of the paths on which some mode is not compliant.'),
    share('unknown', `${CONFIGURED} unless ${COMPLIANT}`, 'Share of the paths of which too little is known.'),
  ];
}

/** The rules in the order of evaluation: later ones read what earlier ones recorded. */
export function recordingRules(levels: readonly Level[] = SHIPPED_LEVELS): readonly RecordingRule[] {
  return [...PATH_RULES, ...levels.flatMap(levelRules)];
}

/**
 * The shipped levels and those of `--by`: each value is a level, its labels separated by commas.
 * @throws Error with one line that names the label and the rule
 */
export function levelsWith(values: readonly string[]): readonly Level[] {
  const levels = [...SHIPPED_LEVELS];
  for (const value of values) {
    const level = [...new Set(value.split(',').map((label) => label.trim()))];
    for (const label of level) {
      const wrong = pathLabelProblem(label);
      if (wrong !== undefined) throw new Error(`--by: ${wrong}, found ${JSON.stringify(label)}`);
      if (label === 'compliance')
        throw new Error('--by: the rules set this label themselves, found "compliance"');
    }
    const same = levels.find((known) => [...known].sort().join() === [...level].sort().join());
    const namesake = levels.find((known) => known.join('_') === level.join('_'));
    if (same === undefined && namesake !== undefined)
      throw new Error(`--by: would record the same names as ${namesake.join()}, found ${level.join()}`);
    if (same === undefined) levels.push(level);
  }
  return levels;
}
