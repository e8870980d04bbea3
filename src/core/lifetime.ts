/**
 * Whether connections end at one age however busy they are, as entries of an offload table do. Told from connections
 * that are kept busy, and from whoever lives longer. All moments are seconds on one monotonic clock.
 */
import type { Seconds } from '../units.js';
import { roundestWithin } from './words.js';

/** So many busy connections have to end at the same age. */
const DEATHS_OF_A_LIFETIME = 3;
/** While so many of them ended, a connection of another age lived on: it was no loss of all mappings at once. */
const WITNESSED_DEATHS = 2;
/** Ages that differ by less than this share of themselves, or by the resolution, are the same. */
const SAME_AGE_SHARE = 0.02;
/** Whoever was silent for longer than before by more than this factor and time may have been forgotten while idle. */
const USUAL_SILENCE = 1.25;
const SILENCE_SLACK: Seconds = 0.25;
/** Two connections as old as each other within this share of the suspected age say the same. */
const APART_SHARE = 1 / 8;
/** A suspected age is looked at in so many steps for each width that counts as the same. */
const STEPS = 4;
/** Shortest time between two signs of life that is asked for, seconds. */
const SHORTEST_STEP: Seconds = 0.25;
/** Lives and deaths that are kept. */
const LIVES_KEPT = 16;
const DEATHS_KEPT = 8;

/** A connection that was seen to work: from when it was opened to its newest sign of life. */
export interface Life {
  readonly from: Seconds;
  readonly to: Seconds;
}

/** The end of a connection that was kept busy, while fresh connections worked. */
export interface BusyDeath {
  /** When it was opened. */
  readonly from: Seconds;
  /** Its last sign of life. */
  readonly heard: Seconds;
  /** When it was asked in vain for the first time, or ended. */
  readonly gone: Seconds;
  /** The longest silence that it survived before, seconds. */
  readonly survivedSilence: Seconds;
}

/** What is known about the age at which connections end; a value. */
export interface LifetimeEvidence {
  /** Deaths at one age, oldest first, and whether a connection of another age lived on at that moment. */
  readonly deaths: readonly (BusyDeath & { readonly witnessed: boolean })[];
  /** Newest lives, at most one for each connection. */
  readonly lives: readonly Life[];
  /** The age at which every connection ends, since it was proven and until one lived longer. */
  readonly proven?: AgeWindow | undefined;
}

/** An age, between two bounds, seconds. */
export interface AgeWindow {
  readonly lower: Seconds;
  readonly upper: Seconds;
}

export const NO_LIFETIME: LifetimeEvidence = { deaths: [], lives: [] };

/** How much two ages may differ and be the same, seconds. */
function sameAge(age: Seconds, resolution: Seconds): Seconds {
  return Math.max(resolution, SAME_AGE_SHARE * age);
}

/** The age that all deaths on record have in common; undefined without one. */
function suspectedAge({ deaths }: LifetimeEvidence): AgeWindow | undefined {
  if (deaths.length === 0) return undefined;
  const heard = Math.max(...deaths.map((death) => death.heard - death.from));
  const gone = Math.min(...deaths.map((death) => death.gone - death.from));
  return { lower: Math.min(heard, gone), upper: Math.max(heard, gone) };
}

/** Takes in a sign of life: whoever is older than an age refutes that it is the end of everybody. */
export function learnLife(evidence: LifetimeEvidence, life: Life, resolution: Seconds): LifetimeEvidence {
  const refutes = (end: AgeWindow | undefined): boolean =>
    end !== undefined && life.to - life.from > end.upper + sameAge(end.upper, resolution);
  const deaths = refutes(suspectedAge(evidence)) ? [] : evidence.deaths;
  const learnt = {
    lives: [...evidence.lives.filter(({ from }) => from !== life.from), life].slice(-LIVES_KEPT),
    deaths: deaths.map((death) =>
      death.witnessed || !outlives(life, death, resolution) ? death : { ...death, witnessed: true },
    ),
    proven: refutes(evidence.proven) ? undefined : evidence.proven,
  };
  return { ...learnt, proven: proof(learnt, resolution) };
}

/** Takes in an end. One that idleness may explain says nothing; one at another age begins the suspicion anew. */
export function learnDeath(
  evidence: LifetimeEvidence,
  death: BusyDeath,
  resolution: Seconds,
): LifetimeEvidence {
  const silence = death.gone - death.heard;
  if (silence > USUAL_SILENCE * death.survivedSilence + SILENCE_SLACK) return evidence;
  const suspected = suspectedAge(evidence);
  const tolerance = sameAge(suspected?.upper ?? 0, resolution);
  const agrees =
    suspected === undefined ||
    (death.heard - death.from <= suspected.upper + tolerance &&
      death.gone - death.from >= suspected.lower - tolerance);
  const witnessed = evidence.lives.some((life) => outlives(life, death, resolution));
  const before = agrees ? evidence.deaths.slice(1 - DEATHS_KEPT) : [];
  const learnt = { ...evidence, deaths: [...before, { ...death, witnessed }] };
  return { ...learnt, proven: proof(learnt, resolution) };
}

/** Whether a connection of another age lived before, during and after a death. */
function outlives(life: Life, { from, heard, gone }: BusyDeath, resolution: Seconds): boolean {
  return (
    life.from < heard && life.to >= gone && Math.abs(life.from - from) > sameAge(gone - from, resolution)
  );
}

/** What the deaths on record prove, where they prove another age than was proven before. */
function proof(evidence: LifetimeEvidence, resolution: Seconds): AgeWindow | undefined {
  const { deaths, proven } = evidence;
  const suspected = suspectedAge(evidence);
  if (suspected === undefined) return proven;
  const tolerance = sameAge(suspected.upper, resolution);
  // The first proof stands: the search is not to begin anew for every tenth of a second.
  if (proven !== undefined && Math.abs(proven.upper - suspected.upper) <= tolerance) return proven;
  const exact = deaths.filter(({ heard, gone }) => gone - heard <= tolerance);
  const holds =
    suspected.upper - suspected.lower <= tolerance &&
    exact.length >= DEATHS_OF_A_LIFETIME &&
    exact.filter(({ witnessed }) => witnessed).length >= WITNESSED_DEATHS;
  return holds ? suspected : proven;
}

/** The one value that stands for an age in a sentence: the roundest in it, seconds. */
export function spokenAge({ lower, upper }: AgeWindow): Seconds {
  return roundestWithin(lower, upper) ?? (lower + upper) / 2;
}

/** The longest idle time that can be asked about where every connection ends at an age, seconds. */
export function longestIdleWithin({ lower }: AgeWindow, guard: Seconds): Seconds {
  return lower - Math.min(Math.max(guard, SAME_AGE_SHARE * lower), lower / 5);
}

/**
 * How long a connection of this age may stay silent until it is asked for a sign of life, so that the age at which it
 * ends becomes known, seconds; undefined where nothing is suspected of its age.
 */
export function silenceAllowed(
  evidence: LifetimeEvidence,
  age: Seconds,
  resolution: Seconds,
): Seconds | undefined {
  const suspected = suspectedAge(evidence);
  if (suspected === undefined) return undefined;
  const tolerance = sameAge(suspected.upper, resolution);
  const begins = suspected.lower - tolerance;
  if (age > suspected.upper + tolerance) return undefined;
  const step = Math.max(SHORTEST_STEP, tolerance / STEPS);
  return age < begins ? Math.max(step, begins - age) : step;
}

/**
 * Whether the second of two busy connections should be opened anew, so that they do not have the same age for ever:
 * only then can what ends at an age be told from what ends at a moment.
 */
export function shouldPart(evidence: LifetimeEvidence, ages: readonly [Seconds, Seconds]): boolean {
  const suspected = suspectedAge(evidence);
  if (suspected === undefined) return false;
  const [one, other] = ages;
  return Math.min(one, other) >= suspected.lower / 2 && Math.abs(one - other) < APART_SHARE * suspected.lower;
}
