/** The PromQL that rules and dashboards share: that of the program itself, whose audit asks the same. */
export {
  NOT_EMBEDDED,
  pathCompliant,
  RECORDED,
  type ShortestOfPath,
  shortestOfPath,
  shortTimeouts,
  speakingModes,
  violatedPaths,
} from '../../src/promql/expressions.js';
