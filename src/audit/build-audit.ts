/** From the paths of an audit to its document. */
import { longestRequired, MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { isoTime } from '../paper/document-values.js';
import type { Seconds } from '../units.js';
import { AUDIT_DOCUMENT_VERSION, type AuditDocument, type AuditedPath } from './audit-document.js';
import { roundedShare, summaryOf } from './audit-summary.js';
import { groupsOf, inOrderOf } from './groups.js';
import { type AuditPath, compareBounds, type Labels } from './paths.js';
import { type Period, type PeriodPath } from './period.js';

/** What was asked for. */
export interface AuditRequest {
  readonly prometheus: string;
  /** Unix times, seconds. */
  readonly at: Seconds;
  readonly generated: Seconds;
  readonly lookback: Seconds;
  /** What the labels of the paths had to match. */
  readonly matchers: readonly string[];
  readonly by: readonly string[];
  readonly worst: number;
  /** The program's version. */
  readonly version: string;
}

/** A period, and the paths of its beginning that are not watched any more. */
export interface AuditPast {
  readonly period: Period;
  readonly gone: readonly AuditPath[];
}

/** Builds the document of at least one path. */
export function buildAudit(
  paths: readonly PeriodPath[],
  request: AuditRequest,
  compared?: AuditPast,
): AuditDocument {
  const past = compared && { moments: compared.period.moments, gone: compared.gone };
  const nameOf = namer(paths);
  const groups = groupsOf(paths, request.by, request.worst, nameOf, past);
  const [matchers, by] = [[...request.matchers], [...request.by]];
  return defined({
    version: AUDIT_DOCUMENT_VERSION,
    generated: isoTime(Math.floor(request.generated)),
    program: { name: 'nat-idle-exporter', version: request.version },
    prometheus: request.prometheus,
    at: isoTime(Math.floor(request.at)),
    since: compared && isoTime(Math.floor(compared.period.from)),
    matchers,
    lookback_seconds: request.lookback,
    required_seconds: longestRequired(MODES),
    by,
    total: summaryOf(paths, past),
    groups,
    paths: inOrderOf(groups, paths, request.by).map((path) => pathFields(path, nameOf(path), past?.moments)),
    distribution: distributionOf(paths),
  });
}

/** @param moments of the period, where there is one */
function pathFields(path: PeriodPath, name: string, moments: number | undefined): AuditedPath {
  const { timeout, below, earlyDeaths, boxes = [] } = path;
  const conditions = [...path.conditions];
  return defined({
    name,
    labels: { ...path.labels },
    state: path.state,
    stale: path.stale,
    mode: timeout?.mode ?? below?.mode,
    every_mode: timeout && timeout.everyMode === true,
    timeout: timeout && { seconds: timeout.seconds, at_least: timeout.at_least },
    below_seconds: below?.seconds,
    so_far_seconds: path.soFar,
    conditions,
    early_deaths: earlyDeaths && { ...earlyDeaths },
    boxes: boxes.map((box) => ({ ...box })),
    period: moments === undefined ? undefined : periodFields(path, moments),
  });
}

function periodFields({ share, before }: PeriodPath, moments: number): NonNullable<AuditedPath['period']> {
  const { compliant, known } = share ?? { compliant: 0, known: 0 };
  const { timeout } = before ?? {};
  return defined({
    compliant_share: known === 0 ? undefined : roundedShare(compliant / known),
    known_share: roundedShare(known / moments),
    before: before?.state,
    timeout_before: timeout && { seconds: timeout.seconds, at_least: timeout.at_least },
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
