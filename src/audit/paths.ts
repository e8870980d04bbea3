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
  /** `nat_idle_timeout_lower_bound_seconds`, for each mode. */
  readonly lowerBounds: readonly Sample[];
  /** `nat_path_condition`, for each condition. */
  readonly conditions: readonly Sample[];
  /** `nat_idle_early_death_ratio` and its bounds. */
  readonly earlyDeaths: readonly Sample[];
  /** `nat_forgetting_box_info`, for each mode. */
  readonly boxes: readonly Sample[];
  /** Paths that were watched a while ago and are not any more. */
  readonly stale: readonly Sample[];
}

/** A share of the connections with its 95 % bounds, 0 … 1. */
export interface EarlyDeaths {
  readonly ratio: number;
  readonly lower?: number;
  readonly upper?: number;
}

/** What forgets, as the exporter's own localisation found it. */
export interface Box {
  readonly place: string;
  readonly hop: string;
  readonly kind: string;
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
  readonly timeout?: Bound & { readonly mode: string; readonly everyMode?: true };
  /** Proven not to be compliant before the timeout itself is known: it is below this idle time. */
  readonly below?: { readonly seconds: Seconds; readonly mode: string };
  /** While neither is known: the longest idle time that survived in every mode, so far. */
  readonly soFar?: Seconds;
  /** A pool with bad nodes: the share of the connections that it forgets early. */
  readonly earlyDeaths?: EarlyDeaths;
  /** What forgets; several where modes disagree. Absent while it was not located. */
  readonly boxes?: readonly Box[];
}

/** The labels of a path: those of one of its series without what tells that series from its neighbours. */
function pathLabels({ __name__: _name, ...labels }: Labels, own: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !own.includes(name)));
}

/** The same for every order of the labels. */
export function keyOf(labels: Labels): string {
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

/** Groups the series of one metric by path; `own`: the labels by which those of one path differ. */
function byPath(samples: readonly Sample[], own: readonly string[]): Map<string, readonly Sample[]> {
  const paths = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = keyOf(pathLabels(sample.metric, own));
    const series = paths.get(key);
    if (series === undefined) paths.set(key, [sample]);
    else series.push(sample);
  }
  return paths;
}

/** The values of one metric by mode. */
function byMode(samples: readonly Sample[] = []): Map<string, number> {
  return new Map(samples.map(({ metric, value }) => [metric['mode'] ?? '', value]));
}

/** What is known of the modes of one path, each by its name. */
interface ModeValues {
  /** How many speak of the mapping; undefined where the path is not watched. */
  readonly configured: number | undefined;
  readonly timeouts: ReadonlyMap<string, number>;
  readonly lower: ReadonlyMap<string, number>;
  readonly upper: ReadonlyMap<string, number>;
  readonly short: ReadonlyMap<string, number>;
}

/** The smallest timeout, where that is known, or below what it lies, or what survived until now. */
function timeoutOf(
  state: AuditPath['state'],
  { configured, timeouts, lower, upper, short }: ModeValues,
): Pick<AuditPath, 'timeout' | 'below' | 'soFar'> {
  const found = [...timeouts]
    .map(([mode, seconds]) => ({
      mode,
      seconds,
      at_least: !Number.isFinite(upper.get(mode) ?? Infinity),
    }))
    .sort((a, b) => compareBounds(a, b) || (a.mode < b.mode ? -1 : 1));
  const complete = found.length > 0 && found.length === configured;
  const [timeout] = complete || state === 'not_compliant' ? found : [];
  // Only of a mode that is proven too short: a single death, or keepalives that are eaten, prove nothing.
  const [shortest] = [...short].sort(([, a], [, b]) => a - b);
  // A mode that survives, or that forgets later, tells nothing of the one that was proven shorter.
  const conclusive =
    timeout !== undefined &&
    (complete ||
      (timeout.seconds < requiredOf(timeout.mode) &&
        (shortest === undefined || timeout.seconds <= shortest[1])));
  if (conclusive) {
    // A bracket that begins within that of the smallest timeout may hold the same timeout.
    const agrees = ({ mode, seconds, at_least }: (typeof found)[number]): boolean =>
      at_least === timeout.at_least &&
      (lower.get(mode) ?? seconds) <= (upper.get(timeout.mode) ?? timeout.seconds);
    const everyMode = complete && found.length > 1 && found.every(agrees);
    return {
      timeout: defined({
        ...timeout,
        seconds: rounded(timeout.seconds),
        everyMode: everyMode ? (true as const) : undefined,
      }),
    };
  }
  if (state === 'not_compliant')
    return defined({ below: shortest && { mode: shortest[0], seconds: rounded(shortest[1]) } });
  return lower.size > 0 && lower.size === configured ? { soFar: rounded(Math.min(...lower.values())) } : {};
}

/** The metrics of a share and of its bounds. */
const EARLY_DEATHS = 'nat_idle_early_death_ratio';

function earlyDeathsOf(samples: readonly Sample[]): EarlyDeaths | undefined {
  const value = (name: string): number | undefined =>
    samples.find(({ metric }) => metric['__name__'] === name)?.value;
  const ratio = value(EARLY_DEATHS);
  if (ratio === undefined) return undefined;
  return defined({
    ratio,
    lower: value(`${EARLY_DEATHS}_lower_bound`),
    upper: value(`${EARLY_DEATHS}_upper_bound`),
  });
}

/** The labels by which the series of a box differ, those of its description among them. */
const OF_A_BOX = ['mode', 'hop', 'kind', 'place'];

/** The boxes that were found, each once, in the order of their places. */
function boxesOf(samples: readonly Sample[]): Box[] {
  const boxes = samples.map(({ metric: { place = '', hop = '', kind = '' } }) => ({ place, hop, kind }));
  const each = new Map(boxes.map((box) => [`${box.place} ${box.hop} ${box.kind}`, box]));
  return [...each].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, box]) => box);
}

/**
 * Puts the answers together. Every path that occurs in `configured`, `compliant` or `stale` becomes one, in the order
 * of its labels; what is not known of it is absent.
 */
export function pathsOf(answers: Answers): AuditPath[] {
  const timeouts = byPath(answers.timeouts, ['mode']);
  const lowerBounds = byPath(answers.lowerBounds, ['mode']);
  const upperBounds = byPath(answers.upperBounds, ['mode']);
  const shortBounds = byPath(answers.shortBounds, ['mode']);
  const conditions = byPath(answers.conditions, ['condition']);
  const earlyDeaths = byPath(answers.earlyDeaths, []);
  const boxes = byPath(answers.boxes, OF_A_BOX);
  const byKey = (samples: readonly Sample[]): Map<string, Sample> =>
    new Map(samples.map((sample) => [keyOf(pathLabels(sample.metric, [])), sample]));
  const configured = byKey(answers.configured);
  const compliant = byKey(answers.compliant);
  return [...byKey([...answers.configured, ...answers.compliant, ...answers.stale])]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { metric }]): AuditPath => {
      const verdict = compliant.get(key)?.value;
      const state = verdict === 0 ? 'not_compliant' : verdict === 1 ? 'compliant' : 'unknown';
      const located = boxesOf(boxes.get(key) ?? []);
      return defined({
        labels: pathLabels(metric, []),
        state,
        stale: !configured.has(key) && verdict === undefined,
        conditions: (conditions.get(key) ?? []).map((found) => found.metric['condition'] ?? '').sort(),
        ...timeoutOf(state, {
          configured: configured.get(key)?.value,
          timeouts: byMode(timeouts.get(key)),
          lower: byMode(lowerBounds.get(key)),
          upper: byMode(upperBounds.get(key)),
          short: byMode(shortBounds.get(key)),
        }),
        earlyDeaths: earlyDeathsOf(earlyDeaths.get(key) ?? []),
        boxes: located.length > 0 ? located : undefined,
      });
    });
}
