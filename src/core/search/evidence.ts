/** What a verdict teaches: moves the bounds, counts for and against the requirement, raises and settles suspicions. */
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import type { Seconds } from '../../units.js';
import type { DeathEvidence } from '../verdict.js';
import { claimOf, isClosed, resolutionOf, upperOf } from './bracket.js';
import type { Connection, Death, Draft, Survival } from './state.js';
import { contradict, declareConfirmedDrop, suspect } from './suspicion.js';

/** Deaths that are kept; more would not change any decision. */
const DEATHS_KEPT = 12;
const SURVIVALS_KEPT = 64;
/** Survivals in a row beyond the upper bound that make a rise. */
const RISE_SURVIVALS = 4;
const RISE_SURVIVALS_MOST = 64;
const DAY: Seconds = 86_400;

/**
 * Survivals in a row that a rise needs now: doubled by each drop of the last day, so that a path whose nodes
 * disagree stays on the worse of its two answers instead of flapping.
 */
function survivalsForRise(draft: Draft): number {
  draft.drops = draft.drops.filter((at) => draft.now - at < DAY);
  return Math.min(RISE_SURVIVALS_MOST, RISE_SURVIVALS * 2 ** draft.drops.length);
}

/** Takes in a survival of `idle` seconds. */
export function learnSurvival(draft: Draft, connection: Connection, idle: Seconds): void {
  const survival: Survival = { idle, since: connection.since ?? draft.now - idle, at: draft.now };
  learnExactness(draft, connection, idle);
  draft.survivals = [...draft.survivals.slice(1 - SURVIVALS_KEPT), survival];
  if (idle < upperOf(draft)) draft.lower = Math.max(draft.lower, idle);
  else survivedBeyondUpper(draft, survival);
  if (draft.lower > 0) draft.droppedAt = 0;
  contradict(draft, survival);
  if (idle >= claimOf(draft.options)) draft.compliantRun += 1;
  judgeCompliance(draft);
}

/** Takes in a death at `idle` seconds, and what showed it. */
export function learnDeath(
  draft: Draft,
  connection: Connection,
  idle: Seconds,
  evidence: DeathEvidence = 'silence',
): void {
  const seen = { idle, since: connection.since ?? draft.now - idle, at: draft.now };
  const death: Death = evidence === 'closed' ? { ...seen, closed: true } : seen;
  if (idle > draft.lower + toleranceBelow(draft, connection)) {
    if (idle <= upperOf(draft) + 2 * resolutionOf(draft)) draft.risen = 0;
    draft.deaths = [...draft.deaths, death].sort((a, b) => a.idle - b.idle).slice(0, DEATHS_KEPT);
  } else {
    suspect(draft, death);
  }
  if (idle < draft.options.required) draft.compliantRun = 0;
  if (idle <= (draft.published?.lower ?? draft.lower)) draft.actions.push({ kind: 'early_death', idle });
  declareConfirmedDrop(draft);
  judgeCompliance(draft);
}

/**
 * How far above the lower bound a death still contradicts it. In the steady state the lower bound is asked about
 * again and again; a verdict's inexactness must not turn such a death into a new upper bound right above it.
 */
function toleranceBelow(draft: Draft, connection: Connection): Seconds {
  const { role } = connection;
  const upper = upperOf(draft);
  const asksAbove = role === 'upper' && upper !== Number.POSITIVE_INFINITY;
  if (role === 'ladder' || asksAbove || draft.published === null || !isClosed(draft)) return 0;
  return Math.min(2 * draft.slack + 0.1 * draft.options.resolution, (upper - draft.lower) / 2);
}

/** A survival beyond the upper bound: too few deaths there were no deaths by age, or the timeout rose. */
function survivedBeyondUpper(draft: Draft, survival: Survival): void {
  const overtaken = draft.deaths.filter((death) => death.idle <= survival.idle);
  if (overtaken.length < DEATHS_OF_A_CLAIM) {
    raiseLower(draft, survival.idle);
    for (const death of overtaken) suspect(draft, death);
    return;
  }
  if (draft.risen === 0) draft.risenAt = draft.now;
  draft.risen += 1;
  if (draft.risen < survivalsForRise(draft)) return;
  // Deaths from before the rise speak of the old timeout, whatever their idle time was.
  draft.deaths = draft.deaths.filter((death) => death.at >= draft.risenAt);
  raiseLower(draft, survival.idle);
  draft.risen = 0;
  if (draft.published !== null) draft.actions.push({ kind: 'announce', change: 'rise' });
}

function raiseLower(draft: Draft, idle: Seconds): void {
  draft.lower = idle;
  draft.deaths = draft.deaths.filter((death) => death.idle > idle);
  if (draft.deaths.length > 0) return;
  // A new climb: its pace counts from the start of the oldest connection that can take part.
  draft.climbSince = draft.connections.reduce(
    (oldest, { since }) => Math.min(oldest, since ?? oldest),
    draft.now,
  );
}

/** Remembers how exact verdicts are here: idle time lost by a survivor, and the time that an answer takes. */
function learnExactness(draft: Draft, connection: Connection, idle: Seconds): void {
  const { since, testAt, testedAt } = connection;
  if (since === undefined) return;
  const asked = testedAt === undefined ? testAt : testedAt - since;
  if (asked !== undefined) draft.slack = Math.max(asked - idle, draft.slack * 0.9, 0);
  if (testedAt !== undefined) draft.answerTime = Math.max(draft.now - testedAt, draft.answerTime * 0.9);
}

/**
 * Proven by a survival of the required time less the guard, refuted by three deaths before it; else as before. A
 * connection that somebody closed in an orderly way was not forgotten: it refutes nothing, yet what was proven before
 * does not hold any more.
 */
function judgeCompliance(draft: Draft): void {
  if (draft.lower >= claimOf(draft.options)) {
    const needed = draft.compliant === false ? survivalsForRise(draft) : 1;
    if (draft.compliantRun >= needed) draft.compliant = true;
    return;
  }
  const deaths = draft.deaths.filter((death) => death.idle < draft.options.required);
  const forgotten = deaths.filter(({ closed }) => closed === undefined).length;
  if (forgotten >= DEATHS_OF_A_CLAIM) draft.compliant = false;
  else if (deaths.length >= DEATHS_OF_A_CLAIM && (draft.compliant === true || forgotten === 0))
    draft.compliant = null;
}
