/** The PromQL that rules and dashboards share: that of the program itself, whose audit asks the same. */
export { lastKnown, NOT_EMBEDDED, pathCompliant, speakingModes } from '../../src/promql/expressions.js';
