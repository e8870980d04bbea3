/** What holds for every search, whatever the network does. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { reviveSearch } from '../../../src/core/search/revive.js';
import { connectionsOf, step } from '../../../src/core/search/step.js';
import type { SearchOptions } from '../../../src/core/search/contract.js';
import { type Observed, runArbitrary, type Temper } from '../../support/arbitrary-world.js';
import { randomFrom } from '../../support/prng.js';
import { propertySeed } from '../../support/seed.js';
import { steadyPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';

vi.setConfig({ testTimeout: 120_000 });

const SEED = propertySeed();

const anyOptions: fc.Arbitrary<SearchOptions> = fc.record({
  minIdle: fc.constantFrom(2, 5, 15),
  maxIdle: fc.constantFrom(60, 600, 7437, 7800),
  resolution: fc.constantFrom(0.5, 1, 10, 30),
  connections: fc.oneof(fc.integer({ min: 2, max: 30 }), fc.constantFrom(64, 130)),
  deadline: fc.constantFrom(1, 2, 8),
  guard: fc.constantFrom(0, 2, 5),
  required: fc.constantFrom(7440, 240),
  timing: fc.constantFrom('late' as const, 'at_launch' as const),
});
/** Timeouts on a logarithmic scale from 1 s to about a day. */
const anyTimeout = fc.double({ min: 0, max: 11.4, noNaN: true }).map((exponent) => Math.exp(exponent));
const anySeed = fc.integer({ min: 1, max: 1_000_000 });

/** A world in which a search runs for so many steps. */
interface World {
  readonly options: SearchOptions;
  readonly seed: number;
  readonly temper: Temper;
  readonly steps: number;
}

/** Verdicts are drawn: everything can happen, but hardly a finding comes about. */
const lawless: fc.Arbitrary<World> = fc.record({
  options: anyOptions,
  seed: anySeed,
  temper: fc.constantFrom(
    { alive: 0.5, dead: 0.4 },
    { alive: 0.9, dead: 0.08 },
    { alive: 0.1, dead: 0.85 },
    { alive: 0.05, dead: 0.05 },
  ),
  steps: fc.constant(400),
});

/** Most verdicts are true to a NAT that changes its mind: findings come about, and the verdict on REQ-5 turns. */
const changing: fc.Arbitrary<World> = fc.record({
  options: fc.record({
    minIdle: fc.constantFrom(5, 15),
    maxIdle: fc.constantFrom(7437, 7800),
    resolution: fc.constantFrom(10, 30),
    connections: fc.oneof(fc.integer({ min: 3, max: 8 }), fc.integer({ min: 12, max: 24 })),
    deadline: fc.constantFrom(2, 8),
    guard: fc.constantFrom(2, 5),
    required: fc.constantFrom(7440, 240),
    timing: fc.constantFrom('late' as const, 'at_launch' as const),
  }),
  seed: anySeed,
  temper: fc.record({
    alive: fc.constant(0.5),
    dead: fc.constant(0.4),
    nat: fc.record({
      timeouts: fc.constantFrom(
        [86_400, 300],
        [86_400, 7200],
        [86_400, 20],
        [7440, 3600],
        [300, 30, 86_400],
        [40, 20],
      ),
      steps: fc.constantFrom(300, 600),
      honesty: fc.constantFrom(1, 0.99, 0.97),
    }),
  }),
  steps: fc.constant(1500),
});

describe('search in an honest network', () => {
  test('the bracket contains the timeout for every timeout and budget', () => {
    fc.assert(
      fc.property(anyOptions, anyTimeout, anySeed, (search, timeout, seed) => {
        drive({
          search,
          path: steadyPath(timeout, randomFrom(seed)),
          rounds: 300,
          until: 6 * Math.min(timeout, search.maxIdle) + 600,
          inexactness: { alive: seed % 2 === 0 ? 0.2 : 0, dead: seed % 3 === 0 ? 0.05 : 0 },
          observe: (state) => {
            const { lower = 0, upper = Number.POSITIVE_INFINITY, compliant } = findingOf(state);
            if (lower >= timeout + 1e-6) expect.fail(`${lower} s survive`);
            if (upper < timeout - 1e-6) expect.fail(`${upper} s do not survive`);
            if (compliant === true) expect(timeout).toBeGreaterThanOrEqual(search.required - search.guard);
            if (compliant === false) expect(timeout).toBeLessThan(search.required);
            return false;
          },
        });
      }),
      { numRuns: 120, seed: SEED },
    );
  });

  test('a search always gets to the steady state', () => {
    fc.assert(
      fc.property(anyOptions, anyTimeout, anySeed, (search, timeout, seed) => {
        const run = drive({
          search,
          path: steadyPath(timeout, randomFrom(seed)),
          rounds: 300,
          until: 60 * Math.min(timeout, search.maxIdle) + 6000,
          inexactness: { alive: 0.2, dead: 0.05 },
          observe: (state) => findingOf(state).phase === 'track',
        });
        expect(findingOf(run.state).phase).toBe('track');
      }),
      { numRuns: 150, seed: SEED },
    );
  });

  test('no drop or rise is announced and no connection dies early', () => {
    fc.assert(
      fc.property(anyOptions, anyTimeout, anySeed, (search, timeout, seed) => {
        const run = drive({
          search,
          path: steadyPath(timeout, randomFrom(seed)),
          rounds: 60,
          until: 12 * Math.min(timeout, search.maxIdle) + 3000,
        });
        expect(run.announced).toEqual([]);
        expect(run.earlyDeaths).toBe(0);
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

describe('search in any network', () => {
  /** Looks at every step of so many worlds of each kind; `look` makes the check of one world. */
  const inWorlds = (
    look: (world: World) => (observed: Observed) => void,
    runs: readonly [number, number] = [40, 12],
  ): void => {
    for (const [kind, worlds] of [lawless, changing].entries())
      fc.assert(
        fc.property(worlds, (world) => {
          const { options, seed, temper, steps } = world;
          runArbitrary(options, randomFrom(seed), steps, temper, look(world));
        }),
        { numRuns: runs[kind] ?? 0, seed: SEED },
      );
  };
  const always = (check: (observed: Observed) => void, runs?: readonly [number, number]): void =>
    inWorlds(() => check, runs);

  test('never wants more connections than its budget', () => {
    always(({ state }) => {
      const open = state.connections.length;
      if (open > state.options.connections) expect.fail(`${open} connections`);
    });
  });

  test('an inconclusive verdict, an interruption, a mapping loss or a hint moves no bound', () => {
    always(({ before, event, state }) => {
      const teachesNothing =
        event.kind === 'interrupted' ||
        event.kind === 'hint' ||
        (event.kind === 'sibling_tested' && before.census.mixed === null) ||
        event.kind === 'mapping_loss' ||
        (event.kind === 'verdict' && event.verdict.kind === 'inconclusive');
      if (!teachesNothing) return;
      const { lower, upper, timeout, compliant } = findingOf(before);
      expect(findingOf(state)).toEqual(
        expect.objectContaining({
          ...(lower === undefined ? {} : { lower }),
          ...(upper === undefined ? {} : { upper }),
          ...(timeout === undefined ? {} : { timeout }),
          ...(compliant === undefined ? {} : { compliant }),
        }),
      );
      expect([state.lower, state.deaths, state.published]).toEqual([
        before.lower,
        before.deaths,
        before.published,
      ]);
    });
  });

  test('the state survives a round trip through JSON at any moment', () => {
    always(
      ({ before, at, event, state, actions }) => {
        const revived = reviveSearch(JSON.parse(JSON.stringify(before)), before.options);
        if (!isDeepStrictEqual(revived, before)) expect(revived).toEqual(before);
        const again = revived && step(revived, at, event);
        if (!isDeepStrictEqual(again, { state, actions })) expect(again).toEqual({ state, actions });
      },
      [15, 5],
    );
  });

  test('step() leaves the given state as it was', () => {
    always(
      ({ before, at, event }) => {
        const copy = JSON.stringify(before);
        step(before, at, event);
        if (JSON.stringify(before) !== copy) expect(before).toEqual(JSON.parse(copy));
      },
      [15, 5],
    );
  });

  test('a timeout and the verdict on REQ-5 never contradict each other', () => {
    const seen = { steps: 0, timeoutAndVerdict: 0, turns: 0, rise: 0, drop: 0 };
    always(
      ({ before, state, actions }) => {
        const { timeout, compliant, lower, upper } = findingOf(state);
        seen.steps += 1;
        if (before.compliant !== null && compliant !== before.compliant) seen.turns += 1;
        for (const action of actions) if (action.kind === 'announce') seen[action.change] += 1;
        if (timeout === undefined) return;
        if (compliant !== undefined) seen.timeoutAndVerdict += 1;
        if (compliant === true && timeout < state.options.required) expect.fail(`${timeout} s, yes`);
        if (compliant === false && timeout >= state.options.required) expect.fail(`${timeout} s, no`);
        if (upper !== undefined && (lower ?? 0) >= upper) expect.fail(`${lower ?? 0} s to ${upper} s`);
      },
      [40, 50],
    );
    // Worlds in which none of this happens would prove nothing.
    expect(seen.timeoutAndVerdict / seen.steps).toBeGreaterThanOrEqual(0.05);
    expect(Math.min(seen.turns, seen.rise, seen.drop), JSON.stringify(seen)).toBeGreaterThanOrEqual(24);
  });

  test('a connection is tested once at most, and only while it idles', () => {
    inWorlds(() => {
      const tested = new Set<number>();
      const opened = new Set<number>();
      return ({ before, event, actions }) => {
        for (const action of actions) {
          if (action.kind === 'open') {
            expect(opened.has(action.id)).toBe(false);
            opened.add(action.id);
          }
          if (action.kind !== 'test' && action.kind !== 'discard') continue;
          expect(tested.has(action.id)).toBe(false);
          if (action.kind === 'test') tested.add(action.id);
          const known = connectionsOf(before).find(({ id }) => id === action.id);
          const justOpened = event.kind === 'opened' && event.id === action.id;
          if (action.kind === 'test') expect(known?.state === 'idle' || justOpened).toBe(true);
        }
      };
    });
  });

  test('a drop of all connections is announced only after enough independent deaths', () => {
    let announced = 0;
    inWorlds(
      ({ options }) => {
        let deaths = new Set<number>();
        return ({ before, state, event, actions }) => {
          if (event.kind === 'verdict' && event.verdict.kind === 'dead') deaths.add(event.id);
          if (!actions.some((action) => action.kind === 'announce' && action.change === 'drop')) return;
          // A minority is told by the census of all modes, whose deaths may be older and the siblings'.
          const isMinority =
            findingOf(before).mixture === undefined && findingOf(state).mixture !== undefined;
          if (!isMinority) expect(deaths.size).toBeGreaterThanOrEqual(options.connections >= 12 ? 4 : 3);
          deaths = new Set();
          announced += 1;
        };
      },
      [40, 20],
    );
    expect(announced).toBeGreaterThanOrEqual(5);
  });

  test('wakes are never in the past', () => {
    always(({ at, actions }) => {
      for (const action of actions)
        if (action.kind === 'wake' && action.at < at) expect.fail(`${action.at} s at ${at} s`);
    });
  });
});
