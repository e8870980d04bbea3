/**
 * The audit of a fleet: what a Prometheus knows of all paths, as one table for an operator's or a regulator's report.
 * `prometheus.ts` asks; everything else computes and can be replayed.
 */
export {
  auditJsonSchema,
  auditSchema,
  buildAudit,
  type AuditDocument,
  type AuditRequest,
} from './document.js';
export { type AuditPath, pathsOf } from './paths.js';
export { askPrometheus, PrometheusError } from './prometheus.js';
export { AUDIT_FORMATS, type AuditFormat, renderAudit } from './render.js';
export { renderText } from './text.js';
export { resultOf } from './words.js';
