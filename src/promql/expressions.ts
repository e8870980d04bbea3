/**
 * The PromQL that rules, dashboards and the audit share; every expression reads only the exporter's own metrics. A
 * path is what remains of a series without `mode`: one target of one exporter.
 */
import { EMBEDDED_NAMES } from '../core/embedded-names.js';
import { MODE_ROWS, MODES, requirementsOf } from '../core/modes.js';
import type { Seconds } from '../units.js';
import { promDuration } from './duration.js';

/** Leaves the built-in targets out; Prometheus anchors the pattern by itself. */
export const NOT_EMBEDDED = `target!~"${EMBEDDED_NAMES}"`;

/**
 * One series for each configured mode of a path. The phase of a search is exported for every configured mode from
 * the first moment on, found or not, so it tells what the finding's own series cannot: which modes are missing. Every
 * phase has its series, 1 or 0; one of them is enough to count.
 */
function modesOf(selector: string): string {
  return `nat_search_phase{${selector}, phase="track"}`;
}

/** The modes whose packets carry nothing: where something eats those, they say nothing of the mapping. */
const EMPTY_MODES = MODES.filter((mode) => MODE_ROWS[mode].answeredBy === 'kernel');
const [EMPTY, NOT_EMPTY] =
  EMPTY_MODES.length === 1
    ? [`mode="${EMPTY_MODES.join()}"`, `mode!="${EMPTY_MODES.join()}"`]
    : [`mode=~"${EMPTY_MODES.join('|')}"`, `mode!~"${EMPTY_MODES.join('|')}"`];

/** Conditions in which those modes say nothing. */
const EMPTY_MODES_SILENT = 'condition=~"keepalives_eaten|keepalives_answered_between"';

/** Of the series that a selector finds with a mode each, those of the modes that speak: eaten or answered keepalives do not. */
function speaking(series: (selector: string) => string, selector: string): readonly string[] {
  return [
    `  ${series(`${selector}, ${NOT_EMPTY}`)}`,
    '  or',
    `  ${series(`${selector}, ${EMPTY}`)}`,
    '  unless ignoring (mode, phase, condition)',
    `  nat_path_condition{${selector}, ${EMPTY_MODES_SILENT}}`,
  ];
}

/**
 * How many modes of a path speak of its mapping: all that are configured, less keepalives that something eats or
 * answers. The paths on which that happens are few, so only they are counted mode by mode.
 */
export function speakingModes(selector: string): string {
  const silent = `nat_path_condition{${selector}, ${EMPTY_MODES_SILENT}}`;
  return [
    '(',
    `  count without (mode, phase) (${modesOf(selector)})`,
    '  unless ignoring (condition)',
    `  ${silent}`,
    '  or',
    '  count without (mode, phase) (',
    `    ${modesOf(`${selector}, ${NOT_EMPTY}`)}`,
    '    and ignoring (mode, phase, condition)',
    `    ${silent}`,
    '  )',
    ')',
  ].join('\n');
}

/** An aggregation of a metric over a path's modes that speak of its mapping. */
function overSpeaking(aggregation: 'min' | 'count', metric: string, selector: string): string {
  const series = (modes: string): string => `${metric}{${modes}}`;
  return [`${aggregation} without (mode) (`, ...speaking(series, selector), ')'].join('\n');
}

/** What is shortest on a path, over the modes that speak: three expressions, seconds. */
export interface ShortestOfPath {
  /** The idle time that all of them survived; absent while one of them has survived none yet. */
  readonly survived: string;
  /** The shortest that one of them did not survive, `+Inf` while none died. */
  readonly died: string;
  /** The timeout; absent while a mode whose bracket is not closed yet may turn out to be shorter. */
  readonly timeout: string;
}

/** Timeout and bracket of the worst mode of each path: what an application has to live with. */
export function shortestOfPath(selector: string): ShortestOfPath {
  const lower = 'nat_idle_timeout_lower_bound_seconds';
  const died = overSpeaking('min', 'nat_idle_timeout_upper_bound_seconds', selector);
  return {
    survived: [
      overSpeaking('min', lower, selector),
      `and ${overSpeaking('count', lower, selector)} == ${speakingModes(selector)}`,
    ].join('\n'),
    died,
    timeout: `${overSpeaking('min', 'nat_idle_timeout_seconds', selector)}\n<= ${died}`,
  };
}

/** Whether each mode complies with its own requirement. */
function complianceOf(selector: string): string {
  const gauges = requirementsOf(MODES).map(({ metric }) => `${metric}{${selector}}`);
  return gauges.length === 1 ? gauges.join() : `(${gauges.join(' or ')})`;
}

/** The paths of which some mode is proven not to be compliant, each with the value 0. */
export function violatedPaths(selector: string): string {
  return `min without (mode) (${complianceOf(selector)} == 0)`;
}

/**
 * Whether a path is compliant: 0 if any mode says 0; 1 if every mode that speaks says 1; else no series. A plain
 * minimum would call a path compliant of which only one mode has been measured. Where no mode says 0 the sum counts
 * those that say 1: so each series is read twice and not three times, which an audit of a month asks 121 times.
 */
export function pathCompliant(selector: string): string {
  const compliant = complianceOf(selector);
  return [
    violatedPaths(selector),
    'or',
    'clamp_max(',
    `  sum without (mode) (${compliant})`,
    '  ==',
    `  ${speakingModes(selector).replaceAll('\n', '\n  ')},`,
    '  1',
    ')',
  ].join('\n');
}

/** The paths that were watched within the window and are not any more: their exporter delivers nothing. */
export function stalePaths(selector: string, window: Seconds): string {
  return [
    `group without (mode, phase) (last_over_time(${modesOf(selector)}[${promDuration(window)}]))`,
    'unless',
    speakingModes(selector),
  ].join('\n');
}

/**
 * The timeouts below `required` of the modes that are not compliant, as last known: they outlive a restart, also that of
 * an exporter which keeps no state and has to measure for as long again, but not the survival that refutes them, nor the
 * finding that it depends on how many connections are open. Where
 * the compliance is 0 without a timeout, the upper bound: `+Inf` on a path that dropped and rose within a day.
 */
export function shortTimeouts(selector: string, required: Seconds, window: Seconds): string {
  const lastKnown = (metric: string): string =>
    `last_over_time(${metric}{${selector}}[${promDuration(window)}])`;
  const timeout = lastKnown('nat_idle_timeout_seconds');
  return [
    '(',
    `  ${timeout} < ${required}`,
    '  unless',
    `  ${timeout} < nat_idle_timeout_lower_bound_seconds{${selector}}`,
    '  and',
    `  ${lastKnown('rfc5382_req5_compliant')} == 0`,
    '  unless ignoring (mode, condition)',
    `  nat_path_condition{${selector}, condition="connection_quota"}`,
    ')',
    'or',
    '(',
    `  nat_idle_timeout_upper_bound_seconds{${selector}}`,
    '  unless',
    `  nat_idle_timeout_seconds{${selector}}`,
    '  and',
    `  rfc5382_req5_compliant{${selector}} == 0`,
    ')',
  ].join('\n');
}

/** The upper bounds of the modes that are proven not to be compliant: those of other modes may be a single death's. */
export function shortBounds(selector: string): string {
  return `nat_idle_timeout_upper_bound_seconds{${selector}} and ${complianceOf(selector)} == 0`;
}

/** What the shipped recording rules make of each path, by the names under which they record it. */
export const RECORDED = {
  /** `speakingModes()`. */
  configured: 'path:nat_modes_configured:count',
  /** `pathCompliant()`. */
  compliant: 'path:rfc5382_req5_compliant:all_modes',
} as const;

/**
 * How many verdicts of modes are about paths of which the rules recorded nothing; absent for none. Then what they
 * recorded is all that there is to say of the paths' compliance, for whatever is not recorded was not known.
 */
export function unrecordedVerdicts(selector: string): string {
  return `count(${complianceOf(selector)} unless ignoring (mode) ${RECORDED.configured}{${selector}})`;
}
