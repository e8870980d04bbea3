/** The three modes of one target beside one another, over one simulated NAT: what they find together. */
import type { SearchState } from '../../src/core/search/state.js';
import { findingOf } from '../../src/core/search/finding-of.js';
import type { SearchOptions } from '../../src/core/search/contract.js';
import { randomFrom } from '../../test/support/prng.js';
import {
  type PathOptions,
  type Regime,
  SimulatedPath,
  disturbances,
} from '../../test/support/simulated-nat.js';
import { type Drive, driveTogether } from '../../test/support/virtual-driver.js';
import { SHIPPED_ROUNDS, shippedSearch } from './model.js';
import { DAY, MONTH } from './steady.js';

const MODES = 3;

/** Whether the modes tell one another anything. */
export type Talk = 'together' | 'alone';

/** One behaviour of a NAT from a moment on: a share of its nodes forgets after `timeout`, the others after `rest`. */
export function pooled(share: number, timeout: number, from = 0, rest = 86_400): Regime {
  return {
    from,
    nodes: [
      { timeout, share },
      { timeout: rest, share: 1 - share },
    ],
  };
}

type Seen = (
  mode: number,
  state: SearchState,
  at: number,
  announced: readonly ('drop' | 'rise')[],
) => boolean;

/** Runs the modes of a target until `seen` says of each that it is enough. */
function run(
  connections: number,
  talk: Talk,
  { paths, until, seed }: { paths: readonly PathOptions[]; until: number; seed: number },
  seen: Seen,
): readonly Drive[] {
  const random = randomFrom(seed);
  const share = (rung: number): Partial<SearchOptions> =>
    talk === 'alone' ? {} : { share: { rungs: [rung], of: MODES } };
  const first = paths[0] ?? { regimes: [] };
  const drives = Array.from({ length: MODES }, (_, mode) => ({
    search: { ...shippedSearch(connections), ...share(mode) },
    path: new SimulatedPath(paths[mode] ?? first, random),
    rounds: SHIPPED_ROUNDS,
    until,
    observe: (
      state: SearchState,
      at: number,
      actions: readonly { kind: string; change?: 'drop' | 'rise' }[],
    ) =>
      seen(
        mode,
        state,
        at,
        actions.flatMap(({ kind, change }) => (kind === 'announce' && change !== undefined ? [change] : [])),
      ),
  }));
  return driveTogether(drives, talk === 'alone');
}

/** Moments of a cold start over the timeout; infinite for what never came. */
export interface Together {
  /** Bracket of 120 s in all modes. */
  readonly within60: number;
  /** Bracket of 10 s with 3 deaths in all modes. */
  readonly confirmed: number;
}

/**
 * @param of `all` modes that see one timeout, or `recv` alone dies: behind a loose box
 */
export function startTogether(
  connections: number,
  talk: Talk,
  timeout: number,
  of: 'all' | 'recv',
  seed: number,
): Together {
  const paths = Array.from({ length: MODES }, (_, mode) => ({
    regimes: [pooled(1, of === 'recv' && mode !== 1 ? Infinity : timeout)],
  }));
  const counted = of === 'recv' ? [1] : [0, 1, 2];
  const within60 = paths.map(() => Infinity);
  const confirmed = paths.map(() => Infinity);
  run(connections, talk, { paths, until: 6 * timeout + 20_000, seed }, (mode, state, at) => {
    const width = (state.deaths[0]?.idle ?? Infinity) - state.lower;
    if (width <= 120 && state.lower > 0) within60[mode] = Math.min(within60[mode] ?? Infinity, at);
    if (width <= 10 && findingOf(state).timeout !== undefined)
      confirmed[mode] = Math.min(confirmed[mode] ?? Infinity, at);
    return counted.every((each) => (confirmed[each] ?? Infinity) < Infinity);
  });
  const last = (moments: readonly number[]): number =>
    Math.max(...counted.map((mode) => moments[mode] ?? Infinity)) / timeout;
  return { within60: last(within60), confirmed: last(confirmed) };
}

/** What three modes make of a pool of nodes. */
export interface PoolTogether {
  /** Hours until the first 0 of each mode; infinite when there was none. */
  readonly firstZero: readonly number[];
  /** Per cent of the time since then that was not shown as 0. */
  readonly notZero: number;
  /** Announced changes of each mode. */
  readonly changes: readonly number[];
  /** Per cent of the time with a share told that its bounds hold the true one, and the bracket the true timeout. */
  readonly shareHeld: number;
  readonly bracketHeld: number;
}

export function poolTogether(
  connections: number,
  { share, timeout }: { share: number; timeout: number },
  days: number,
  seed: number,
): PoolTogether {
  const until = days * DAY;
  const random = randomFrom(seed + 1000);
  const path = {
    regimes: [pooled(share, timeout)],
    eviction: 0.005,
    outages: disturbances(random, until, 1, 120),
    reboots: disturbances(random, until, 4 / 30, 60),
  };
  const first = Array.from({ length: MODES }, () => Infinity);
  const sums = { notZero: 0, since: 0, told: 0, shareHeld: 0, bracketHeld: 0 };
  const last = first.map(() => ({ at: 0, zero: true, told: false, shareHeld: false, bracketHeld: false }));
  const runs = run(connections, 'together', { paths: [path], until, seed }, (mode, state, at) => {
    const before = last[mode];
    if (before === undefined) return true;
    const passed = at - before.at;
    if (!before.zero) sums.notZero += passed;
    if ((first[mode] ?? Infinity) < Infinity) sums.since += passed;
    if (before.told) sums.told += passed;
    if (before.shareHeld) sums.shareHeld += passed;
    if (before.bracketHeld) sums.bracketHeld += passed;
    const zero = state.compliant === false;
    if (zero) first[mode] = Math.min(first[mode] ?? Infinity, at);
    const { mixture, lower = 0, upper = Infinity } = findingOf(state);
    last[mode] = {
      at,
      zero: zero || first[mode] === Infinity,
      told: mixture !== undefined,
      shareHeld: mixture !== undefined && mixture.shareLower <= share && mixture.shareUpper >= share,
      // A test shows an idle time to a tenth of a second.
      bracketHeld: mixture !== undefined && lower <= timeout + 0.1 && upper >= timeout - 0.1,
    };
    return false;
  });
  return {
    firstZero: first.map((at) => at / 3600),
    notZero: (100 * sums.notZero) / Math.max(1, sums.since),
    changes: runs.map(({ announced }) => announced.length),
    shareHeld: (100 * sums.shareHeld) / Math.max(1, sums.told),
    bracketHeld: (100 * sums.bracketHeld) / Math.max(1, sums.told),
  };
}

/** Hours from the repair of a pool until the last mode that told it has given it up; infinite where one never does. */
export function releasedAfter(connections: number, share: number, seed: number): number {
  const at = 4 * DAY;
  const until = at + 8 * DAY;
  const paths = [{ regimes: [pooled(share, 3600), pooled(0, 3600, at)], eviction: 0.005 }];
  const released = Array.from({ length: MODES }, () => 0);
  run(connections, 'together', { paths, until, seed }, (mode, state, now) => {
    if (now > at) released[mode] = state.compliant === true ? Math.min(released[mode] ?? 0, now) : Infinity;
    if (now > at && state.compliant === true && released[mode] === Infinity) released[mode] = now;
    return now > at && released.every((moment) => moment > 0 && moment < Infinity);
  });
  return (Math.max(...released) - at) / 3600;
}

/** Minorities entered, and drops announced, in months of evictions over a NAT without a minority. */
export function quietMonths(
  connections: number,
  timeout: number,
  months: number,
  seed: number,
): { readonly entries: number; readonly drops: number } {
  const until = months * MONTH;
  const random = randomFrom(seed + 1000);
  const path = {
    regimes: [pooled(1, timeout)],
    eviction: 0.02,
    outages: disturbances(random, until, 3, 120),
    reboots: disturbances(random, until, 20 / 30, 60),
  };
  const mixed = Array.from({ length: MODES }, () => false);
  let entries = 0;
  const runs = run(connections, 'together', { paths: [path], until, seed }, (mode, state) => {
    const now = state.census.mixed !== null;
    if (now && mixed[mode] !== true) entries += 1;
    mixed[mode] = now;
    return false;
  });
  const drops = runs.flatMap(({ announced }) => announced).filter(({ change }) => change === 'drop');
  return { entries, drops: drops.length };
}

/** Minutes from a change until the first mode announces it, and until the first confirms the new timeout. */
export function changeTogether(
  connections: number,
  { from, to, applies }: { from: number; to: number; applies: 'existing' | 'refreshed' },
  seed: number,
): { readonly told: number; readonly known: number } {
  const at = 4 * from + randomFrom(seed)() * 20_000;
  const until = at + DAY;
  const paths = [{ regimes: [pooled(1, from), pooled(1, to, at)], applies }];
  let [told, known] = [Infinity, Infinity];
  run(connections, 'together', { paths, until, seed }, (_mode, state, now, announced) => {
    if (now <= at) return false;
    if (announced.length > 0) told = Math.min(told, now - at);
    const { timeout } = findingOf(state);
    if (timeout !== undefined && Math.abs(timeout - to) <= 20) known = Math.min(known, now - at);
    return told < Infinity && known < Infinity;
  });
  return { told: told / 60, known: known / 60 };
}
