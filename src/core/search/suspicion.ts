/** Deaths below the bracket: collects them, weighs them against survivals, declares a drop after enough of them. */
import type { Seconds } from '../../units.js';
import { deathsInDoubt, upperOf } from './bracket.js';
import { isContradicted } from './census.js';
import type { Death, Draft, Survival, Suspicion } from './state.js';

/** What one death adds to a suspicion, and one contradicting survival takes away. */
const DEATH_WEIGHT = 5;
const SURVIVAL_WEIGHT = 5;
/** A drop by less than this share of the bound is the NAT's own jitter: corrected, not announced. */
const JITTER_SHARE = 0.03;
/** Deaths that announce a drop where connections of one age were seen to die and to live. */
const MOST_DEATHS = 6;
/**
 * A minority's deaths in a row are taken for a drop this rarely: there are hundreds of suspicions in a fortnight, each
 * of which waits for hours.
 */
const BY_CHANCE = 1e-6;
/** A suspicion without a new death for so many times its idle time is forgotten. */
const PATIENCE = 4;

/**
 * Independent deaths that announce a drop, when no survival contradicts them: 4, or 3 with few connections, whose
 * next evidence would come too late.
 */
function deathsForDrop(connections: number): number {
  return connections >= 12 ? 4 : 3;
}

function threshold(draft: Draft): number {
  const { connections } = draft.options;
  const more = connections < 12 && isContradicted(draft.census) ? 1 : 0;
  const inDoubt = Math.min(MOST_DEATHS, deathsInDoubt(draft.census, BY_CHANCE));
  const deaths = Math.max(deathsForDrop(connections) + more, inDoubt);
  return deaths * DEATH_WEIGHT - 1;
}

/** Deaths that this suspicion still needs, when nothing contradicts them. */
export function deathsMissing(draft: Draft, suspicion: Suspicion): number {
  return Math.ceil((threshold(draft) - suspicion.score) / DEATH_WEIGHT);
}

/** Takes in a death below the bracket. */
export function suspect(draft: Draft, death: Death): void {
  let alike = false;
  draft.suspicions = draft.suspicions.map((suspicion) => {
    if (death.idle < 0.52 * suspicion.idle || death.idle > 1.1 * suspicion.idle) return suspicion;
    const near = death.idle >= 0.9 * suspicion.idle;
    // Where something as old has survived meanwhile, it is another minority's.
    if (!near && suspicion.survived >= death.idle) return suspicion;
    alike ||= near;
    return {
      ...suspicion,
      score: suspicion.score + DEATH_WEIGHT,
      deaths: [...suspicion.deaths, death],
      idle: near ? Math.min(suspicion.idle, death.idle) : suspicion.idle,
      since: near ? Math.min(suspicion.since, death.since) : suspicion.since,
    };
  });
  if (alike) return;
  draft.suspicions = [
    ...draft.suspicions,
    {
      idle: death.idle,
      since: death.since,
      raisedAt: draft.now,
      score: DEATH_WEIGHT,
      deaths: [death],
      survived: 0,
    },
  ].slice(-8);
}

/** Takes in a survival: it contradicts the suspicions that it is as long as and not older than. */
export function contradict(draft: Draft, survival: Survival): void {
  if (draft.suspicions.length === 0) return;
  draft.suspicions = draft.suspicions
    .map((suspicion) => {
      if (survival.since < suspicion.since - 1) return suspicion;
      if (survival.idle >= suspicion.idle - 1)
        return { ...suspicion, score: suspicion.score - SURVIVAL_WEIGHT };
      return { ...suspicion, survived: Math.max(suspicion.survived, survival.idle) };
    })
    .filter((suspicion) => suspicion.score > 0);
}

/** Forgets suspicions that nothing has nourished for long. */
export function forgetOldSuspicions(draft: Draft): void {
  if (draft.suspicions.length === 0) return;
  draft.suspicions = draft.suspicions.filter((suspicion) => {
    const newest = suspicion.deaths.at(-1)?.at ?? suspicion.raisedAt;
    return draft.now - newest <= PATIENCE * Math.max(suspicion.idle, draft.lower);
  });
}

/** Declares the drop that has enough deaths, the lowest one if there are several. */
export function declareConfirmedDrop(draft: Draft): void {
  const limit = threshold(draft);
  let confirmed: Suspicion | undefined;
  for (const suspicion of draft.suspicions)
    if (suspicion.score >= limit && (confirmed === undefined || suspicion.idle < confirmed.idle))
      confirmed = suspicion;
  if (confirmed !== undefined) declareDrop(draft, confirmed);
}

function declareDrop(draft: Draft, suspicion: Suspicion): void {
  if (draft.dropFrom === 0) draft.dropFrom = draft.lower;
  draft.deaths = suspicion.deaths
    .filter((death) => death.idle >= 0.9 * suspicion.idle)
    .sort((a, b) => a.idle - b.idle);
  const upper = draft.deaths[0]?.idle ?? suspicion.idle;
  let lower: Seconds = 0;
  for (const survival of draft.survivals)
    if (survival.since >= suspicion.since && survival.at >= suspicion.raisedAt && survival.idle < upper)
      lower = Math.max(lower, survival.idle);
  draft.lower = lower;
  draft.droppedAt = lower === 0 ? upper : 0;
  draft.suspicions = [];
  draft.risen = 0;
  draft.drops = [...draft.drops, draft.now];
}

/**
 * Announces a declared drop as soon as it is known to be one: the verdict on the requirement turned, or the timeout is lower
 * by more than jitter. A drop that turns out to be jitter only corrects the bracket.
 */
export function announceDrop(draft: Draft, turned: boolean, settled: boolean): void {
  if (draft.dropFrom === 0) return;
  const isRealDrop = turned || upperOf(draft) < draft.dropFrom * (1 - JITTER_SHARE);
  if (isRealDrop && draft.confirmedAt !== null) draft.actions.push({ kind: 'announce', change: 'drop' });
  if (isRealDrop || settled) draft.dropFrom = 0;
}
