/** `measure`: one path, once. The same engine as the exporter's, without a schedule's patience and without a web. */
import { hostname } from 'node:os';
import type { MeasureFlags } from '../cli/measure-flags.js';
import { type Clock, systemClock } from '../clock.js';
import { ConfigError } from '../config/problem.js';
import { DEFAULT_SCHEDULE } from '../config/schema.js';
import { openEmbeddedTarget } from '../embedded/target.js';
import { Engine } from '../engine/engine.js';
import { pause } from '../pause.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import { ExporterMetrics } from '../exporter/metrics.js';
import { requireWritable, unreadableInShort, writeRegularFile } from '../files.js';
import { createLogger, type Logger } from '../log.js';
import { COLOURED, exitCode, PLAIN, renderResult } from '../measure/result.js';
import { type Output, wantsColour } from '../measure/terminal.js';
import { createMeasureView, type MeasureView } from '../measure/view.js';
import { isComplete } from '../report/build.js';
import { type ReportFormat, renderReport } from '../report/report-forms.js';
import type { Seconds } from '../units.js';
import type { Build } from '../version.js';
import { embeddedResponder } from './embedded-responder.js';
import { pushMetrics } from './push.js';

/** How often the view is brought up to date, seconds. */
const LOOK_EVERY: Seconds = 0.25;
/** A far end that has never answered within this time cannot be measured, seconds. */
const FIRST_ANSWER_WITHIN: Seconds = 30;
/** A far end that stopped answering may come back within this time, seconds. */
const ANSWER_AGAIN_WITHIN: Seconds = 900;
/**
 * A far end that answers can still make every test worthless (it is deaf after its hello, or throws everybody out): so
 * long after the shortest test must have ended the first verdict is waited for, seconds.
 */
const FIRST_VERDICT_WITHIN: Seconds = 60;
/** The next idle time that tells something new is no longer than so many times the longest one that is known. */
const LONGEST_STEP = 4;
/** Exit code when there is no verdict. */
const EXIT_NO_VERDICT = 3;

/** What the command talks to. */
export interface MeasureIo {
  /** The result. */
  readonly stdout: Output;
  /** Progress and the log. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when somebody wants it to stop: what is known so far is the result. */
  readonly signal: AbortSignal;
  /** How long a far end that has never answered is waited for, seconds; 30 unless given. */
  readonly firstAnswerWithin?: Seconds;
  /** How long the first verdict is waited for after the shortest test, seconds; 60 unless given. */
  readonly firstVerdictWithin?: Seconds;
  /** How long more knowledge is waited for later, beside the idle time that it takes, seconds; 900 unless given. */
  readonly progressWithin?: Seconds;
}

/** How the waiting ended; `fruitless`: the far end answers, but no test gives a verdict. */
type Ending = 'complete' | 'interrupted' | 'unreachable' | 'fruitless';

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
  // A report that cannot be written is better known before the hours of measuring.
  if (flags.report !== undefined) await writeReport(flags.report.file);
  const view = createMeasureView({ output: io.stderr, quiet: flags.quiet, environment: io.environment });
  const log = createLogger({ ...flags.log, stream: { write: (line) => view.print(line) } });
  for (const warning of warnings) log.warn(warning);
  const metrics: ExporterMetrics | undefined =
    flags.push === undefined
      ? undefined
      : new ExporterMetrics({ view: { targets: () => engine.targets() }, build, defaultMetrics: false });
  const engine = new Engine({
    clock: systemClock,
    log,
    observer: metrics?.observer ?? {},
    openEmbedded: (box) => openEmbeddedTarget(box, embeddedResponder),
  });
  try {
    // Rolling rounds are not needed before the answer is there; the engine wants a schedule all the same.
    await engine.apply({ schedule: DEFAULT_SCHEDULE, targets: [flags.target] });
    const [ending, snapshot] = await untilDecided(engine, view, systemClock, io);
    view.close();
    const report = (format: ReportFormat): string =>
      renderReport(
        { snapshot, at: systemClock.wall(), version: build.version },
        { format, redact: flags.redact },
      );
    const paint = wantsColour(io.stdout, io.environment) ? COLOURED : PLAIN;
    io.stdout.write(
      flags.json
        ? report('json')
        : renderResult(snapshot, {
            interrupted: ending === 'interrupted',
            fruitless: ending === 'fruitless',
            paint,
          }),
    );
    if (flags.report !== undefined) await writeReport(flags.report.file, report(flags.report.format));
    // What was interrupted must not take the place of an earlier answer.
    if (flags.push !== undefined && metrics !== undefined && ending !== 'interrupted')
      await push(flags.push, metrics, flags.target.name, log);
    return ending === 'interrupted' ? EXIT_NO_VERDICT : exitCode(snapshot);
  } finally {
    view.close();
    await engine.stop();
  }
}

/** A failed push is told; the exit code stays that of the measurement. */
async function push(url: string, metrics: ExporterMetrics, target: string, log: Logger): Promise<void> {
  try {
    await pushMetrics(url, metrics, { instance: hostname(), target });
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    log.error({ reason }, 'the result could not be pushed');
  }
}

/** Waits for every mode's answer, for somebody's patience, or for a far end that does not answer or answers in vain. */
async function untilDecided(
  engine: Engine,
  view: MeasureView,
  clock: Clock,
  {
    signal,
    firstAnswerWithin = FIRST_ANSWER_WITHIN,
    firstVerdictWithin = FIRST_VERDICT_WITHIN,
    progressWithin = ANSWER_AGAIN_WITHIN,
  }: MeasureIo,
): Promise<readonly [Ending, TargetSnapshot]> {
  const start = clock.monotonic();
  let answered: Seconds | undefined;
  let known = '';
  let progressed = start;
  for (;;) {
    const [snapshot] = engine.targets();
    if (snapshot === undefined) throw new Error('the engine has lost its target');
    const now = clock.monotonic();
    view.show(snapshot, now - start);
    if (isComplete(snapshot)) return ['complete', snapshot];
    if (signal.aborted) return ['interrupted', snapshot];
    if (snapshot.up === true) answered = now;
    const patience = answered === undefined ? firstAnswerWithin : ANSWER_AGAIN_WITHIN;
    if (now - (answered ?? start) > patience) return ['unreachable', snapshot];
    const open = snapshot.modes.filter((mode) => !isComplete({ ...snapshot, modes: [mode] }));
    // A far end that is down lets nobody learn anything; how long it may be so is judged above.
    if (knownOf(open) !== known || snapshot.up !== true) {
      known = knownOf(open);
      progressed = now;
    }
    const { min_idle: minIdle, max_idle: maxIdle, deadline } = snapshot.config.search;
    const longest = longestKnown(open);
    const next =
      longest === undefined
        ? minIdle + 2 * deadline + firstVerdictWithin
        : Math.min(LONGEST_STEP * longest, maxIdle) + progressWithin;
    if (now - progressed > next) return ['fruitless', snapshot];
    await pause(clock, LOOK_EVERY, signal);
  }
}

/** What is known so far of the modes without an answer: as long as it changes, the measurement gets on. */
function knownOf(modes: readonly ModeSnapshot[]): string {
  return modes
    .map(({ mode, finding: { lower, upper, deaths } }) => [mode, lower, upper, deaths].join())
    .join(';');
}

/** The longest idle time that survived in one of the modes; undefined while nothing is known, not even a death. */
function longestKnown(modes: readonly ModeSnapshot[]): Seconds | undefined {
  const known = modes.flatMap(({ finding: { lower, upper } }) => lower ?? upper ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** @throws ConfigError where the file cannot be written; without a text it only looks whether it can */
async function writeReport(file: string, text?: string): Promise<void> {
  try {
    await (text === undefined ? requireWritable(file) : writeRegularFile(file, text));
  } catch (error) {
    throw new ConfigError([
      { file: '--report', rule: `cannot be written (${unreadableInShort(error)})`, value: file },
    ]);
  }
}
