/** `audit`: one table of everything that a Prometheus knows of the paths, by the values of labels. */
import { buildAudit } from '../audit/build-audit.js';
import type { AuditPath } from '../audit/paths.js';
import { PrometheusError } from '../audit/prometheus.js';
import { askPrometheus, type Audited } from '../audit/ask-prometheus.js';
import { renderAudit } from '../audit/audit-forms.js';
import { renderPaths } from '../audit/audit-csv.js';
import { renderText } from '../audit/audit-text.js';
import { resultOf } from '../audit/audit-words.js';
import type { AuditFlags } from '../cli/audit-flags.js';
import { UsageError } from '../cli/flags.js';
import { systemClock } from '../clock.js';
import { didYouMean } from '../config/did-you-mean.js';
import { ConfigError, showValue } from '../config/problem.js';
import { defined } from '../defined.js';
import { unreadableInShort, writeRegularFile } from '../files.js';
import { unreadableFile } from '../http/request.js';
import { createLogger } from '../log.js';
import type { Output } from '../measure/terminal.js';
import { isoTime } from '../paper/document-values.js';
import type { Seconds } from '../units.js';
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
  const since = beginningOf(flags.since, at);
  const { prometheus, lookback, matchers, by, worst } = flags;
  let audited: Audited;
  try {
    audited = await askPrometheus(prometheus, defined({ at, lookback, matchers, since }), {
      signal,
      version: build.version,
    });
    if (audited.paths.length === 0) throw new PrometheusError(nothingKnown(flags));
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw unreadableFile(error);
    // The program's own queries are fine: what is not can only be a regular expression of the user.
    if (error.isBadQuery && matchers.length > 0)
      throw new UsageError(`--match: ${error.message}`, matchers.join(', '));
    stderr.write(`${visible(error.message)}\n`);
    return EXIT.unknown;
  }
  for (const warning of audited.warnings)
    stderr.write(`${visible(`${prometheus.url}: the answer may be incomplete: ${warning}`)}\n`);
  if (by.given) checkLabels(by.labels, audited.paths);
  const document = buildAudit(
    audited.paths,
    {
      prometheus: prometheus.url,
      at,
      generated: now,
      lookback,
      matchers,
      by: by.labels,
      worst,
      version: build.version,
    },
    audited.past,
  );
  stdout.write(flags.json ? renderAudit(document, 'json') : renderText(document));
  if (flags.report !== undefined)
    await write('--report', flags.report.file, renderAudit(document, flags.report.format));
  if (flags.paths !== undefined) await write('--paths', flags.paths, renderPaths(document));
  const result = resultOf(document);
  // Paths that are not in the answer may not be compliant.
  return EXIT[result === 'compliant' && audited.warnings.length > 0 ? 'unknown' : result];
}

/** Shortest period, seconds: there is one moment in it beside its end. */
const SHORTEST_PERIOD: Seconds = 60;

/** The beginning of the period that ends at `at`. @throws UsageError where it is not before that */
function beginningOf(since: AuditFlags['since'], at: Seconds): Seconds | undefined {
  if (since === undefined) return undefined;
  const from = 'ago' in since ? at - since.ago : since.moment;
  if (from >= 0 && from <= at - SHORTEST_PERIOD) return from;
  throw new UsageError(
    `--since: must be a minute or more before ${isoTime(at)} and after 1970, found ${isoTime(from)}`,
  );
}

function nothingKnown({ prometheus, matchers }: AuditFlags): string {
  const which = matchers.length === 0 ? '' : ` with ${matchers.join(', ')}`;
  return `${prometheus.url}: knows no path of nat-idle-exporter${which} at that moment`;
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

/** @throws ConfigError that names the flag */
async function write(flag: string, file: string, text: string): Promise<void> {
  try {
    await writeRegularFile(file, text);
  } catch (error) {
    throw new ConfigError([
      { file: flag, rule: `cannot be written (${unreadableInShort(error)})`, value: file },
    ]);
  }
}
