/** What the dashboard about many paths selects by its variables, and the questions that several panels share. */
import {
  NOT_EMBEDDED,
  pathCompliant,
  RECORDED as RULES,
  speakingModes,
  violatedPaths,
} from '../../prometheus/src/expressions.js';
import { RED, GREEN } from './kit.js';

export const PATHS = `${NOT_EMBEDDED}, job=~"$job", instance=~"$instance", target=~"$target"`;
export const MODES = `${PATHS}, mode=~"$mode"`;

/** One series for each path that is watched. */
export const WATCHED = speakingModes(PATHS);
/** 1 or 0 for each path of which that is proven. */
export const COMPLIANCE = pathCompliant(PATHS);
/** Those with a 0: much less work than all. */
export const VIOLATED = violatedPaths(PATHS);

/** The recording rules' series of each path: over a month, the raw ones of a large fleet are too many to count. */
export const RECORDED = `${RULES.compliant}{${PATHS}}`;
export const RECORDED_PATHS = `${RULES.configured}{${PATHS}}`;

/** Steps of a chart over time: more are not told apart at its width, and each costs a look at every path. */
export const MOST_STEPS = 700;

/** The three states of a path: an expression for the share of the paths that is in it, now and over time. */
export interface State {
  readonly name: string;
  readonly color: string;
  readonly now: string;
  /** Of sums, because a comparison for each path and step is what takes the time. */
  readonly then: string;
}

export const STATES: readonly State[] = [
  {
    name: 'not compliant',
    color: RED,
    now: `(count(${VIOLATED}) or vector(0)) / count(${WATCHED})`,
    then: `(count(${RECORDED}) - sum(${RECORDED})) / count(${RECORDED_PATHS})`,
  },
  {
    name: 'compliant',
    color: GREEN,
    now: `(sum(${COMPLIANCE}) or vector(0)) / count(${WATCHED})`,
    then: `sum(${RECORDED}) / count(${RECORDED_PATHS})`,
  },
  {
    name: 'unknown',
    color: 'yellow',
    now: `(count(${WATCHED}) - (count(${COMPLIANCE}) or vector(0))) / count(${WATCHED})`,
    then: `1 - (count(${RECORDED}) or vector(0)) / count(${RECORDED_PATHS})`,
  },
];
