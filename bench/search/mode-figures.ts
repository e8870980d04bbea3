/** The figures of the modes of one target together: what they must reach, with any number of connections. */
import { randomFrom } from '../../test/support/prng.js';
import type { Figure } from './figures.js';
import { logGrid, quantile } from './model.js';
import {
  changeTogether,
  poolTogether,
  quietMonths,
  releasedAfter,
  startTogether,
  type Talk,
  type Together,
} from './modes.js';

/** How much is simulated. */
export interface ModeSize {
  readonly timeouts: number;
  /** Paths for each timeout and share of a pool, and their days. */
  readonly pools: number;
  readonly days: number;
  readonly months: number;
  /** Timeouts under which nothing but chance takes connections, each for so many months, seconds. */
  readonly quiet: readonly number[];
  readonly changes: number;
}

export const MODES_FULL: ModeSize = {
  timeouts: 100,
  pools: 2,
  days: 14,
  months: 6,
  quiet: [3600, 7440, 86_400],
  changes: 20,
};
/** Less than half of that, for a machine that has other things to do. */
export const MODES_SHORT: ModeSize = {
  timeouts: 40,
  pools: 1,
  days: 14,
  months: 2,
  quiet: [3600, 7440, 86_400],
  changes: 8,
};
/** The subset that the tests run. */
export const MODES_SUBSET: ModeSize = {
  timeouts: 16,
  pools: 1,
  days: 6,
  months: 1,
  quiet: [7440],
  changes: 4,
};

/** A figure of a target whose modes have so many connections each. */
export type ModeFigure = Omit<Figure, 'measure'> & {
  readonly measure: (size: ModeSize) => readonly number[];
  /**
   * Whether the benchmark alone measures it: it takes too long for every check, and with a share of 5 % the six days of
   * the subset miss what is asked for.
   */
  readonly dear?: boolean;
};

const median = (values: readonly number[]): number => quantile(values, 0.5);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;
const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed + 1);

function starts(connections: number, talk: Talk, of: 'all' | 'recv', size: ModeSize): Together[] {
  return logGrid(120, 7430, size.timeouts, randomFrom(1)).map((timeout, seed) =>
    startTogether(connections, talk, timeout, of, seed),
  );
}

function startFigures(connections: number, size: ModeSize): number[] {
  const runs = starts(connections, 'together', 'all', size);
  return (['within60', 'confirmed'] as const).flatMap((figure) => {
    const values = runs.map((run) => run[figure]);
    return [median(values), quantile(values, 0.95)];
  });
}

function looseRatios(connections: number, size: ModeSize): number[] {
  const [alone, together] = (['alone', 'together'] as const).map((talk) =>
    starts(connections, talk, 'recv', size),
  );
  return (['within60', 'confirmed'] as const).map(
    (figure) =>
      median((together ?? []).map((run) => run[figure])) / median((alone ?? []).map((run) => run[figure])),
  );
}

function poolFigures(connections: number, share: number, size: ModeSize): number[] {
  const runs = [300, 900, 3600].flatMap((timeout) =>
    seeds(size.pools).map((seed) => poolTogether(connections, { share, timeout }, size.days, seed)),
  );
  const changes = runs.flatMap((run) => run.changes);
  return [
    median(runs.flatMap(({ firstZero }) => firstZero)),
    mean(runs.map(({ notZero }) => notZero)),
    mean(changes),
    Math.max(...changes),
    mean(runs.map(({ shareHeld }) => shareHeld)),
    mean(runs.map(({ bracketHeld }) => bracketHeld)),
  ];
}

function medianChange(
  connections: number,
  change: { from: number; to: number },
  figure: 'told' | 'known',
  size: ModeSize,
): number[] {
  return (['existing', 'refreshed'] as const).map((applies) =>
    median(
      seeds(size.changes).map((seed) => changeTogether(connections, { ...change, applies }, seed)[figure]),
    ),
  );
}

/** The first four parts of a pool's figures are limits, the last two are shares of the time. */
function pool(connections: number, share: number, hours: number, aim: number): readonly ModeFigure[] {
  const known = new Map<ModeSize, number[]>();
  const measured = (size: ModeSize): number[] => {
    const figures = known.get(size) ?? poolFigures(connections, share, size);
    known.set(size, figures);
    return figures;
  };
  return [
    {
      name: `pool, ${100 * share} % forget early: hours until 0, median · % not 0 after it · announced changes, mean · worst`,
      measure: (size) => measured(size).slice(0, 4),
      atLeast: [hours, 3, 2, 5],
      aim: [aim, 1, 1.2, 2],
      digits: 1,
      dear: share !== 0.1,
    },
    {
      name: `the same: % of the time told that the share’s bounds hold it · that the bracket holds the minority’s timeout`,
      measure: (size) => measured(size).slice(4),
      dear: share !== 0.1,
      atLeast: [90, 90],
      aim: [95, 98],
      more: true,
      digits: 0,
    },
  ];
}

/** Every figure of three modes with so many connections each. */
export function modeFigures(connections: number): readonly ModeFigure[] {
  return [
    {
      name: 'all modes to ±60 s, time / T, median · p95; to a bracket ≤ 10 s with 3 deaths, median · p95',
      measure: (size) => startFigures(connections, size),
      atLeast: [1.18, 1.28, 1.4, 1.65],
      aim: [1.13, 1.21, 1.3, 1.5],
      digits: 2,
    },
    {
      name: 'loose box (`recv` alone dies): told one another / not, time / time, ±60 s · confirmed',
      measure: (size) => looseRatios(connections, size),
      atLeast: [1.05, 1.1],
      aim: [1, 1],
      digits: 2,
    },
    {
      name: 'drop 7440 → 3600 told by the first mode, minutes, existing mappings · new ones only',
      measure: (size) => medianChange(connections, { from: 7440, to: 3600 }, 'told', size),
      atLeast: [9, 100],
      aim: [5, 75],
      digits: 0,
    },
    {
      name: 'rise 3600 → 7440: the new timeout known in the first mode, minutes, existing mappings · new ones only',
      measure: (size) => medianChange(connections, { from: 3600, to: 7440 }, 'known', size),
      atLeast: [110, 170],
      aim: [90, 150],
      digits: 0,
    },
    ...pool(connections, 0.05, 120, 72),
    ...pool(connections, 0.1, 24, 12),
    ...pool(connections, 0.3, 6, 3),
    ...pool(connections, 0.5, 4, 2),
    {
      name: 'pool of 20 % repaired: hours until all modes call it compliant, median',
      measure: (size) => [median(seeds(2 * size.pools).map((seed) => releasedAfter(connections, 0.2, seed)))],
      atLeast: [48],
      aim: [24],
      digits: 0,
    },
    {
      name: '2 % evictions, 3 outages and 0.7 reboots a day: minorities seen · drops told',
      measure: ({ months, quiet }) => {
        const runs = quiet.map((timeout) => quietMonths(connections, timeout, months, timeout));
        return [
          runs.reduce((sum, { entries }) => sum + entries, 0),
          runs.reduce((sum, { drops }) => sum + drops, 0),
        ];
      },
      atLeast: [1, 1],
      aim: [0, 0],
      digits: 0,
    },
  ];
}

/** Few connections: pools of a fifth and more. */
export const FEW_FIGURES: readonly ModeFigure[] = [0.2, 0.3].map((share) => ({
  name: `3 × 8 connections, pool of ${100 * share} %: % not 0 after the first 0 · announced changes, mean`,
  measure: (size) => poolFigures(8, share, size).slice(1, 3),
  atLeast: [5, 5],
  aim: [2, 2],
  digits: 1,
}));
