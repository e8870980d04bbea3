/** What an audit asks a Prometheus: the raw metrics at one moment, and of a period the verdicts and its beginning. */
import { credentialsOf, type Endpoint } from '../http/request.js';
import {
  NOT_EMBEDDED,
  pathCompliant,
  shortBounds,
  speakingModes,
  stalePaths,
} from '../promql/expressions.js';
import type { Seconds } from '../units.js';
import { type Answers, type AuditPath, pathsOf, type Sample } from './paths.js';
import { type Period, type PeriodPath, periodOf, withPeriod } from './period.js';
import { type Asking, askMoment } from './prometheus.js';
import { askVerdicts } from './verdicts.js';

/** The expressions of an audit, by what they answer. @param selector the paths that are meant */
export function auditExpressions(
  lookback: Seconds,
  selector = NOT_EMBEDDED,
): Readonly<Record<keyof Answers, string>> {
  return {
    configured: speakingModes(selector),
    compliant: pathCompliant(selector),
    timeouts: `nat_idle_timeout_seconds{${selector}}`,
    lowerBounds: `nat_idle_timeout_lower_bound_seconds{${selector}}`,
    upperBounds: `nat_idle_timeout_upper_bound_seconds{${selector}}`,
    shortBounds: shortBounds(selector),
    conditions: `nat_path_condition{${selector}} == 1`,
    earlyDeaths: `{__name__=~"nat_idle_early_death_ratio(_(lower|upper)_bound)?", ${selector}}`,
    boxes: `nat_forgetting_box_info{${selector}} == 1`,
    stale: stalePaths(selector, lookback),
  };
}

/** No answers yet. */
const NOTHING: Answers = {
  configured: [],
  compliant: [],
  timeouts: [],
  lowerBounds: [],
  upperBounds: [],
  shortBounds: [],
  conditions: [],
  earlyDeaths: [],
  boxes: [],
  stale: [],
};

/** What is asked beside the first question. */
const OF_NOW = (Object.keys(NOTHING) as (keyof Answers)[]).filter((what) => what !== 'configured');

/** The share of an audit that tells of the beginning of a period what its end is compared with. */
const OF_THE_BEGINNING: readonly (keyof Answers)[] = [
  'configured',
  'compliant',
  'timeouts',
  'upperBounds',
  'shortBounds',
];

/** What is asked. Unix times and durations in seconds. */
export interface Question {
  readonly at: Seconds;
  /** How far back a path is looked for that is not watched any more. */
  readonly lookback: Seconds;
  /** What the labels of the paths have to match, each as PromQL has it. */
  readonly matchers: readonly string[];
  /** The beginning of a period that ends at `at`. */
  readonly since?: Seconds;
}

/** What was answered. */
export interface Audited {
  readonly paths: readonly PeriodPath[];
  /** The period, and the paths of its beginning that are not watched any more. */
  readonly past?: { readonly period: Period; readonly gone: readonly AuditPath[] };
  /** What the other side warned of: with a warning the answers may be incomplete. */
  readonly warnings: readonly string[];
}

/**
 * Asks one question, and everything else at once if that is answered.
 *
 * @throws PrometheusError when there is no usable answer; the system's error for a file that cannot be read
 */
export async function askPrometheus(
  endpoint: Endpoint,
  { at, lookback, matchers, since }: Question,
  { signal, version }: { readonly signal: AbortSignal; readonly version: string },
): Promise<Audited> {
  const warnings = new Set<string>();
  const first = new AbortController();
  const asking: Asking = {
    endpoint,
    credentials: await credentialsOf(endpoint),
    signal: AbortSignal.any([signal, first.signal]),
    version,
    warned: (warning) => warnings.add(warning),
  };
  const selector = [NOT_EMBEDDED, ...matchers].join(', ');
  const expressions = auditExpressions(lookback, selector);
  const answersAt = async (
    moment: Seconds,
    wanted: readonly (keyof Answers)[],
    known: Partial<Answers> = {},
  ): Promise<Answers> => {
    const found = wanted.map(
      async (what): Promise<[string, Sample[]]> => [what, await askMoment(asking, expressions[what], moment)],
    );
    return { ...NOTHING, ...known, ...Object.fromEntries(await Promise.all(found)) };
  };
  try {
    // Whoever is no Prometheus is not asked a dozen times.
    const configured = await askMoment(asking, expressions.configured, at);
    const period = since === undefined ? undefined : periodOf(since, at);
    const [now, before, history] = await Promise.all([
      answersAt(at, OF_NOW, { configured }),
      since === undefined ? undefined : answersAt(since, OF_THE_BEGINNING),
      period === undefined ? undefined : askVerdicts(asking, selector, period),
    ]);
    const paths = pathsOf(now);
    if (period === undefined || before === undefined || history === undefined)
      return { paths, warnings: [...warnings] };
    const { paths: compared, gone } = withPeriod(paths, history, pathsOf(before));
    return { paths: compared, past: { period, gone }, warnings: [...warnings] };
  } catch (error) {
    // What is still under way would keep the program waiting for nothing.
    first.abort();
    throw error;
  }
}
