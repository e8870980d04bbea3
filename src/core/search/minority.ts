/** What a tally of tests tells about a minority of nodes that forgets early: when, and how many connections it gets. */
import type { Seconds } from '../../units.js';
import { wilson } from '../wilson.js';

/** Tests at one idle time (or close to it), fractional once old ones have faded. */
export interface Tally {
  readonly idle: Seconds;
  readonly alive: number;
  readonly dead: number;
}

/** Connections that are forgotten early although others at the same idle time are not. */
export interface Minority {
  /** Longest idle time that none of them is known to die at, 0 if there is none; the shortest at which they do. */
  readonly lower: Seconds;
  readonly upper: Seconds;
  /** Their share of all connections, 0 … 1, and its 95 % bounds (Wilson). */
  readonly share: number;
  readonly shareLower: number;
  readonly shareUpper: number;
}

/** Share of deaths at any age that random evictions explain: most that is commonly seen. */
export const EVICTIONS = 0.02;
/** Share of deaths expected below the minority's timeout. */
const BELOW = 0.01;
/** Share of deaths that a change point may explain at the least and at the most. */
const [LEAST_SHARE, MOST_SHARE] = [0.02, 0.98];
/** Change points whose log-likelihood is worse by less than this are possible, too. */
const SUPPORT = 3;
/** Evidence in nats, and deaths, by which those below a change point prove a minority of their own. */
const PREFIX_EVIDENCE = 8;
const PREFIX_DEATHS = 3;

/** Log-likelihood of deaths and survivals when a connection dies with probability `p`, 0 < p < 1. */
function logLikelihood(dead: number, alive: number, p: number): number {
  return dead * Math.log(p) + alive * Math.log(1 - p);
}

/** Log-likelihood of deaths and survivals by their own share. */
export function bestLogLikelihood({ dead, alive }: { dead: number; alive: number }): number {
  return dead <= 0 || alive <= 0 ? 0 : logLikelihood(dead, alive, dead / (dead + alive));
}

/** How much more likely `dead` of all are by their own share than by evictions alone, in nats; 0 where they are fewer. */
function excess(dead: number, alive: number): number {
  const total = dead + alive;
  const share = total === 0 ? 0 : dead / total;
  if (share <= EVICTIONS) return 0;
  const own = logLikelihood(dead, alive, Math.min(share, 1 - 1e-9));
  return own - logLikelihood(dead, alive, EVICTIONS);
}

/** The most that the deaths at and above any one idle time exceed what evictions explain, in nats. */
export function mostExcess(tally: readonly Tally[]): number {
  let [dead, alive, most] = [0, 0, 0];
  for (const entry of [...tally].reverse()) {
    dead += entry.dead;
    alive += entry.alive;
    most = Math.max(most, excess(dead, alive));
  }
  return most;
}

/**
 * The minority that explains the tally best: the idle time from which on a share of the tests died. Where those
 * below it prove a share themselves, the smallest idle time wins.
 * @param tally by rising idle time
 * @returns undefined while nothing died
 */
export function minorityOf(tally: readonly Tally[]): Minority | undefined {
  const below = tally.map(() => 0);
  const above = tally.map(() => ({ dead: 0, alive: 0 }));
  for (let index = 1; index < tally.length; index++) {
    const { dead = 0, alive = 0 } = tally[index - 1] ?? {};
    below[index] = (below[index - 1] ?? 0) + logLikelihood(dead, alive, BELOW);
  }
  for (let index = tally.length - 1; index >= 0; index--) {
    const { dead = 0, alive = 0 } = tally[index] ?? {};
    const next = above[index + 1];
    above[index] = { dead: dead + (next?.dead ?? 0), alive: alive + (next?.alive ?? 0) };
  }
  const likelihoods = above.map(({ dead, alive }, index) => {
    const share = Math.min(MOST_SHARE, Math.max(LEAST_SHARE, dead / (dead + alive)));
    return dead === 0 ? -Infinity : (below[index] ?? 0) + logLikelihood(dead, alive, share);
  });
  const most = Math.max(...likelihoods);
  if (most === -Infinity) return undefined;
  const best = above[likelihoods.indexOf(most)];
  const first = likelihoods.findIndex((likelihood) => likelihood >= most - SUPPORT);
  const last = likelihoods.findLastIndex((likelihood) => likelihood >= most - SUPPORT);
  const prefix = tally.slice(0, first);
  const dead = prefix.reduce((total, entry) => total + entry.dead, 0);
  if (dead >= PREFIX_DEATHS && mostExcess(prefix) >= PREFIX_EVIDENCE) return minorityOf(prefix);
  const [lower, upper] = [tally[first - 1]?.idle ?? 0, tally[last]?.idle ?? 0];
  if (best === undefined) return undefined;
  const total = best.dead + best.alive;
  const [shareLower, shareUpper] = wilson(best.dead, total);
  return { lower, upper, share: best.dead / total, shareLower, shareUpper };
}
