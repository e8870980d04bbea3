/**
 * The diagnosis: what the findings of all modes together may mean, which of them may be published, and what to do
 * about it. Pure; the rules come from RFC 5382, RFC 6888 and from the behaviour of real boxes (docs/REPORT.md).
 *
 * ```ts
 * const published = publishable(findings, limits);
 * const interval = keepaliveRecommended(findings, modes, limits);
 * const explanations = explain({ modes: evidence, limits, conntrack: {}, addresses: {} });
 * ```
 */
export { addressClass, sameAddress } from './address.js';
export { idleToSurvive, isDecided } from './decided.js';
export { explain } from './explain.js';
export {
  type AddressClass,
  type DiagnosisInput,
  type ModeEvidence,
  type Outcome,
  outcomeOf,
} from './outcome.js';
export {
  diesAtMinIdle,
  type FindingsByMode,
  keepaliveRecommended,
  keepalivesEaten,
  LONGEST_RECOMMENDED_KEEPALIVE,
  type PublishLimits,
  publishable,
} from './publish.js';
export { settings } from './settings.js';
export { type PathCondition, type PathVerdict, pathVerdict } from './path-verdict.js';
export type { Explanation, Settings } from './types.js';
