/** Every threshold and window of the rules, each with its why: alerts, dashboards and runbook take them from here. */
import { RFC5382_REQ5 } from '../../src/core/requirements.js';
import type { Seconds } from '../../src/units.js';

export { promDuration } from '../../src/promql/duration.js';

const MINUTE: Seconds = 60;
const HOUR: Seconds = 3600;
const DAY: Seconds = 24 * HOUR;

/** All durations in seconds. */
export interface Thresholds {
  /** The idle timeout below which the critical alert fires. */
  readonly requiredIdleTimeout: Seconds;
  /** How long the last known finding counts while its series is absent. */
  readonly findingHeld: Seconds;
  /** How long a too short timeout must be seen before the critical alert fires. */
  readonly belowFor: Seconds;
  /** A timeout below this share of its own past is a drop. */
  readonly dropRatio: number;
  /** The past that a timeout is compared with. */
  readonly dropWindow: Seconds;
  readonly dropFor: Seconds;
  /** A mode's upper bound below this share of another mode's lower bound is a disagreement. */
  readonly disagreeRatio: number;
  readonly disagreeFor: Seconds;
  /** How long a condition of a path must have been found. */
  readonly conditionFor: Seconds;
  /** More mapping losses than this within `mappingLossWindow` are too many. */
  readonly mappingLosses: number;
  readonly mappingLossWindow: Seconds;
  /** A finding is stale when it was last confirmed longer ago than this plus `staleTimeouts` times its timeout. */
  readonly staleAfter: Seconds;
  readonly staleTimeouts: number;
  readonly staleFor: Seconds;
  readonly targetDownFor: Seconds;
  readonly exporterAbsentFor: Seconds;
  /** How far back an exporter that is gone is remembered. */
  readonly exporterRemembered: Seconds;
  /** More rejections than this within `rejectingWindow` are too many. */
  readonly rejections: number;
  readonly rejectingWindow: Seconds;
  readonly rejectingFor: Seconds;
  readonly reloadFailedFor: Seconds;
  /** More descriptors than this that nothing accounts for are a leak. */
  readonly unaccountedDescriptors: number;
  readonly leakingFor: Seconds;
}

/** The thresholds of the shipped files. */
export const SHIPPED_THRESHOLDS: Thresholds = {
  // RFC 5382 REQ-5; RFC 6888 REQ-1 binds carrier-grade NATs to it.
  requiredIdleTimeout: RFC5382_REQ5.idle,
  // A restarted exporter without a state directory needs one timeout and a little more (2.5 h) to find the value again,
  // and one more (2.1 h) to check it; an alert that resolved meanwhile would announce a repair that nobody made.
  findingHeld: 5 * HOUR,
  // The exporter has already waited for three independent deaths: this only bridges a few evaluations.
  belowFor: 5 * MINUTE,
  // Brackets are narrower than a percent of their values; devices change their timeout by factors.
  dropRatio: 0.9,
  // Long enough to outvote a change until somebody has seen it: a median of a week turns after three and a half days.
  dropWindow: 7 * DAY,
  dropFor: 15 * MINUTE,
  disagreeRatio: 0.9,
  // After a change each mode finds it on its own: wait until every mode had a turn of 7440 s.
  disagreeFor: 3 * HOUR,
  // What was found is already confirmed by the exporter: a restart must not announce it anew.
  conditionFor: 15 * MINUTE,
  // Some providers change the address once a day, a router is restarted now and then.
  mappingLosses: 3,
  mappingLossWindow: DAY,
  // A connection is tested only after it idled for about one timeout, so the age at which a finding is old grows
  // with its value.
  staleAfter: 6 * HOUR,
  staleTimeouts: 2,
  staleFor: 30 * MINUTE,
  // Longer than a restart of the responder's host or a short outage of the line.
  targetDownFor: 15 * MINUTE,
  // Longer than a restart or an upgrade of the exporter.
  exporterAbsentFor: 10 * MINUTE,
  exporterRemembered: DAY,
  // A single mistyped token or an old client is no reason to wake anybody.
  rejections: 10,
  rejectingWindow: HOUR,
  rejectingFor: 15 * MINUTE,
  reloadFailedFor: 5 * MINUTE,
  // The system's resolver may open one for each of four threads and keep it; a leak grows beyond that.
  unaccountedDescriptors: 8,
  // The metric itself is the smallest number of five minutes.
  leakingFor: 10 * MINUTE,
};
