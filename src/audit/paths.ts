/** From the series that Prometheus has to the paths of an audit: what is proven of each, and its timeout. */
import { longestRequired, MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { rounded } from '../paper/document-values.js';
import type { Seconds } from '../units.js';
import type { Bound } from './audit-document.js';

/** Labels of a series or of a path. */
export type Labels = Readonly<Record<string, string>>;

/** One series of an instant query's answer. */
export interface Sample {
  readonly metric: Labels;
  /** May be `Infinity`. */
  readonly value: number;
}

/** The answers from which an audit is made, all of the same moment. */
export interface Answers {
  /** How many modes of each path speak of its mapping. */
  readonly configured: readonly Sample[];
  /** 1: proven compliant in every mode that speaks, 0: proven not to be in some mode. */
  readonly compliant: readonly Sample[];
  /** `nat_idle_timeout_seconds`, for each mode. */
  readonly timeouts: readonly Sample[];
  /** `nat_idle_timeout_upper_bound_seconds`, for each mode. */
  readonly upperBounds: readonly Sample[];
  /** The same of those modes only that are proven not to be compliant themselves. */
  readonly shortBounds: readonly Sample[];
  /** `nat_path_condition`, for each condition. */
  readonly conditions: readonly Sample[];
  /** Paths that were watched a while ago and are not any more. */
  readonly stale: readonly Sample[];
}

/** One target of one exporter. */
export interface AuditPath {
  /** All its labels, `job`, `instance` and `target` among them. */
  readonly labels: Labels;
  readonly state: 'compliant' | 'not_compliant' | 'unknown';
  /** Its exporter delivers nothing now; its state is unknown then. */
  readonly stale: boolean;
  /** What was found about it beside its timeouts, as the metric names it, in alphabetic order. */
  readonly conditions: readonly string[];
  /**
   * The smallest timeout over its modes with that mode. Absent while a mode without a finding could still be
   * shorter, unless the path is already proven not to be compliant.
   */
  readonly timeout?: Bound & { readonly mode: string };
  /** Proven not to be compliant before the timeout itself is known: it is below this idle time. */
  readonly below?: { readonly seconds: Seconds; readonly mode: string };
}

/** The labels of a path without those of one of its series. */
function pathLabels(metric: Labels): Labels {
  const { __name__: _name, mode: _mode, condition: _condition, ...labels } = metric;
  return labels;
}

/** The same for every order of the labels. */
function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The shorter first; of two equal ones the exact one, which cannot turn out longer. */
export function compareBounds(a: Bound, b: Bound): number {
  return a.seconds - b.seconds || Number(a.at_least) - Number(b.at_least);
}

/** What is required of a mode of this name, seconds; of one that this program does not know, the most of any. */
function requiredOf(name: string): Seconds {
  const mode = MODES.find((known) => known === name);
  return longestRequired(mode === undefined ? MODES : [mode]);
}

interface Mode extends Bound {
  readonly mode: string;
}

/** Groups the series of one metric by path; each is told from its neighbours by one label. */
function byPath(
  samples: readonly Sample[],
  label: 'mode' | 'condition' = 'mode',
): Map<string, (readonly [which: string, value: number])[]> {
  const paths = new Map<string, (readonly [string, number])[]>();
  for (const { metric, value } of samples) {
    const key = keyOf(pathLabels(metric));
    const series = paths.get(key) ?? [];
    series.push([metric[label] ?? '', value]);
    paths.set(key, series);
  }
  return paths;
}

/**
 * Puts the answers together. Every path that occurs in `configured`, `compliant` or `stale` becomes one, in the order
 * of its labels; what is not known of it is absent.
 */
export function pathsOf(answers: Answers): AuditPath[] {
  const timeouts = byPath(answers.timeouts);
  const upperBounds = byPath(answers.upperBounds);
  const shortBounds = byPath(answers.shortBounds);
  const conditions = byPath(answers.conditions, 'condition');
  const configured = new Map(
    answers.configured.map(({ metric, value }) => [keyOf(pathLabels(metric)), value]),
  );
  const compliant = new Map(answers.compliant.map(({ metric, value }) => [keyOf(pathLabels(metric)), value]));
  const all = new Map(
    [...answers.configured, ...answers.compliant, ...answers.stale].map(({ metric }) => {
      const labels = pathLabels(metric);
      return [keyOf(labels), labels] as const;
    }),
  );
  return [...all]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, labels]): AuditPath => {
      const verdict = compliant.get(key);
      const state = verdict === 0 ? 'not_compliant' : verdict === 1 ? 'compliant' : 'unknown';
      const upper = new Map(upperBounds.get(key));
      const found = (timeouts.get(key) ?? [])
        .map(
          ([mode, seconds]): Mode => ({
            mode,
            seconds,
            at_least: !Number.isFinite(upper.get(mode) ?? Infinity),
          }),
        )
        .sort((a, b) => compareBounds(a, b) || (a.mode < b.mode ? -1 : 1));
      const complete = found.length > 0 && found.length === configured.get(key);
      const [timeout] = complete || state === 'not_compliant' ? found : [];
      // Only of a mode that is proven too short: a single death, or keepalives that are eaten, prove nothing.
      const [shortest] = [...(shortBounds.get(key) ?? [])].sort(([, a], [, b]) => a - b);
      // A mode that survives, or that forgets later, tells nothing of the one that was proven shorter.
      const conclusive =
        timeout !== undefined &&
        (complete ||
          (timeout.seconds < requiredOf(timeout.mode) &&
            (shortest === undefined || timeout.seconds <= shortest[1])));
      const below = conclusive || state !== 'not_compliant' ? undefined : shortest;
      return defined({
        labels,
        state,
        stale: !configured.has(key) && verdict === undefined,
        conditions: (conditions.get(key) ?? []).map(([condition]) => condition).sort(),
        timeout: conclusive ? { ...timeout, seconds: rounded(timeout.seconds) } : undefined,
        below: below && { mode: below[0], seconds: rounded(below[1]) },
      });
    });
}
