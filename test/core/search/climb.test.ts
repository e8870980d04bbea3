/** Late-chosen tests while the bracket is open. */
import { describe, expect, test } from 'vitest';
import { resolutionOf, upperOf } from '../../../src/core/search/bracket.js';
import { searchLate } from '../../../src/core/search/climb.js';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { connectionsOf } from '../../../src/core/search/step.js';
import { randomFrom } from '../../support/prng.js';
import { SimulatedPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';
import { deathsAt, draftWith, SHIPPED } from './drafts.js';

describe('a test without an answer', () => {
  /** One test at 5000 s that began so many seconds ago, and a connection of 4500 s. */
  const waitingFor = (seconds: number, answerTime: number) => {
    const draft = draftWith({ lower: 4000, answerTime });
    const { now } = draft;
    draft.launchedAt = now;
    draft.connections = [
      { id: 1, role: 'ladder', state: 'testing', since: now - 5000, testAt: 5000, testedAt: now - seconds },
      { id: 2, role: 'ladder', state: 'idle', since: now - 4500 },
    ];
    searchLate(draft);
    return draft;
  };

  test.each([
    ['an eighth of the deadline where answers are quick', 0.1, 1],
    ['three times as long as the slowest answer', 2, 6],
    ['until the deadline', 4, 8],
    ['half as long again as the slowest answer where that is later', 6, 9],
  ])('is waited for %s', (_what, answerTime, patience) => {
    const waiting = waitingFor(patience - 0.01, answerTime);
    expect(waiting.actions.filter(({ kind }) => kind === 'test')).toEqual([]);
    expect(waiting.wakeAt).toBeCloseTo(waiting.now + 0.01);
    const presumed = waitingFor(patience, answerTime);
    expect(presumed.actions).toContainEqual({ kind: 'test', id: 2 });
    // It orders the questions and is no bound.
    expect([upperOf(presumed), presumed.deaths]).toEqual([Infinity, []]);
  });
});

describe('a closed bracket', () => {
  test.each([
    [1, 2],
    [2, 1],
    [3, 0],
  ])('with %i deaths looks for %i more, and no more than that', (deaths, asked) => {
    const draft = draftWith({ lower: 3595, compliant: false });
    draft.deaths = deathsAt(draft, ...[3600, 3601, 3602].slice(0, deaths));
    draft.launchedAt = draft.now;
    draft.connections = [3580, 3570, 3560, 3550].map((age, index) => ({
      id: index + 1,
      role: 'ladder',
      state: 'idle',
      since: draft.now - age,
    }));
    searchLate(draft);
    expect(draft.connections.filter(({ testAt }) => testAt !== undefined)).toHaveLength(asked);
  });
});

describe('a bisection', () => {
  /** Between 4000 and 5000 s, where no known value lies, with connections of these ages. */
  const bisecting = (...ages: readonly number[]) => {
    const draft = draftWith({ lower: 4000 });
    draft.deaths = deathsAt(draft, 5000);
    draft.launchedAt = draft.now;
    draft.connections = ages.map((age, index) => ({
      id: index + 1,
      role: 'ladder',
      state: 'idle',
      since: draft.now - age,
    }));
    searchLate(draft);
    return {
      tested: draft.actions.flatMap((action) => (action.kind === 'test' ? [action.id] : [])),
      appointed: draft.connections.flatMap(({ id, state, testAt }) =>
        state === 'idle' && testAt !== undefined ? [{ id, testAt }] : [],
      ),
    };
  };

  test('asks the connection whose age is nearest to the middle, and does not wait', () => {
    expect(bisecting(4560, 4450, 4430)).toEqual({ tested: [2], appointed: [] });
    expect(bisecting(4549, 4450)).toEqual({ tested: [1], appointed: [] });
  });

  test('waits for the middle where every age is near one of the bounds', () => {
    expect(bisecting(4700.5, 4299.5)).toEqual({ tested: [], appointed: [{ id: 2, testAt: 4500 }] });
    expect(bisecting(4300)).toEqual({ tested: [1], appointed: [] });
    expect(bisecting(4700)).toEqual({ tested: [1], appointed: [] });
  });

  test('gives up what is too old to be asked, so that younger connections take its place', () => {
    let looked = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const regimes = [
        { from: 0, nodes: [{ timeout: 7440, share: 1 }] },
        { from: 35_000 + 1500 * seed, nodes: [{ timeout: 3600, share: 1 }] },
      ];
      drive({
        search: SHIPPED,
        path: new SimulatedPath({ regimes, applies: 'refreshed' }, randomFrom(seed)),
        rounds: 300,
        until: 80_000,
        observe: (state, now) => {
          if (findingOf(state).phase !== 'refine' || state.compliant === null) return false;
          looked += 1;
          const oldest = upperOf(state) + 2 * resolutionOf(state);
          for (const { state: doing, since = now } of connectionsOf(state))
            if (doing === 'idle') expect(now - since).toBeLessThanOrEqual(oldest);
          return false;
        },
      });
    }
    expect(looked).toBeGreaterThan(50);
  });
});
