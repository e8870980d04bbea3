/** An audit as one document: what `audit --json` prints and every form of the report is rendered from. */
import { z } from 'zod';
import { longestRequired, MODES } from '../core/modes.js';
import type { Seconds } from '../units.js';
import { type Group, groupsOf, type Summary, summaryOf } from './groups.js';
import { type AuditPath, type Bound, compareBounds, type Labels } from './paths.js';

/** Version of the document's shape; it changes when a field changes its meaning or goes away. */
const AUDIT_DOCUMENT_VERSION = 1;

const count = z.int().min(0);
const seconds = z.number().min(0);
const labels = z.record(z.string(), z.string());
const bound = z
  .strictObject({
    seconds,
    at_least: z.boolean().describe('only a lower bound is known: nothing died'),
  })
  .optional();
const summary = {
  paths: count.describe('a path is one target of one exporter'),
  compliant: count.describe('proven compliant in every configured mode'),
  not_compliant: count.describe('proven not to be compliant in at least one mode'),
  unknown: count.describe('too little is known; the stale paths included'),
  stale: count.describe('watched within the look-back, but not at the moment of the audit'),
  compliant_share: z.number().min(0).max(1).describe('compliant paths among all, the unknown ones included'),
  timeouts: count.describe('paths with a timeout: the minimum and the median are over those'),
  minimum: bound.describe('absent where no path has a timeout'),
  median: bound.describe('of an even number the lower one of the two in the middle'),
};
const worstPath = z.strictObject({
  name: z.string(),
  labels,
  mode: z.string(),
  timeout_seconds: seconds.optional(),
  below_seconds: seconds
    .optional()
    .describe('instead of the timeout while that is not known: an idle time that did not survive'),
});

/** The document's schema; every duration is in seconds, unknown is absent and never 0. */
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
  .describe('An audit by nat-idle-exporter of all paths that a Prometheus knows.');

export type AuditDocument = z.infer<typeof auditSchema>;
export type AuditGroup = AuditDocument['groups'][number];
export type AuditSummary = AuditDocument['total'];

/** The JSON Schema of the document, as it is shipped in docs/audit.schema.json. */
export function auditJsonSchema(): object {
  return { ...z.toJSONSchema(auditSchema), title: 'nat-idle-exporter audit --json' };
}

/** What was asked for. */
export interface AuditRequest {
  readonly prometheus: string;
  /** Unix times, seconds. */
  readonly at: Seconds;
  readonly generated: Seconds;
  readonly lookback: Seconds;
  readonly by: readonly string[];
  readonly worst: number;
  /** The program's version. */
  readonly version: string;
}

/** What a group is called whose paths lack a label. */
const NONE = '(none)';

/** Builds the document of at least one path. */
export function buildAudit(paths: readonly AuditPath[], request: AuditRequest): AuditDocument {
  const nameOf = namer(paths);
  return {
    version: AUDIT_DOCUMENT_VERSION,
    generated: isoTime(request.generated),
    program: { name: 'nat-idle-exporter', version: request.version },
    prometheus: request.prometheus,
    at: isoTime(request.at),
    lookback_seconds: request.lookback,
    required_seconds: longestRequired(MODES),
    by: [...request.by],
    total: summaryFields(summaryOf(paths)),
    groups: groupsOf(paths, request.by, request.worst).map(({ values, summary: known, worst }: Group) => ({
      name: values.map((value) => value ?? NONE).join(' / '),
      labels: Object.fromEntries(request.by.map((label, index) => [label, values[index] ?? null])),
      ...summaryFields(known),
      worst: worst.map((path) => worstFields(path, nameOf)),
    })),
    distribution: distributionOf(paths),
  };
}

/** UTC time without fractions of a second. */
function isoTime(unix: Seconds): string {
  return new Date(Math.floor(unix) * 1000).toISOString().replace('.000Z', 'Z');
}

/** To the millisecond; a test is not known better. */
function rounded(value: Seconds): Seconds {
  return Math.round(value * 1000) / 1000;
}

function boundFields({ seconds: value, atLeast }: Bound): { seconds: number; at_least: boolean } {
  return { seconds: rounded(value), at_least: atLeast };
}

function summaryFields({ minimum, median, ...known }: Summary): AuditSummary {
  return {
    paths: known.paths,
    compliant: known.compliant,
    not_compliant: known.notCompliant,
    unknown: known.unknown,
    stale: known.stale,
    compliant_share: known.compliantShare,
    timeouts: known.timeouts,
    ...(minimum === undefined ? {} : { minimum: boundFields(minimum) }),
    ...(median === undefined ? {} : { median: boundFields(median) }),
  };
}

function worstFields(path: AuditPath, nameOf: (path: AuditPath) => string): AuditGroup['worst'][number] {
  const { timeout, below } = path;
  return {
    name: nameOf(path),
    labels: { ...path.labels },
    mode: timeout?.mode ?? below?.mode ?? '',
    ...(timeout === undefined ? {} : { timeout_seconds: rounded(timeout.seconds) }),
    ...(below === undefined ? {} : { below_seconds: rounded(below.seconds) }),
  };
}

/** Names a path by exporter and target, and by all its labels where that is not enough to tell it from others. */
function namer(paths: readonly AuditPath[]): (path: AuditPath) => string {
  const short = ({ labels: { instance = '?', target = '?' } }: AuditPath): string =>
    `${instance} → ${target}`;
  const uses = new Map<string, number>();
  for (const path of paths) uses.set(short(path), (uses.get(short(path)) ?? 0) + 1);
  return (path) => {
    const name = short(path);
    if (uses.get(name) === 1) return name;
    const { instance: _instance, target: _target, ...others }: Labels = path.labels;
    const rest = Object.entries(others).map(([label, value]) => `${label}=${value}`);
    return `${name} (${rest.sort().join(', ')})`;
  };
}

function distributionOf(paths: readonly AuditPath[]): AuditDocument['distribution'] {
  const counts = new Map<string, Bound & { paths: number }>();
  for (const { timeout } of paths) {
    if (timeout === undefined) continue;
    const value = rounded(timeout.seconds);
    const key = `${value} ${timeout.atLeast}`;
    const entry = counts.get(key) ?? { seconds: value, atLeast: timeout.atLeast, paths: 0 };
    entry.paths += 1;
    counts.set(key, entry);
  }
  return [...counts.values()]
    .sort(compareBounds)
    .map((entry) => ({ ...boundFields(entry), paths: entry.paths }));
}
