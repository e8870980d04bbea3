/** `audit`: one table of everything that a Prometheus knows of the paths, by the values of labels. */
import type { AuditDocument } from '../audit/audit-document.js';
import { buildAudit } from '../audit/build-audit.js';
import { type AuditPath, pathsOf } from '../audit/paths.js';
import { askPrometheus, PrometheusError } from '../audit/prometheus.js';
import { renderAudit } from '../audit/audit-forms.js';
import { renderText } from '../audit/audit-text.js';
import { resultOf } from '../audit/audit-words.js';
import type { AuditFlags } from '../cli/audit-flags.js';
import { UsageError } from '../cli/flags.js';
import { systemClock } from '../clock.js';
import { didYouMean } from '../config/did-you-mean.js';
import { ConfigError, showValue } from '../config/problem.js';
import { unreadableInShort, writeRegularFile } from '../files.js';
import { createLogger } from '../log.js';
import type { Output } from '../measure/terminal.js';
import type { Build } from '../version.js';
import { visible } from '../visible.js';

/** Exit codes by what the whole fleet is. */
const EXIT = { compliant: 0, not_compliant: 1, unknown: 3 } as const;

/** What the command talks to. */
export interface AuditIo {
  /** The result. */
  readonly stdout: Output;
  /** Why there is none, and the log. */
  readonly stderr: Output;
  /** Aborted when somebody wants it to stop. */
  readonly signal: AbortSignal;
}

/**
 * Asks Prometheus, prints the table and writes the report.
 *
 * @returns the exit code: 0 all paths compliant, 1 some path not compliant, 3 no such verdict, or nothing to make a
 * table from
 * @throws UsageError when no path has a label asked for; ConfigError when a file cannot be read or written
 */
export async function runAudit(
  flags: AuditFlags,
  build: Build,
  warnings: readonly string[],
  { stdout, stderr, signal }: AuditIo,
): Promise<0 | 1 | 3> {
  const log = createLogger({ ...flags.log, stream: { write: (line) => void stderr.write(line) } });
  for (const warning of warnings) log.warn(warning);
  const now = systemClock.wall();
  const at = flags.at ?? now;
  let paths: readonly AuditPath[];
  let partial: readonly string[];
  try {
    const asked = await askPrometheus(
      flags.prometheus,
      { at, lookback: flags.lookback },
      { signal, version: build.version },
    );
    paths = pathsOf(asked.answers);
    partial = asked.warnings;
    if (paths.length === 0)
      throw new PrometheusError(`${flags.prometheus.url}: knows no path of nat-idle-exporter at that moment`);
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw unreadable(error);
    stderr.write(`${visible(error.message)}\n`);
    return EXIT.unknown;
  }
  for (const warning of partial)
    stderr.write(`${visible(`${flags.prometheus.url}: the answer may be incomplete: ${warning}`)}\n`);
  if (flags.by.given) checkLabels(flags.by.labels, paths);
  const document = buildAudit(paths, {
    prometheus: flags.prometheus.url,
    at,
    generated: now,
    lookback: flags.lookback,
    by: flags.by.labels,
    worst: flags.worst,
    version: build.version,
  });
  stdout.write(flags.json ? renderAudit(document, 'json') : renderText(document));
  if (flags.report !== undefined) await writeReport(flags.report, document);
  const result = resultOf(document);
  // Paths that are not in the answer may not be compliant.
  return EXIT[result === 'compliant' && partial.length > 0 ? 'unknown' : result];
}

/** A label that no path has is a misspelling: one group of everything would hide it. */
function checkLabels(by: readonly string[], paths: readonly AuditPath[]): void {
  const known = new Set(paths.flatMap(({ labels }) => Object.keys(labels)));
  for (const label of by) {
    if (known.has(label)) continue;
    const meant = didYouMean(label, [...known]);
    const hint =
      meant === undefined ? `; there are ${[...known].sort().join(', ')}` : `, did you mean ${meant}?`;
    throw new UsageError(`--by: no path has the label ${showValue(label)}${hint}`);
  }
}

async function writeReport(
  { file, format }: NonNullable<AuditFlags['report']>,
  document: AuditDocument,
): Promise<void> {
  const text = renderAudit(document, format);
  try {
    await writeRegularFile(file, text);
  } catch (error) {
    throw new ConfigError([
      { file: '--report', rule: `cannot be written (${unreadableInShort(error)})`, value: file },
    ]);
  }
}

/** A file of credentials or certificates that cannot be read is the user's to mend; anything else is a bug. */
function unreadable(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return error;
  return new ConfigError([{ file: path, rule: `cannot be read (${unreadableInShort(error)})` }]);
}
