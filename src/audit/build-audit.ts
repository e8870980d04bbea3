/** From the paths of an audit to its document. */
import { defined } from '../defined.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../core/rfc5382.js';
import { isoTime } from '../paper/blocks.js';
import type { Seconds } from '../units.js';
import { AUDIT_DOCUMENT_VERSION, type AuditDocument, type AuditGroup } from './audit-document.js';
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

/** What a group is called whose paths lack a label. */
const NONE = '(none)';

/** Builds the document of at least one path. */
export function buildAudit(paths: readonly AuditPath[], request: AuditRequest): AuditDocument {
  const nameOf = namer(paths);
  return {
    version: AUDIT_DOCUMENT_VERSION,
    generated: isoTime(Math.floor(request.generated)),
    program: { name: 'nat-idle-exporter', version: request.version },
    prometheus: request.prometheus,
    at: isoTime(Math.floor(request.at)),
    lookback_seconds: request.lookback,
    required_seconds: REQ5_ESTABLISHED_IDLE_TIMEOUT,
    by: [...request.by],
    total: summaryOf(paths),
    groups: groupsOf(paths, request.by, request.worst).map(({ values, summary, worst }) => ({
      name: values.map((value) => value ?? NONE).join(' / '),
      labels: Object.fromEntries(request.by.map((label, index) => [label, values[index] ?? null])),
      ...summary,
      worst: worst.map((path) => worstFields(path, nameOf(path))),
    })),
    distribution: distributionOf(paths),
  };
}

function worstFields({ labels, timeout, below }: AuditPath, name: string): AuditGroup['worst'][number] {
  return defined({
    name,
    labels: { ...labels },
    mode: timeout?.mode ?? below?.mode ?? '',
    timeout_seconds: timeout?.seconds,
    below_seconds: below?.seconds,
  });
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
