/** Waits for the answer of a measurement, and knows when there is none to wait for. */
import type { Clock } from '../clock.js';
import type { Engine } from '../engine/engine.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import { pause } from '../pause.js';
import { isComplete } from '../report/build.js';
import type { Seconds } from '../units.js';
import type { MeasureView } from './view.js';

/** How often the view is brought up to date, seconds. */
export const LOOK_EVERY: Seconds = 0.25;
/** A far end that has never answered within this time cannot be measured, seconds. */
const FIRST_ANSWER_WITHIN: Seconds = 30;
/** So much of that is enough where only another command line helps, seconds. */
const IN_VAIN_WITHIN: Seconds = 1;
/** A far end that stopped answering may come back within this time, seconds. */
const ANSWER_AGAIN_WITHIN: Seconds = 900;
/**
 * A far end that answers can still make every test worthless (it is deaf after its hello, or throws everybody out): so
 * long after the shortest test must have ended the first verdict is waited for, seconds.
 */
const FIRST_VERDICT_WITHIN: Seconds = 60;
/** The next idle time that tells something new is no longer than so many times the longest one that is known. */
const LONGEST_STEP = 4;
/** Searches that only the rounds of a schedule take further get one so often, at the pace that they permit, seconds. */
const ROUND_EVERY: Seconds = 5;
/** A contradiction is given up after so many times the idle time that data did not survive, and some more, seconds. */
const CONTRADICTION_PATIENCE = 5;
const CONTRADICTION_PATIENCE_MORE: Seconds = 120;

/** How long a measurement is waited for. */
export interface Patience {
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

/** Waits for every mode's answer, for somebody's patience, or for a far end that does not answer or answers in vain. */
export async function untilDecided(
  engine: Pick<Engine, 'targets' | 'round'>,
  view: MeasureView,
  clock: Clock,
  {
    signal,
    firstAnswerWithin = FIRST_ANSWER_WITHIN,
    firstVerdictWithin = FIRST_VERDICT_WITHIN,
    progressWithin = ANSWER_AGAIN_WITHIN,
  }: Patience,
): Promise<readonly [Ending, TargetSnapshot]> {
  const start = clock.monotonic();
  let answered: Seconds | undefined;
  let known = '';
  let progressed = start;
  let roundAt = start;
  let contradictedSince: Seconds | undefined;
  for (;;) {
    const [snapshot] = engine.targets();
    if (snapshot === undefined) throw new Error('the engine has lost its target');
    const now = clock.monotonic();
    view.show(snapshot, now - start);
    if (isComplete(snapshot)) return ['complete', snapshot];
    const open = snapshot.modes.filter((mode) => !isComplete({ ...snapshot, modes: [mode] }));
    if (needsRounds(snapshot, open) && now - roundAt >= ROUND_EVERY) {
      roundAt = now;
      engine.round();
    }
    if (snapshot.verdict.contradicting.length === 0) contradictedSince = undefined;
    else if (now - (contradictedSince ??= now) > contradictionPatience(snapshot))
      return ['complete', snapshot];
    if (signal.aborted) return ['interrupted', snapshot];
    if (snapshot.up === true) answered = now;
    const patience =
      answered === undefined ? firstPatience(snapshot, firstAnswerWithin) : ANSWER_AGAIN_WITHIN;
    if (now - (answered ?? start) > patience) return ['unreachable', snapshot];
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

/**
 * Whether nothing but rounds takes the searches further: a minority is being narrowed down, or a suspicion hunted, in the
 * steady state; or connections of the same time have to be compared, of modes that have their answer each.
 */
function needsRounds({ verdict }: TargetSnapshot, open: readonly ModeSnapshot[]): boolean {
  if (verdict.check !== undefined) return false;
  return verdict.contradicting.length > 0 || open.some(({ finding }) => finding.phase === 'track');
}

/** How long a far end that has never answered is waited for, seconds. */
function firstPatience({ remedy }: TargetSnapshot, within: Seconds): Seconds {
  return remedy === undefined ? within : Math.min(within, IN_VAIN_WITHIN);
}

/** How long keepalives may survive what data does not before it has to be told that the modes disagree, seconds. */
function contradictionPatience({ modes }: TargetSnapshot): Seconds {
  const uppers = modes.flatMap(({ finding: { upper } }) => upper ?? []);
  return CONTRADICTION_PATIENCE * Math.min(...uppers) + CONTRADICTION_PATIENCE_MORE;
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
