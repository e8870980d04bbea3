/**
 * Counts what becomes of all connections, to tell a minority of nodes that forgets early from evictions and from a drop.
 * It is fed verdict by verdict and knows nothing of how they came about.
 */
import type { Seconds } from '../../units.js';
import { EVICTIONS, type Tally } from './minority.js';

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
  /** One cumulative sum for each share that is looked for, against evictions alone; 0 at the least. */
  readonly scores: readonly number[];
  /** Tests by rising idle time. */
  readonly tally: readonly Tally[];
  /** Newest tests well beyond a closed bracket, from the first survival there on: whether they survived. */
  readonly beyond: readonly boolean[];
  /** The first early death since the scores were 0. */
  readonly first: { readonly idle: Seconds; readonly since: Seconds } | null;
  /** Survivals of connections that are as young as it and lived as long. */
  readonly witnesses: number;
  readonly mixed: Mixed | null;
}

/** Shares that are looked for, and the evidence in nats that each needs: 3 deaths in a row make 11.1 in the last. */
const SHARES = [
  { share: 0.05, enough: 10 },
  { share: 0.1, enough: 11.5 },
  { share: 0.2, enough: 12.5 },
  { share: 0.4, enough: 16 },
  { share: 0.8, enough: 19 },
] as const;
/** Survivals that must contradict the first early death: a drop has none. */
const WITNESSES = 2;
/** Newest tests beyond a closed bracket that are kept, and how many of each kind show that it stands on a minority. */
const BEYOND_KEPT = 16;
const BEYOND_NEEDED = 3;
/** Entries of a tally, and tests in it, beyond which the nearest are merged and the old ones fade. */
const MOST_ENTRIES = 40;
const MOST_TESTS = 800;
const FADING = 0.9;
/** How much farther apart entries with deaths count than entries without. */
const EDGE = 1000;

export const NOTHING_COUNTED: Census = {
  scores: SHARES.map(() => 0),
  tally: [],
  beyond: [],
  first: null,
  witnesses: 0,
  mixed: null,
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
    scores: census.scores.map((score, bank) => score + Math.log(shareOf(bank) / EVICTIONS)),
    first: census.first ?? { idle, since },
    tally: tallied(census.tally, idle, false),
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
      scores: scores.map((score, bank) =>
        Math.max(0, score + Math.log((1 - shareOf(bank)) / (1 - EVICTIONS))),
      ),
      tally: tallied(tally, idle, true),
      witnesses: witnesses + Number(witness),
    },
  };
}

/** A test well beyond a closed bracket. */
export function countBeyond(census: Census, alive: boolean): Census {
  if (!alive && census.beyond.length === 0) return census;
  return { ...census, beyond: [...census.beyond, alive].slice(-BEYOND_KEPT) };
}

/** Whether nothing early is being weighed: what was tallied so far may go. */
export function isIdle({ scores, beyond, mixed }: Census): boolean {
  return mixed === null && beyond.length === 0 && scores.every((score) => score === 0);
}

/** Whether early deaths prove a minority: enough of them, and enough survivals of the same idle time. */
export function provesMinority({ scores, witnesses }: Census): boolean {
  return (
    witnesses >= WITNESSES &&
    scores.some((score, bank) => score >= (SHARES[bank]?.enough ?? Number.POSITIVE_INFINITY))
  );
}

/** Whether tests beyond a closed bracket are so divided that it must stand on a minority. */
export function isDivided({ beyond }: Census): boolean {
  const survived = beyond.filter((alive) => alive).length;
  return survived >= BEYOND_NEEDED && beyond.length - survived >= BEYOND_NEEDED;
}

/** Whether young survivals contradict the early deaths. */
export function isContradicted({ witnesses }: Census): boolean {
  return witnesses >= WITNESSES;
}

function shareOf(bank: number): number {
  return SHARES[bank]?.share ?? EVICTIONS;
}

/** The tally with one test more. */
export function tallied(tally: readonly Tally[], idle: Seconds, alive: boolean): readonly Tally[] {
  const near = Math.max(1, Math.min(4, 0.003 * idle));
  const nearest = tally.reduce<Tally | undefined>(
    (best, entry) => (Math.abs(entry.idle - idle) < Math.abs((best?.idle ?? Infinity) - idle) ? entry : best),
    undefined,
  );
  const one = { idle, alive: Number(alive), dead: Number(!alive) };
  const more =
    nearest !== undefined && Math.abs(nearest.idle - idle) <= near
      ? tally.map((entry) =>
          entry === nearest
            ? { ...entry, alive: entry.alive + one.alive, dead: entry.dead + one.dead }
            : entry,
        )
      : [...tally, one].sort((a, b) => a.idle - b.idle);
  const total = more.reduce((sum, entry) => sum + entry.alive + entry.dead, 0);
  const bounded = more.length > MOST_ENTRIES ? mergedNearest(more) : more;
  if (total <= MOST_TESTS) return bounded;
  return bounded.map((entry) => ({ ...entry, alive: entry.alive * FADING, dead: entry.dead * FADING }));
}

/**
 * The two entries that are nearest to one another, as shares of their idle time, become one: rather two of survivors
 * alone, for an edge between survivals and deaths would be lost.
 */
function mergedNearest(tally: readonly Tally[]): readonly Tally[] {
  let closest = 1;
  for (let index = 2; index < tally.length; index++)
    if (distanceAt(tally, index) < distanceAt(tally, closest)) closest = index;
  return tally.flatMap((entry, index) => {
    const next = tally[index + 1];
    if (index === closest) return [];
    if (index !== closest - 1 || next === undefined) return [entry];
    const [weight, more] = [entry.alive + entry.dead, next.alive + next.dead];
    const idle = (entry.idle * weight + next.idle * more) / (weight + more);
    return [{ idle, alive: entry.alive + next.alive, dead: entry.dead + next.dead }];
  });
}

function distanceAt(tally: readonly Tally[], index: number): number {
  const [entry, before] = [tally[index], tally[index - 1]];
  if (entry === undefined || before === undefined) return Infinity;
  return entry.idle / before.idle + (entry.dead + before.dead > 0 ? EDGE : 0);
}
