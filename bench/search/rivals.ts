/** The other ways to search, on the same model: the original's sweep, and one connection after the other. */
import type { Random } from '../../test/support/prng.js';
import type { ColdStart } from './cold-start.js';

const DEADLINE = 8;
const ANSWER = 0.09;
/** Connections of the sweep, and seconds between its tests. */
const SWEEP_CONNECTIONS = 130;
export const SWEEP_STEP = 60;

/** The sweep: connections opened together, one tested each minute; the first dead one ends it. */
export function sweep(timeout: number): ColdStart {
  const death = Math.ceil(timeout / SWEEP_STEP) * SWEEP_STEP;
  return { timeout, within60: death + DEADLINE, opened: SWEEP_CONNECTIONS };
}

/** One connection at a time: doubled idle times until one dies, then bisection. */
export function sequential(timeout: number, maxIdle: number): ColdStart {
  let [now, lower, upper, opened, idle] = [0, 0, Number.POSITIVE_INFINITY, 0, 15];
  const seen: { within60?: number; within5?: number } = {};
  while (seen.within5 === undefined) {
    opened += 1;
    const dies = idle >= timeout;
    now += idle + (dies ? DEADLINE : ANSWER);
    if (dies) upper = idle;
    else lower = idle;
    if (upper - lower <= 120 && lower > 0) seen.within60 ??= now;
    if (upper - lower <= 10 && lower > 0) seen.within5 = now;
    idle = upper === Number.POSITIVE_INFINITY ? Math.min(2 * lower, maxIdle) : (lower + upper) / 2;
  }
  return { timeout, opened, ...seen };
}

/** Seconds from a drop to the sweep's first death below the old timeout, when it is repeated for ever. */
export function sweepNotices(to: number, applies: 'existing' | 'refreshed', random: Random): number {
  const period = SWEEP_CONNECTIONS * SWEEP_STEP + DEADLINE;
  const age = random() * period;
  const firstTestFrom = (idle: number): number => Math.ceil(idle / SWEEP_STEP) * SWEEP_STEP + DEADLINE;
  if (applies === 'refreshed' || age > SWEEP_CONNECTIONS * SWEEP_STEP)
    return period - age + firstTestFrom(to);
  return firstTestFrom(Math.max(to, age)) - age;
}

/** The same for one connection at a time, tested at the old lower bound. */
export function sequentialNotices(from: number, applies: 'existing' | 'refreshed', random: Random): number {
  const period = from + ANSWER;
  const left = random() * period;
  return applies === 'existing' ? left + DEADLINE : left + from + DEADLINE;
}
