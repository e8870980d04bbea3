/** An audit as one document: what `audit --json` prints and every form of the report is rendered from. */
import { z } from 'zod';

/** Version of the document's shape; it changes when a field changes its meaning or goes away. */
export const AUDIT_DOCUMENT_VERSION = 1;

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const seconds = z.number().min(0);
const labels = z.record(z.string(), z.string());
const knownBound = z.strictObject({
  seconds,
  at_least: z.boolean().describe('only a lower bound is known: nothing died'),
});
const bound = knownBound.optional();
const states = {
  paths: count.describe('a path is one target of one exporter'),
  compliant: count.describe('proven compliant in every configured mode'),
  not_compliant: count.describe('proven not to be compliant in at least one mode'),
  unknown: count.describe('too little is known; the stale paths included'),
  compliant_share: share.describe('compliant paths among all, the unknown ones included'),
  known_share: share.optional().describe('compliant paths among those that are known; absent where none is'),
};
const period = z
  .strictObject({
    compliant_share: share.optional().describe('share of the known time in which the paths were compliant'),
    known_share: share.describe('share of the period in which it was known whether they were'),
    before: z
      .strictObject(states)
      .optional()
      .describe('the paths at the beginning; absent where none was watched then'),
    became_compliant: count.describe('not compliant at the beginning, compliant now'),
    became_not_compliant: count.describe('compliant at the beginning, not compliant now'),
    added: count.describe('not watched at the beginning'),
    gone: count.describe('watched at the beginning, and not within the look-back of now'),
  })
  .optional();
const summary = {
  ...states,
  stale: count.describe('watched within the look-back, but not at the moment of the audit'),
  conditions: z
    .record(z.string(), count)
    .describe('how many paths have which condition beside their timeouts, by `nat_path_condition`'),
  places: z
    .record(z.string(), count)
    .describe('where the box that forgets stands: on how many paths, by `nat_forgetting_box_info`'),
  pools: z
    .strictObject({ paths: count.min(1), lowest: share, highest: share })
    .optional()
    .describe('paths that forget a share of the connections early, and these shares'),
  compliant_share_bounds: z
    .tuple([share, share])
    .describe('95 % bounds of the share of all (Wilson), the paths taken for a sample'),
  known_share_bounds: z
    .tuple([share, share])
    .optional()
    .describe('95 % bounds of the share of the known paths (Wilson)'),
  timeouts: count.describe('paths with a timeout: the minimum and the median are over those'),
  minimum: bound.describe('absent where no path has a timeout'),
  median: bound.describe('of an even number the lower one of the two in the middle'),
  so_far: z
    .strictObject({ paths: count.min(1), minimum_seconds: seconds, median_seconds: seconds })
    .optional()
    .describe('of the paths of which nothing else is known yet: what survived in every mode until now'),
  period,
};
const worstPath = z.strictObject({
  name: z.string(),
  labels,
  mode: z.string(),
  every_mode: z.boolean().describe('the other modes forget at the same time'),
  conditions: z.array(z.string()),
  places: z.array(z.string()),
  timeout_seconds: seconds.optional(),
  below_seconds: seconds
    .optional()
    .describe('instead of the timeout while that is not known: an idle time that did not survive'),
});
const state = z.enum(['compliant', 'not_compliant', 'unknown']);
const auditedPath = z.strictObject({
  name: z.string(),
  labels,
  state,
  stale: z.boolean(),
  mode: z.string().optional().describe('the mode with the smallest timeout'),
  every_mode: z.boolean().optional().describe('the other modes forget at the same time'),
  timeout: bound.describe('the smallest over its modes'),
  below_seconds: seconds.optional(),
  so_far_seconds: seconds
    .optional()
    .describe('while neither is known: what survived in every mode until now'),
  conditions: z.array(z.string()),
  early_deaths: z
    .strictObject({ ratio: share, lower: share.optional(), upper: share.optional() })
    .optional()
    .describe('share of the connections that are forgotten early, with its 95 % bounds'),
  boxes: z
    .array(z.strictObject({ place: z.string(), hop: z.string(), kind: z.string() }))
    .describe('what forgets; several where modes disagree'),
  period: z
    .strictObject({
      compliant_share: share.optional().describe('share of the known time in which it was compliant'),
      known_share: share.describe('share of the period in which it was known whether it was'),
      before: state.optional().describe('at the beginning; absent where it was not watched then'),
      timeout_before: bound,
    })
    .optional(),
});

/** The document's schema, docs/audit.schema.json; every duration is in seconds, unknown is absent and never 0. */
export const auditSchema = z
  .strictObject({
    version: z.literal(AUDIT_DOCUMENT_VERSION),
    generated: z.iso.datetime().describe('UTC time, ISO 8601'),
    program: z.strictObject({ name: z.literal('nat-idle-exporter'), version: z.string() }),
    prometheus: z.string().describe('the address that was asked'),
    at: z.iso.datetime().describe('the moment of the audit, UTC'),
    since: z.iso.datetime().optional().describe('the beginning of the period, UTC'),
    matchers: z.array(z.string()).describe('what the labels of the paths had to match'),
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
    paths: z.array(auditedPath).describe('every path, in the order of the groups, the worst of each first'),
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
export type AuditedPath = AuditDocument['paths'][number];
/** How many paths are in which state. */
export type States = Pick<AuditSummary, keyof typeof states>;
