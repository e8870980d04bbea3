/** From the paths of an audit to its document. */
import { longestRequired, MODES } from '../core/modes.js';
import { isoTime } from '../paper/document-values.js';
import type { Seconds } from '../units.js';
import { AUDIT_DOCUMENT_VERSION, type AuditDocument } from './audit-document.js';
import { groupsOf, summaryOf } from './groups.js';
import { type AuditPath, compareBounds, type Labels } from './paths.js';

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

/** Builds the document of at least one path. */
export function buildAudit(paths: readonly AuditPath[], request: AuditRequest): AuditDocument {
  return {
    version: AUDIT_DOCUMENT_VERSION,
    generated: isoTime(Math.floor(request.generated)),
    program: { name: 'nat-idle-exporter', version: request.version },
    prometheus: request.prometheus,
    at: isoTime(Math.floor(request.at)),
    lookback_seconds: request.lookback,
    required_seconds: longestRequired(MODES),
    by: [...request.by],
    total: summaryOf(paths),
    groups: groupsOf(paths, request.by, request.worst, namer(paths)),
    distribution: distributionOf(paths),
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

/** How many paths have which timeout, the shortest first. */
function distributionOf(paths: readonly AuditPath[]): AuditDocument['distribution'] {
  const counts = new Map<string, AuditDocument['distribution'][number]>();
  for (const { timeout } of paths) {
    if (timeout === undefined) continue;
    const { seconds, at_least } = timeout;
    const key = `${seconds} ${at_least}`;
    counts.set(key, { seconds, at_least, paths: (counts.get(key)?.paths ?? 0) + 1 });
  }
  return [...counts.values()].sort(compareBounds);
}
