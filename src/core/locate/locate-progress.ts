/** How far a localisation is, and how long one takes: for those who wait. */
import type { Seconds } from '../../units.js';
import { type LocateOptions, SIDES } from './locate-contract.js';
import { liveSides, type LocateState, SILENT, testAt } from './locate-state.js';
import { createLocate } from './locate-step.js';

/** What a reader may see of a localisation that is under way. */
export interface LocateProgress {
  readonly stage: 'distances' | 'rows' | 'confirmation' | 'over';
  /** Connections that idle now. */
  readonly connections: number;
  /** Tests that said something so far. */
  readonly tests: number;
  /** When the last connection that this round waits for will be tested; absent while none idles. */
  readonly roundEndsAt?: Seconds;
}

export function locateProgress({ stage, probes, tallies, rounds, options }: LocateState): LocateProgress {
  const first = probes.filter(({ again }) => again !== true);
  const ends = (first.length > 0 ? first : probes).flatMap(({ since, question }) =>
    since === undefined ? [] : [since + testAt(options, question)],
  );
  const shown = stage === 'cells' ? (rounds > 1 ? 'confirmation' : 'rows') : stage;
  return {
    stage: shown === 'new' ? 'distances' : shown,
    connections: probes.length,
    tests: Object.values(tallies).reduce((sum, { alive, dead }) => sum + alive + dead, 0),
    ...(ends.length === 0 ? {} : { roundEndsAt: Math.max(...ends) }),
  };
}

/** Time that counting the routers takes: a sweep over all TTLs, and two that make sure. */
const SWEEPS_TIME: Seconds = 20;

/** Routers that are reckoned with before they are counted. */
const HOPS_PRESUMED = 8;

/** Tests that a claim asks for beside the rows: three in all of each decisive cell, the corner, and nobody's refresh. */
const CONFIRMING_TESTS = 11;

/** Tests that a claim asks for where there are no routers, all at once. */
const ALL_WITHOUT_ROUTERS = 9;

/** Seconds until it ends, when all goes well. */
export function locateTimeLeft(state: LocateState, now: Seconds, deadline: Seconds): Seconds {
  const { options, stage, rounds } = state;
  const round = testAt(options, SILENT) + deadline;
  const { roundEndsAt } = locateProgress(state);
  const all = roundsOf(state);
  if (stage !== 'cells') return stage === 'over' ? 0 : SWEEPS_TIME + all * round;
  const later = Math.max(0, all - rounds) * round;
  if (roundEndsAt === undefined) return round + later;
  // The next round does not wait for what is asked again in this one, but is not over before it.
  const again = state.probes.flatMap(({ since, question, again: isAgain }) =>
    since === undefined || isAgain !== true ? [] : [since + testAt(options, question)],
  );
  const until = (at: Seconds): Seconds => Math.max(0, at - now) + deadline;
  return Math.max(until(roundEndsAt) + later, ...again.map(until));
}

/** Rounds of a localisation: two with places for all cells; with fewer the rows are bisected. */
function roundsOf({ options: { places }, ends, ...state }: LocateState): number {
  const sides = liveSides({ ...state, ends }).length;
  const counted = SIDES.flatMap((side) => ends[side].distance ?? []);
  const hops = counted.length === 0 ? HOPS_PRESUMED : Math.max(...counted);
  if (hops === 0 && places >= ALL_WITHOUT_ROUTERS) return 1;
  let open = hops;
  let rounds = 0;
  for (let controls = 1 + 2 * sides; open > 0; controls = 0, rounds += 1) {
    const asked = Math.max(1, Math.floor((places - controls) / Math.max(1, sides)));
    open = Math.floor(open / (asked + 1));
  }
  return Math.max(1, rounds) + Math.ceil(CONFIRMING_TESTS / places);
}

/**
 * How long a localisation takes when all goes well, before anything is known of the path, seconds.
 *
 * @param deadline how long a test may stay unanswered
 */
export function locateDuration(options: LocateOptions, deadline: Seconds): Seconds {
  return locateTimeLeft(createLocate(options), 0, deadline);
}
