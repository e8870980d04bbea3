/** The PromQL that rules and dashboards share: that of the program itself, whose audit asks the same. */
export { configuredModes, lastKnown, NOT_EMBEDDED, pathCompliant } from '../../src/promql/expressions.js';
