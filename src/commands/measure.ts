/** `measure`: one path, once. The same engine as the exporter's, without a schedule's patience and without a web. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { flagFor, inFlags, type MeasureFlags } from '../cli/measure-flags.js';
import { type Clock, systemClock, systemTimeZone } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { ConfigError } from '../config/problem.js';
import { defined } from '../defined.js';
import { DEFAULT_SCHEDULE } from '../config/schema.js';
import { durationOfProof } from '../core/diagnosis/proof.js';
import { type Locatable, modesToLocate } from '../core/locate/locatable.js';
import { openEmbeddedTarget } from '../embedded/target.js';
import { Engine } from '../engine/engine.js';
import { pause } from '../pause.js';
import { hostOf, openPath } from '../probe/far-ends/index.js';
import { FarEndError } from '../probe/path.js';
import type { TargetSnapshot } from '../engine/snapshot.js';
import { ExporterMetrics } from '../exporter/metrics.js';
import { requireWritable, unreadableInShort, writeRegularFile } from '../files.js';
import { createLogger, type Logger } from '../log.js';
import { paintFor } from '../measure/paint.js';
import { exitCode, renderResult } from '../measure/result.js';
import { type Output, widthOf } from '../measure/terminal.js';
import { LOOK_EVERY, type Patience, untilDecided } from '../measure/until-decided.js';
import { createMeasureView, type MeasureView } from '../measure/view.js';
import { referenceOf } from '../report/reference.js';
import { type ReportFile, renderReport } from '../report/report-forms.js';
import type { Seconds } from '../units.js';
import type { Build } from '../version.js';
import { embeddedResponder } from './embedded-responder.js';
import { pushMetrics } from './push.js';
import { useSocketOptions } from './use-socket-options.js';

/** Tries that say nothing may be repeated until so many times the longest proof, and some more, have passed, seconds. */
const PROOF_PATIENCE = 2;
const PROOF_PATIENCE_MORE: Seconds = 60;
/** A run that has not begun by then does not, seconds. */
const LOCATE_BEGINS_WITHIN: Seconds = 60;
/** Exit code when there is no verdict. */
const EXIT_NO_VERDICT = 3;

/** What the command talks to. */
export interface MeasureIo extends Patience {
  /** The result. */
  readonly stdout: Output;
  /** Progress and the log. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Measures, shows progress, prints the result and writes the report.
 *
 * @returns the exit code: 0 compliant, 1 not compliant, 3 no verdict
 * @throws ConfigError when the report's file cannot be written; known before anything is measured, as a rule
 */
export async function runMeasure(
  flags: MeasureFlags,
  build: Build,
  warnings: readonly string[],
  io: MeasureIo,
): Promise<0 | 1 | 3> {
  requireReach(flags.target);
  // A report that cannot be written is better known before the hours of measuring.
  if (flags.report !== undefined) await write('--report', flags.report.file);
  if (flags.flows !== undefined) await write('--flows', flags.flows);
  const view = createMeasureView({ output: io.stderr, quiet: flags.quiet, environment: io.environment });
  const log = createLogger({ ...flags.log, stream: { write: (line) => view.print(line) } });
  for (const warning of warnings) log.warn(warning);
  await useSocketOptions(flags.socketOptions, log);
  const metrics: ExporterMetrics | undefined =
    flags.push === undefined
      ? undefined
      : new ExporterMetrics({ view: { targets: () => engine.targets() }, build, defaultMetrics: false });
  const engine = new Engine({
    clock: systemClock,
    log,
    observer: metrics?.observer ?? {},
    openEmbedded: (box) => openEmbeddedTarget(box, embeddedResponder),
    openPath: (options) => openPath({ ...options, acceptNewHostKey: flags.acceptNewHostKey }),
    proves: flags.verify,
    locates: flags.locate,
    // Somebody waits for it.
    sideBySide: true,
  });
  try {
    // Rolling rounds are not needed before the answer is there; the engine wants a schedule all the same.
    await engine.apply({ schedule: DEFAULT_SCHEDULE, targets: [flags.target] });
    const start = systemClock.monotonic();
    const watched = { targets: () => [snapshotOf(engine)], round: () => engine.round() };
    const [ending, decided] = await untilDecided(watched, view, systemClock, io);
    const isTried = (flags.verify || flags.locate) && ending === 'complete';
    const snapshot = isTried ? await untilTried(engine, view, systemClock, start, io.signal) : decided;
    view.close();
    const at = systemClock.wall();
    const reference = referenceOf((field) => flags[field]);
    const timeZone = flags.timeZone ?? systemTimeZone();
    const report = (format: ReportFile): string =>
      renderReport(
        { snapshot, at, version: build.version, reference, timeZone },
        { format, redact: flags.redact },
      );
    io.stdout.write(
      flags.json
        ? report('json')
        : renderResult(snapshot, {
            interrupted: ending === 'interrupted',
            fruitless: ending === 'fruitless',
            settings: flags.settings,
            reported: flags.report !== undefined,
            paint: paintFor(io.stdout, io.environment),
            ...(io.stdout.isTTY === true ? { width: widthOf(io.stdout) } : {}),
          }),
    );
    if (flags.report !== undefined) {
      await write('--report', flags.report.file, report(flags.report.format));
      // Standard output with --json is the document and nothing else.
      if (!flags.json) io.stdout.write(`The report is ${resolve(flags.report.file)}\n`);
    }
    if (flags.flows !== undefined) await write('--flows', flags.flows, report('csv'));
    // What was interrupted must not take the place of an earlier answer.
    if (flags.push !== undefined && metrics !== undefined && ending !== 'interrupted')
      await push(flags.push, flags, metrics, log);
    return ending === 'interrupted' ? EXIT_NO_VERDICT : exitCode(snapshot);
  } finally {
    view.close();
    await engine.stop();
  }
}

/** Asks the user's own SSH configuration for the way. @throws ConfigError where that cannot be followed */
function requireReach(target: TargetConfig): void {
  if (target.far_end.kind === 'embedded') return;
  try {
    hostOf(target);
  } catch (error) {
    if (!(error instanceof FarEndError)) throw error;
    throw new ConfigError([{ file: 'command line', path: 'HOST[:PORT]', rule: error.message }]);
  }
}

/** A failed push is told; the exit code stays that of the measurement. */
async function push(
  url: string,
  { target, pushProxy }: Pick<MeasureFlags, 'target' | 'pushProxy'>,
  metrics: ExporterMetrics,
  log: Logger,
): Promise<void> {
  try {
    await pushMetrics(url, metrics, { instance: hostname(), target: target.name }, undefined, pushProxy);
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    log.error({ reason }, 'the result could not be pushed');
  }
}

/** The target as it is now, in the words of the command line: there is no file whose keys could be named. */
function snapshotOf(engine: Engine): TargetSnapshot {
  const [snapshot] = engine.targets();
  if (snapshot === undefined) throw new Error('the engine has lost its target');
  const { downReason, remedy } = snapshot;
  if (downReason === undefined) return snapshot;
  return {
    ...snapshot,
    downReason: inFlags(downReason),
    ...defined({ remedy: remedy && flagFor(remedy) }),
  };
}

/**
 * After the verdict: waits until the advice was tried and the box that forgets was looked for, or for somebody's patience;
 * the verdict stands whatever comes.
 * @param start when the measurement began, monotonic seconds
 */
async function untilTried(
  engine: Engine,
  view: MeasureView,
  clock: Clock,
  start: Seconds,
  signal: AbortSignal,
): Promise<TargetSnapshot> {
  const decided = clock.monotonic();
  for (;;) {
    const snapshot = snapshotOf(engine);
    const now = clock.monotonic();
    view.show(snapshot, now - start);
    if (signal.aborted) return snapshot;
    const waited = now - decided;
    if (isProven(snapshot, waited) && isLocated(snapshot, waited)) return snapshot;
    await pause(clock, LOOK_EVERY, signal);
  }
}

/** Whether nothing more comes of trying the advice. @param waited since the verdict, seconds */
function isProven({ proving, config }: TargetSnapshot, waited: Seconds): boolean {
  const ground = proving?.advice.ground;
  if (ground === undefined || proving?.open.length === 0) return true;
  return waited > PROOF_PATIENCE * durationOfProof(ground, config.search.deadline).most + PROOF_PATIENCE_MORE;
}

/** Whether nothing more comes of looking for the box. A run that is under way is waited for. */
function isLocated({ locating, config, modes }: TargetSnapshot, waited: Seconds): boolean {
  if (locating === undefined) return true;
  if (locating.modes.some(({ state }) => state === 'running')) return false;
  const sought = modesToLocate(
    Object.fromEntries(modes.map(({ mode, finding }) => [mode, finding])),
    config.search.guard,
  );
  const isOpen = sought.some(({ mode }) =>
    locating.modes.every((each) => each.mode !== mode || each.found === undefined),
  );
  return !isOpen || waited > LOCATE_BEGINS_WITHIN * (1 + sought.length) + 3 * sumOf(sought);
}

/** The idle times of all that is looked for. */
function sumOf(sought: readonly Locatable[]): Seconds {
  return sought.reduce((sum, { upper }) => sum + upper, 0);
}

/** @throws ConfigError where the file cannot be written; without a text it only looks whether it can */
async function write(flag: string, file: string, text?: string): Promise<void> {
  try {
    await (text === undefined ? requireWritable(file) : writeRegularFile(file, text));
  } catch (error) {
    throw new ConfigError([
      { file: flag, rule: `cannot be written (${unreadableInShort(error)})`, value: file },
    ]);
  }
}
