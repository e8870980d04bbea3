/** Steady state: how soon a change is noticed, what disturbances fake, and what it costs. */
import type { SearchOptions } from '../../src/core/search/contract.js';
import { findingOf } from '../../src/core/search/finding-of.js';
import { randomFrom } from '../../test/support/prng.js';
import { SimulatedPath, disturbances, steadyPath } from '../../test/support/simulated-nat.js';
import type { Regime } from '../../test/support/simulated-nat.js';
import { drive } from '../../test/support/virtual-driver.js';
import { PACKETS_PER_CONNECTION, SHIPPED_ROUNDS } from './model.js';

export const DAY = 86_400;
export const MONTH = 30 * DAY;

/** A share of early deaths among the tests of a day that an alert takes for a bad node; random evictions give 1 %. */
export const EARLY_DEATH_RATIO = 0.05;

/** Seconds from a change of the timeout to its announcement; undefined when it was missed for a day. */
export function changeNoticed(
  search: SearchOptions,
  change: { readonly from: number; readonly to: number; readonly applies: 'existing' | 'refreshed' },
  seed: number,
  eviction = 0,
): number | undefined {
  const random = randomFrom(seed);
  const at = 4 * Math.min(change.from, search.maxIdle) + random() * 20_000;
  const path = new SimulatedPath(
    {
      regimes: [regime(0, change.from), regime(at, change.to)],
      applies: change.applies,
      eviction,
      ...(eviction > 0
        ? {
            outages: disturbances(random, at + DAY, 3, 120),
            reboots: disturbances(random, at + DAY, 20 / 30, 60),
          }
        : {}),
    },
    random,
  );
  const wanted = change.to < change.from ? 'drop' : 'rise';
  let noticed: number | undefined;
  drive({
    search,
    path,
    rounds: SHIPPED_ROUNDS,
    until: at + DAY,
    observe: (_, now, actions) => {
      if (now > at && actions.some((action) => action.kind === 'announce' && action.change === wanted))
        noticed = now - at;
      return noticed !== undefined;
    },
  });
  return noticed;
}

/**
 * Minutes from a drop of the timeout until the new one is known: its bracket shown, and the timeout in it. Infinite when
 * that took a day.
 */
export function newTimeoutKnown(
  search: SearchOptions,
  drop: { readonly from: number; readonly to: number; readonly applies: 'existing' | 'refreshed' },
  seed: number,
): number {
  const random = randomFrom(seed);
  const at = 4 * Math.min(drop.from, search.maxIdle) + random() * 20_000;
  const path = new SimulatedPath(
    { regimes: [regime(0, drop.from), regime(at, drop.to)], applies: drop.applies },
    random,
  );
  let known = Infinity;
  drive({
    search,
    path,
    rounds: SHIPPED_ROUNDS,
    until: at + DAY,
    observe: (state, now) => {
      const { timeout, lower = Infinity, upper = 0 } = findingOf(state);
      if (now > at && timeout !== undefined && lower <= drop.to && upper >= drop.to) known = (now - at) / 60;
      return known < Infinity;
    },
  });
  return known;
}

function regime(from: number, timeout: number): Regime {
  return { from, nodes: [{ timeout, share: 1 }] };
}

/** Drops announced on a path whose timeout never changed, but that suffers outages, reboots and evictions. */
export function falseAlarms(search: SearchOptions, timeout: number, months: number, seed: number): number {
  const random = randomFrom(seed);
  const until = months * MONTH;
  const path = steadyPath(timeout, random, {
    eviction: 0.01,
    outages: disturbances(random, until, 1, 120),
    reboots: disturbances(random, until, 4 / 30, 60),
  });
  const run = drive({ search, path, rounds: SHIPPED_ROUNDS, until });
  return run.announced.filter(({ change }) => change === 'drop').length;
}

/** A carrier-grade NAT of two nodes, one of which forgets early. */
export interface TwoNodes {
  /** Share of a month that the search showed "not compliant". */
  readonly shownNotCompliant: number;
  /** When a day's early deaths first exceeded the alert's ratio, or a drop was announced; seconds. */
  readonly noticedAfter: number | undefined;
}

export function twoNodes(
  search: SearchOptions,
  badShare: number,
  good: number,
  days: number,
  seed: number,
): TwoNodes {
  const path = new SimulatedPath(
    {
      regimes: [
        {
          from: 0,
          nodes: [
            { timeout: 3600, share: badShare },
            { timeout: good, share: 1 - badShare },
          ],
        },
      ],
    },
    randomFrom(seed),
  );
  const tests: { at: number; early: boolean }[] = [];
  let early = 0;
  let last = 0;
  let shown = 0;
  let wasShown = false;
  let noticedAfter: number | undefined;
  drive({
    search,
    path,
    rounds: SHIPPED_ROUNDS,
    until: days * DAY,
    observe: (state, at, actions, event) => {
      if (wasShown) shown += at - last;
      last = at;
      wasShown = state.compliant === false;
      if (event.kind === 'verdict')
        tests.push({ at, early: actions.some(({ kind }) => kind === 'early_death') });
      early += Number(event.kind === 'verdict' && tests.at(-1)?.early === true);
      while (tests[0] !== undefined && tests[0].at < at - DAY) early -= Number(tests.shift()?.early === true);
      const alerted = tests.length >= 20 && early / tests.length > EARLY_DEATH_RATIO;
      if (alerted || actions.some((action) => action.kind === 'announce')) noticedAfter ??= at;
      return false;
    },
  });
  return { shownNotCompliant: shown / (days * DAY), noticedAfter };
}

/** Packets a day in the steady state, by the model's count. */
export function packetsPerDay(search: SearchOptions, timeout: number, days: number, seed: number): number {
  const warmUp = 4 * Math.min(timeout, search.maxIdle);
  const path = steadyPath(timeout, randomFrom(seed));
  const before = drive({ search, path, rounds: SHIPPED_ROUNDS, until: warmUp });
  const all = drive({
    search,
    path: steadyPath(timeout, randomFrom(seed)),
    rounds: SHIPPED_ROUNDS,
    until: warmUp + days * DAY,
  });
  return ((all.opened - before.opened) / days) * PACKETS_PER_CONNECTION;
}

/** Minutes from a repair (40 s to never) until it is told, and until the refuted timeout is gone. */
export function repairTold(
  search: SearchOptions,
  seed: number,
): { readonly told: number; readonly gone: number } {
  const random = randomFrom(seed);
  const at = 20_000 + random() * 20_000;
  const path = new SimulatedPath({ regimes: [regime(0, 40), regime(at, Infinity)] }, random);
  let [told, gone] = [Infinity, Infinity];
  drive({
    search,
    path,
    rounds: SHIPPED_ROUNDS,
    until: at + DAY / 4,
    observe: (state, now, actions) => {
      if (now <= at) return false;
      if (actions.some(({ kind }) => kind === 'announce')) told = Math.min(told, (now - at) / 60);
      if (findingOf(state).timeout === undefined) gone = Math.min(gone, (now - at) / 60);
      return Number.isFinite(told) && Number.isFinite(gone);
    },
  });
  return { told, gone };
}

/** A pool of which a share forgets early, and the others after a day, for so many days. */
export interface Pool {
  /** Hours until the first 0; infinite when there was none. */
  readonly firstZero: number;
  /** Per cent of the time since then that was not shown as 0. */
  readonly notZero: number;
  readonly announced: number;
}

export function pool(
  search: SearchOptions,
  bad: { share: number; timeout: number },
  days: number,
  seed: number,
): Pool {
  const random = randomFrom(seed);
  const until = days * DAY;
  const nodes = [
    { timeout: bad.timeout, share: bad.share },
    { timeout: 86_400, share: 1 - bad.share },
  ];
  const outages = disturbances(random, until, 1, 120);
  const reboots = disturbances(random, until, 4 / 30, 60);
  const path = new SimulatedPath(
    { regimes: [{ from: 0, nodes }], eviction: 0.005, outages, reboots },
    random,
  );
  let [first, last, notZero, was] = [Infinity, 0, 0, true];
  const run = drive({
    search,
    path,
    rounds: SHIPPED_ROUNDS,
    until,
    observe: (state, at) => {
      if (!was) notZero += at - last;
      const isZero = state.compliant === false;
      if (isZero) first = Math.min(first, at);
      was = isZero || first === Infinity;
      last = at;
      return false;
    },
  });
  const left = Math.max(1, until - first);
  return { firstZero: first / 3600, notZero: (100 * notZero) / left, announced: run.announced.length };
}
