/** What a verdict teaches: moves the bounds, counts for and against the requirement, raises and settles suspicions. */
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import type { Seconds } from '../../units.js';
import type { DeathEvidence } from '../verdict.js';
import { claimOf, isClosed, resolutionOf, upperOf } from './bracket.js';
import { NOTHING_COUNTED } from './census.js';
import { countVerdict } from './mixture.js';
import { DEATHS_KEPT, type Connection, type Death, type Draft, type Survival } from './state.js';
import { survivalsForRise, survivedBeyondUpper } from './rise.js';
import { contradict, declareConfirmedDrop, suspect } from './suspicion.js';

const SURVIVALS_KEPT = 64;

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
  countVerdict(draft, { idle, since: survival.since, alive: true }, false);
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
  const early = idle <= draft.lower + toleranceBelow(draft, connection);
  if (!early) {
    if (idle <= upperOf(draft) + 2 * resolutionOf(draft)) draft.risen = 0;
    draft.deaths = [...draft.deaths, death].sort((a, b) => a.idle - b.idle).slice(0, DEATHS_KEPT);
  } else {
    suspect(draft, death);
  }
  if (idle < draft.options.required) draft.compliantRun = 0;
  if (idle <= (draft.published?.lower ?? draft.lower)) draft.actions.push({ kind: 'early_death', idle });
  const drops = draft.drops.length;
  declareConfirmedDrop(draft);
  judgeCompliance(draft);
  if (draft.drops.length > drops) draft.census = NOTHING_COUNTED;
  // Who closes a connection has not forgotten it.
  else if (evidence !== 'closed') countVerdict(draft, { idle, since: death.since, alive: false }, early);
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
