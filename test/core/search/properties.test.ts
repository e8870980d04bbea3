/** What holds for every search, whatever the network does. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../../../src/core/rfc5382.js';
import { connectionsOf, findingOf, reviveSearch, step } from '../../../src/core/search/index.js';
import type { SearchOptions } from '../../../src/core/search/index.js';
import { deathsForDrop } from '../../../src/core/search/suspicion.js';
import { runArbitrary } from '../../support/arbitrary-world.js';
import { randomFrom } from '../../support/prng.js';
import { steadyPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';

vi.setConfig({ testTimeout: 120_000 });

const anyOptions: fc.Arbitrary<SearchOptions> = fc.record({
  minIdle: fc.constantFrom(2, 5, 15),
  maxIdle: fc.constantFrom(60, 600, 7437, 7800),
  resolution: fc.constantFrom(0.5, 1, 10, 30),
  connections: fc.oneof(fc.integer({ min: 2, max: 30 }), fc.constantFrom(64, 130)),
  deadline: fc.constantFrom(1, 2, 8),
  guard: fc.constantFrom(0, 2, 5),
  timing: fc.constantFrom('late' as const, 'at_launch' as const),
});
/** Timeouts on a logarithmic scale from 1 s to about a day. */
const anyTimeout = fc.double({ min: 0, max: 11.4, noNaN: true }).map((exponent) => Math.exp(exponent));
const anySeed = fc.integer({ min: 1, max: 1_000_000 });
const anyTemper = fc.constantFrom(
  { alive: 0.5, dead: 0.4 },
  { alive: 0.9, dead: 0.08 },
  { alive: 0.1, dead: 0.85 },
  { alive: 0.05, dead: 0.05 },
);

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
            expect(lower).toBeLessThan(timeout + 1e-6);
            expect(upper).toBeGreaterThanOrEqual(timeout - 1e-6);
            if (compliant === true) expect(timeout).toBeGreaterThanOrEqual(7435);
            if (compliant === false) expect(timeout).toBeLessThan(REQ5_ESTABLISHED_IDLE_TIMEOUT);
            return false;
          },
        });
      }),
      { numRuns: 120, seed: 5382 },
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
      { numRuns: 150, seed: 5382 },
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
      { numRuns: 60, seed: 5382 },
    );
  });
});

describe('search in a lawless network', () => {
  const always = (check: Parameters<typeof runArbitrary>[4], numRuns = 60): void => {
    fc.assert(
      fc.property(anyOptions, anySeed, anyTemper, (options, seed, temper) => {
        runArbitrary(options, randomFrom(seed), 400, temper, check);
      }),
      { numRuns, seed: 5382 },
    );
  };

  test('never wants more connections than its budget', () => {
    always(({ state }) => {
      expect(connectionsOf(state).length).toBeLessThanOrEqual(state.options.connections);
    });
  });

  test('an inconclusive verdict, an interruption or a mapping loss moves no bound', () => {
    always(({ before, event, state }) => {
      const teachesNothing =
        event.kind === 'interrupted' ||
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
    always(({ before, at, event, state, actions }) => {
      const revived = reviveSearch(JSON.parse(JSON.stringify(before)), before.options);
      expect(revived).toEqual(before);
      if (revived !== undefined) expect(step(revived, at, event)).toEqual({ state, actions });
    }, 20);
  });

  test('step() leaves the given state as it was', () => {
    always(({ before, at, event }) => {
      const copy = JSON.stringify(before);
      step(before, at, event);
      expect(JSON.stringify(before)).toBe(copy);
    }, 20);
  });

  test('a timeout and the verdict on REQ-5 never contradict each other', () => {
    always(({ state }) => {
      const { timeout, compliant, lower, upper } = findingOf(state);
      if (timeout === undefined) return;
      if (compliant === true) expect(timeout).toBeGreaterThanOrEqual(REQ5_ESTABLISHED_IDLE_TIMEOUT);
      if (compliant === false) expect(timeout).toBeLessThan(REQ5_ESTABLISHED_IDLE_TIMEOUT);
      if (upper !== undefined) expect(lower ?? 0).toBeLessThan(upper);
    });
  });

  test('a connection is tested once at most, and only while it idles', () => {
    fc.assert(
      fc.property(anyOptions, anySeed, anyTemper, (options, seed, temper) => {
        const tested = new Set<number>();
        const opened = new Set<number>();
        runArbitrary(options, randomFrom(seed), 400, temper, ({ before, event, actions }) => {
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
        });
      }),
      { numRuns: 60, seed: 5382 },
    );
  });

  test('a drop is announced only after enough independent deaths', () => {
    fc.assert(
      fc.property(anyOptions, anySeed, anyTemper, (options, seed, temper) => {
        let deaths = new Set<number>();
        runArbitrary(options, randomFrom(seed), 600, temper, ({ event, actions }) => {
          if (event.kind === 'verdict' && event.verdict.kind === 'dead') deaths.add(event.id);
          if (!actions.some((action) => action.kind === 'announce' && action.change === 'drop')) return;
          expect(deaths.size).toBeGreaterThanOrEqual(deathsForDrop(options.connections));
          deaths = new Set();
        });
      }),
      { numRuns: 80, seed: 5382 },
    );
  });

  test('wakes are never in the past', () => {
    always(({ at, actions }) => {
      for (const action of actions) if (action.kind === 'wake') expect(action.at).toBeGreaterThanOrEqual(at);
    });
  });
});
