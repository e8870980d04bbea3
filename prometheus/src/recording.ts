/** The recording rules: what a path is, and what a fleet of paths is, in names that read level:metric:operation. */
import { configuredModes, NOT_EMBEDDED, pathCompliant } from './expressions.js';

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What the series says, one plain sentence. */
  readonly comment: string;
}

const CONFIGURED = 'path:nat_modes_configured:count';
const COMPLIANT = 'path:rfc5382_req5_compliant:all_modes';
const PATHS = 'job:nat_paths:count';

function share(compliance: string, paths: string, comment: string): RecordingRule {
  return {
    record: 'job:nat_paths:ratio',
    expr: `(count by (job) (${paths}) or ${PATHS} * 0) / ${PATHS}`,
    labels: { compliance },
    comment,
  };
}

/** The rules in the order of evaluation: later ones read what earlier ones recorded. */
export const RECORDING_RULES: readonly RecordingRule[] = [
  {
    record: CONFIGURED,
    expr: configuredModes(NOT_EMBEDDED),
    comment: 'How many modes are configured on a path, measured or not.',
  },
  {
    record: COMPLIANT,
    expr: pathCompliant(NOT_EMBEDDED),
    comment:
      '1: every configured mode is proven compliant. 0: at least one is proven not to be. Absent: unknown.',
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
  { record: PATHS, expr: `count by (job) (${CONFIGURED})`, comment: 'How many paths are watched.' },
  share('compliant', `${COMPLIANT} == 1`, 'Share of the paths on which every configured mode is compliant.'),
  share('non_compliant', `${COMPLIANT} == 0`, 'Share of the paths on which some mode is not compliant.'),
  share('unknown', `${CONFIGURED} unless ${COMPLIANT}`, 'Share of the paths of which too little is known.'),
];
