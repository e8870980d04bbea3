/**
 * Counts what becomes of all connections, to tell a minority of nodes that forgets early from evictions and from a drop.
 * It is fed verdict by verdict, those of the siblings (the other modes of the target) among them.
 */
import type { Seconds } from '../../units.js';
import { type Evidence, isEnough, NO_EVIDENCE, scored } from './minority-evidence.js';
import type { Tally } from './minority.js';
import { NOTHING_POOLED, type Pooled, pooledWith, shared } from './pooled.js';
import { tallied } from './tally.js';

/** A minority that was recognised. */
export interface Mixed {
  /** Longest idle time that it is asked about, seconds: deaths above it are those of everybody. */
  readonly top: Seconds;
  /** Evidence that it is gone, in nats. */
  readonly quiet: number;
  /** Deaths in a row at its upper bound and above. */
  readonly streak: number;
}

/** What was counted. */
export interface Census {
  /** What the search's own tests say for each share that is looked for. */
  readonly scores: Evidence;
  /** Its tests by rising idle time. */
  readonly tally: readonly Tally[];
  /** Newest tests well beyond a closed bracket, from the first survival there on: whether they survived. */
  readonly beyond: readonly boolean[];
  /** The first early death since the scores were 0. */
  readonly first: { readonly idle: Seconds; readonly since: Seconds } | null;
  /** Survivals of connections that are as young as it and lived as long. */
  readonly witnesses: number;
  readonly mixed: Mixed | null;
  /** The same of all modes together. */
  readonly pooled: Pooled;
}

/** Survivals that must contradict the first early death: a drop has none. */
const WITNESSES = 2;
/** Evidence of a minority in nats from which on it is reckoned with: that of two early deaths among few survivals. */
const IN_DOUBT = 3;
/** Newest tests beyond a closed bracket that are kept, and how many of each kind show that it stands on a minority. */
const BEYOND_KEPT = 16;
const BEYOND_NEEDED = 3;

export const NOTHING_COUNTED: Census = {
  scores: NO_EVIDENCE,
  tally: [],
  beyond: [],
  first: null,
  witnesses: 0,
  mixed: null,
  pooled: NOTHING_POOLED,
};

/** One test, as the census counts it. */
export interface Counted {
  readonly idle: Seconds;
  readonly since: Seconds;
  readonly alive: boolean;
}

/** A death below the bracket. */
export function countEarly(census: Census, { idle, since }: Counted): Census {
  return {
    ...census,
    scores: scored(census.scores, false),
    first: census.first ?? { idle, since },
    tally: tallied(census.tally, idle, false),
    pooled: pooledWith(census.pooled, { idle, since, alive: false }),
  };
}

/** A survival. Returns also whether it is one that a drop would not have. */
export function countSurvival(
  census: Census,
  { idle, since }: Counted,
): { readonly census: Census; readonly witness: boolean } {
  const { first, scores, tally, witnesses } = census;
  const witness = first !== null && idle >= first.idle - 1 && since >= first.since - 1;
  return {
    witness,
    census: {
      ...census,
      scores: scored(scores, true),
      tally: tallied(tally, idle, true),
      witnesses: witnesses + Number(witness),
      pooled: pooledWith(census.pooled, { idle, since, alive: true }),
    },
  };
}

/** A test well beyond a closed bracket. */
export function countBeyond(census: Census, alive: boolean): Census {
  if (!alive && census.beyond.length === 0) return census;
  return { ...census, beyond: [...census.beyond, alive].slice(-BEYOND_KEPT) };
}

/** Whether nothing early is being weighed: what was tallied so far may go. */
export function isIdle({ scores, beyond, mixed, pooled }: Census): boolean {
  const isQuiet = mixed === null && beyond.length === 0 && scores.every((score) => score === 0);
  return isQuiet && pooled.scores.every((score) => score === 0);
}

/**
 * Whether early deaths prove a minority: enough of them, those of the siblings among them where these see the same, and
 * enough survivals of the search's own that contradict one of its own.
 */
export function provesMinority(census: Census): boolean {
  if (census.witnesses < WITNESSES || census.pooled.between < WITNESSES) return false;
  return isEnough(census.scores) || (isEnough(census.pooled.scores) && shared(census).agrees);
}

/** Whether tests beyond a closed bracket are so divided that it must stand on a minority. */
export function isDivided({ beyond }: Census): boolean {
  const survived = beyond.filter((alive) => alive).length;
  return survived >= BEYOND_NEEDED && beyond.length - survived >= BEYOND_NEEDED;
}

/** Whether more than a lonely eviction is weighed, and contradicted: connections of one age die and live. */
export function isDoubtful({ scores, witnesses, pooled }: Census): boolean {
  return witnesses >= WITNESSES && pooled.between >= WITNESSES && scores.some((score) => score >= IN_DOUBT);
}

/** Whether young survivals contradict the early deaths. */
export function isContradicted({ witnesses }: Census): boolean {
  return witnesses >= WITNESSES;
}
