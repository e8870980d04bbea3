/**
 * What the modes of a target see together: each is told the tests of its siblings, so that a minority of nodes is
 * recognised, and measured, with the tests of all. Modes that see something else count for themselves: behind a box
 * where data that we send renews a mapping only `recv` dies.
 */
import type { Seconds } from '../../units.js';
import { type Evidence, NO_EVIDENCE, scored } from './minority-evidence.js';
import { bestLogLikelihood, type Minority, minorityOf, type Tally } from './minority.js';
import { nearness, tallied, united } from './tally.js';

/** A connection that was tested. */
export interface Begun {
  readonly idle: Seconds;
  /** When it was opened, search time, seconds. */
  readonly since: Seconds;
}

/** What was counted of all modes. */
export interface Pooled {
  /** As the search's own, but a death counts only once it is contradicted: after a drop none is. */
  readonly scores: Evidence;
  /**
   * Early deaths after the start of a connection of the search's own that survived as long: where the timeout has risen
   * there are none. Siblings may survive for ever, whatever happens to this one.
   */
  readonly between: number;
  /** The search's own survivals that were opened first for their idle time, shortest idle time first. */
  readonly survivals: readonly Begun[];
  /** Early deaths that no survival contradicts yet, newest last. */
  readonly unanswered: readonly Begun[];
  /** Tests of the siblings alone, by rising idle time. */
  readonly others: readonly Tally[];
}

export const NOTHING_POOLED: Pooled = {
  scores: NO_EVIDENCE,
  between: 0,
  survivals: [],
  unanswered: [],
  others: [],
};

/** Early deaths that are remembered until one contradicts them; more would not change any decision. */
const UNANSWERED_KEPT = 12;
/** Survivals that are remembered as what deaths contradict. */
const SURVIVALS_KEPT = 12;
/** So much more likely, in nats, two shares of deaths have to be than one, for siblings to see something else. */
const APART = 7;

/** A test: a survival, or an early death. */
export function pooledWith(
  pooled: Pooled,
  { idle, since, alive }: { idle: Seconds; since: Seconds; alive: boolean },
  whose: 'own' | 'sibling' = 'own',
): Pooled {
  if (!alive) {
    const between = pooled.between + Number(contradicts(pooled.survivals, { idle, since }));
    return {
      ...pooled,
      between,
      unanswered: [...pooled.unanswered, { idle, since }].slice(-UNANSWERED_KEPT),
    };
  }
  const unanswered = pooled.unanswered.filter(
    (death) => idle < death.idle - nearness(idle) || since < death.since - 1,
  );
  let scores = pooled.scores;
  for (let count = unanswered.length; count < pooled.unanswered.length; count++)
    scores = scored(scores, false);
  const survivals = whose === 'own' ? withSurvival(pooled.survivals, { idle, since }) : pooled.survivals;
  return { ...pooled, scores: scored(scores, true), survivals, unanswered };
}

/**
 * Whether a connection as old as one that died was opened before it and survived: where none was, the timeout may just
 * have risen.
 */
function contradicts(survivals: readonly Begun[], death: Begun): boolean {
  return survivals.some(({ idle, since }) => idle >= death.idle && since <= death.since + 1);
}

/** The survivals with one more, without those that say less than another one. */
function withSurvival(survivals: readonly Begun[], added: Begun): readonly Begun[] {
  if (survivals.some(({ idle, since }) => idle >= added.idle && since <= added.since)) return survivals;
  const kept = survivals.filter(({ idle, since }) => idle > added.idle || since < added.since);
  return [...kept, added].sort((a, b) => a.idle - b.idle).slice(-SURVIVALS_KEPT);
}

/** A test of a sibling, whatever it means here. */
export function toldByOther(pooled: Pooled, idle: Seconds, alive: boolean): Pooled {
  return { ...pooled, others: tallied(pooled.others, idle, alive) };
}

/** What both parts of the tests are in. */
export interface Tallies {
  readonly tally: readonly Tally[];
  readonly pooled: Pick<Pooled, 'others'>;
}

/** What was made of tallies: asked at every step, and changed by tests alone. */
const KNOWN = new WeakMap<readonly Tally[], { others: readonly Tally[]; all: Shared }>();

interface Shared {
  readonly agrees: boolean;
  readonly tally: readonly Tally[];
  readonly minority: Minority | undefined;
}

/** The tests of all modes that see the same, and the minority that they tell of. */
export function shared({ tally, pooled: { others } }: Tallies): Shared {
  const known = KNOWN.get(tally);
  if (known?.others === others) return known.all;
  const all = sharedBy(tally, others);
  KNOWN.set(tally, { others, all });
  return all;
}

function sharedBy(tally: readonly Tally[], others: readonly Tally[]): Shared {
  const alone = { agrees: false, tally, minority: minorityOf(tally) };
  if (others.length === 0) return alone;
  const both = united(tally, others);
  const minority = minorityOf(both);
  const agrees = minority === undefined || !areApart(tally, others, minority.upper);
  return agrees ? { agrees, tally: both, minority } : alone;
}

/** Whether the siblings die at another share of the tests than the search's own do. */
function areApart(tally: readonly Tally[], others: readonly Tally[], from: Seconds): boolean {
  const [own, theirs] = [countFrom(tally, from), countFrom(others, from)];
  const all = { dead: own.dead + theirs.dead, alive: own.alive + theirs.alive };
  return bestLogLikelihood(own) + bestLogLikelihood(theirs) - bestLogLikelihood(all) >= APART;
}

function countFrom(tally: readonly Tally[], from: Seconds): { dead: number; alive: number } {
  let [dead, alive] = [0, 0];
  for (const entry of tally) {
    if (entry.idle < from) continue;
    dead += entry.dead;
    alive += entry.alive;
  }
  return { dead, alive };
}
