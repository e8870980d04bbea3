/** An audit as one document: what `audit --json` prints and every form of the report is rendered from. */
import { z } from 'zod';

/** Version of the document's shape; it changes when a field changes its meaning or goes away. */
export const AUDIT_DOCUMENT_VERSION = 1;

const count = z.int().min(0);
const seconds = z.number().min(0);
const labels = z.record(z.string(), z.string());
const knownBound = z.strictObject({
  seconds,
  at_least: z.boolean().describe('only a lower bound is known: nothing died'),
});
const bound = knownBound.optional();
const summary = {
  paths: count.describe('a path is one target of one exporter'),
  compliant: count.describe('proven compliant in every configured mode'),
  not_compliant: count.describe('proven not to be compliant in at least one mode'),
  unknown: count.describe('too little is known; the stale paths included'),
  stale: count.describe('watched within the look-back, but not at the moment of the audit'),
  conditions: z
    .record(z.string(), count)
    .describe('how many paths have which condition beside their timeouts, by `nat_path_condition`'),
  compliant_share: z.number().min(0).max(1).describe('compliant paths among all, the unknown ones included'),
  timeouts: count.describe('paths with a timeout: the minimum and the median are over those'),
  minimum: bound.describe('absent where no path has a timeout'),
  median: bound.describe('of an even number the lower one of the two in the middle'),
};
const worstPath = z.strictObject({
  name: z.string(),
  labels,
  mode: z.string(),
  conditions: z.array(z.string()),
  timeout_seconds: seconds.optional(),
  below_seconds: seconds
    .optional()
    .describe('instead of the timeout while that is not known: an idle time that did not survive'),
});

/** The document's schema, docs/audit.schema.json; every duration is in seconds, unknown is absent and never 0. */
export const auditSchema = z
  .strictObject({
    version: z.literal(AUDIT_DOCUMENT_VERSION),
    generated: z.iso.datetime().describe('UTC time, ISO 8601'),
    program: z.strictObject({ name: z.literal('nat-idle-exporter'), version: z.string() }),
    prometheus: z.string().describe('the address that was asked'),
    at: z.iso.datetime().describe('the moment of the audit, UTC'),
    lookback_seconds: seconds.describe('how far back paths were looked for that are not watched any more'),
    required_seconds: seconds.describe('RFC 5382 REQ-5'),
    by: z.array(z.string()).min(1).describe('the labels whose values make the groups'),
    total: z.strictObject(summary),
    groups: z
      .array(
        z.strictObject({
          name: z.string(),
          labels: z.record(z.string(), z.string().nullable()).describe('null: the paths have no such label'),
          ...summary,
          worst: z.array(worstPath).describe('paths that are known to forget, the shortest timeout first'),
        }),
      )
      .describe('the worst first: by the share of paths that are proven not to be compliant'),
    distribution: z
      .array(z.strictObject({ seconds, at_least: z.boolean(), paths: z.int().min(1) }))
      .describe('how many paths have which timeout, the shortest first'),
  })
  .meta({
    description: 'An audit by nat-idle-exporter of all paths that a Prometheus knows.',
    title: 'nat-idle-exporter audit --json',
  });

export type AuditDocument = z.infer<typeof auditSchema>;
/** A duration that is known exactly, or, with `at_least`, one of which only is known that it is not shorter. */
export type Bound = z.infer<typeof knownBound>;
/** Counts of several paths, and the minimum and median of their timeouts. */
export type AuditGroup = AuditDocument['groups'][number];
export type AuditSummary = AuditDocument['total'];
