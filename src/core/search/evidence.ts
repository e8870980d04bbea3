/** What a verdict teaches: moves the bounds, counts for and against REQ-5, raises and settles suspicions. */
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../rfc5382.js';
import type { Seconds } from '../../units.js';
import { VOTES, claimOf, resolutionOf, upperOf } from './bracket.js';
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
export function survivalsForRise(draft: Draft): number {
  draft.drops = draft.drops.filter((at) => draft.now - at < DAY);
  return Math.min(RISE_SURVIVALS_MOST, RISE_SURVIVALS * 2 ** draft.drops.length);
}

/** Takes in a survival of `idle` seconds. */
export function learnSurvival(draft: Draft, connection: Connection, idle: Seconds): void {
  const survival: Survival = { idle, since: connection.since ?? draft.now - idle, at: draft.now };
  learnExactness(draft, connection, idle);
  draft.survivals = [...draft.survivals.slice(1 - SURVIVALS_KEPT), survival];
  if (idle < upperOf(draft)) draft.lower = Math.max(draft.lower, idle);
  else if (survival.since >= draft.regime) survivedBeyondUpper(draft, survival);
  if (draft.lower > 0) draft.droppedAt = 0;
  contradict(draft, survival);
  if (idle >= claimOf(draft.options)) draft.compliantRun += 1;
  judgeCompliance(draft);
}

/** Takes in a death at `idle` seconds. */
export function learnDeath(draft: Draft, connection: Connection, idle: Seconds): void {
  const death: Death = { idle, since: connection.since ?? draft.now - idle, at: draft.now };
  if (idle > draft.lower) {
    if (idle <= upperOf(draft) + 2 * resolutionOf(draft)) draft.risen = 0;
    draft.deaths = [...draft.deaths, death].sort((a, b) => a.idle - b.idle).slice(0, DEATHS_KEPT);
  } else {
    suspect(draft, death);
  }
  if (idle < REQ5_ESTABLISHED_IDLE_TIMEOUT) draft.compliantRun = 0;
  if (idle <= (draft.published?.lower ?? draft.lower)) draft.actions.push({ kind: 'early_death', idle });
  declareConfirmedDrop(draft);
  judgeCompliance(draft);
}

/** A survival beyond the upper bound: too few deaths there were no deaths by age, or the timeout rose. */
function survivedBeyondUpper(draft: Draft, survival: Survival): void {
  const overtaken = draft.deaths.filter((death) => death.idle <= survival.idle);
  if (overtaken.length < VOTES) {
    raiseLower(draft, survival.idle);
    for (const death of overtaken) suspect(draft, death);
    return;
  }
  draft.risen += 1;
  if (draft.risen < survivalsForRise(draft)) return;
  raiseLower(draft, survival.idle);
  draft.regime = survival.since;
  draft.risen = 0;
  if (draft.published !== null) draft.actions.push({ kind: 'announce', change: 'rise' });
}

function raiseLower(draft: Draft, idle: Seconds): void {
  draft.lower = idle;
  draft.deaths = draft.deaths.filter((death) => death.idle > idle);
}

/** Remembers how exact verdicts are here: idle time lost by a survivor, and the time that an answer takes. */
function learnExactness(draft: Draft, connection: Connection, idle: Seconds): void {
  if (connection.testedAt === undefined || connection.since === undefined) return;
  const lost = Math.max(0, connection.testedAt - connection.since - idle);
  draft.slack = Math.max(lost, draft.slack * 0.9);
  draft.answerTime = Math.max(draft.now - connection.testedAt, draft.answerTime * 0.9);
}

/** REQ-5: proven by a survival of 7440 s less the guard, refuted by three deaths before 7440 s; else as before. */
function judgeCompliance(draft: Draft): void {
  if (draft.lower >= claimOf(draft.options)) {
    const needed = draft.compliant === false ? survivalsForRise(draft) : 1;
    if (draft.compliantRun >= needed) draft.compliant = true;
    return;
  }
  const deaths = draft.deaths.filter((death) => death.idle < REQ5_ESTABLISHED_IDLE_TIMEOUT);
  if (deaths.length >= VOTES) draft.compliant = false;
}
