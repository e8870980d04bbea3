/** "Measure again now", as the search understands it. */
import { describe, expect, test } from 'vitest';
import type { SearchAction, SearchOptions } from '../../../src/core/search/contract.js';
import { findingOf } from '../../../src/core/search/finding-of.js';
import type { SearchState } from '../../../src/core/search/state.js';
import { connectionsOf, step } from '../../../src/core/search/step.js';
import { randomFrom } from '../../support/prng.js';
import { type PathOptions, SimulatedPath, steadyPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';

const shipped: SearchOptions = {
  minIdle: 15,
  maxIdle: 7800,
  resolution: 10,
  connections: 24,
  deadline: 8,
  guard: 5,
  required: 7440,
  timing: 'late',
};

/** A search that has found this timeout and watches it. */
function settled(timeout: number, options = shipped): SearchState {
  return drive({
    search: options,
    path: steadyPath(timeout, randomFrom(7)),
    rounds: 300,
    until: 4 * timeout + 1000,
  }).state;
}

function kinds(actions: readonly SearchAction[], kind: SearchAction['kind']): number {
  return actions.filter((action) => action.kind === kind).length;
}

describe('asking anew', () => {
  test('tests what has waited long enough and opens what there is room for', () => {
    const state = settled(3600);
    const { state: after, actions } = step(state, state.now + 1, { kind: 'ask_anew' });
    expect(kinds(actions, 'test')).toBeGreaterThan(0);
    expect(kinds(actions, 'open')).toBe(Math.min(8, 24 - connectionsOf(state).length));
    expect(connectionsOf(after).length).toBeLessThanOrEqual(24);
    // Nothing is refuted by a wish.
    expect(findingOf(after)).toEqual(findingOf(state));
  });

  test('never tests the connections that wait for the two bounds before their time', () => {
    const state = settled(3600);
    const { actions } = step(state, state.now + 1, { kind: 'ask_anew' });
    const tested = actions.flatMap((action) => (action.kind === 'test' ? [action.id] : []));
    const roles = tested.map((id) => state.connections.find((each) => each.id === id)?.role);
    expect(roles.length).toBeGreaterThan(0);
    for (const role of roles) expect(['half', 'between']).toContain(role);
  });

  test('changes nothing while the finding is being searched for', () => {
    const { state } = drive({
      search: shipped,
      path: steadyPath(3600, randomFrom(7)),
      rounds: 300,
      until: 900,
    });
    expect(findingOf(state).phase).toBe('climb');
    expect(step(state, state.now, { kind: 'ask_anew' })).toEqual(step(state, state.now, { kind: 'tick' }));
  });

  /** Seconds from a change of the box's timeout to its announcement, with somebody who asks a second after it or without. */
  function announcedAfter(
    { applies, timeouts }: Required<Pick<PathOptions, 'applies'>> & { timeouts: readonly number[] },
    change: number,
    asks: boolean,
  ): number {
    const [before, after] = timeouts.map((timeout) => [{ timeout, share: 1 }]);
    const regimes = [
      { from: 0, nodes: before ?? [] },
      { from: change, nodes: after ?? [] },
    ];
    const run = drive({
      search: shipped,
      path: new SimulatedPath({ regimes, applies }, randomFrom(1)),
      rounds: 300,
      until: change + 6000,
      asks: asks ? [change + 1] : [],
    });
    expect(run.announced).toHaveLength(1);
    return (run.announced[0]?.at ?? Number.NaN) - change;
  }

  test.for([
    ['a drop', 3600, 300, 'existing'],
    ['a drop', 3600, 300, 'refreshed'],
    ['a rise', 600, 86_400, 'refreshed'],
    ['a rise', 3600, 86_400, 'refreshed'],
  ] as const)(
    '%s from %i to %i s that rules %s entries is announced sooner',
    ([, before, after, applies]) => {
      const changes = Array.from({ length: 4 }, (_, index) => 15_000 + 437 * index);
      const mean = (asks: boolean): number =>
        changes.reduce(
          (sum, change) => sum + announcedAfter({ applies, timeouts: [before, after] }, change, asks),
          0,
        ) / changes.length;
      expect(mean(true)).toBeLessThan(0.9 * mean(false));
    },
  );

  test('whoever asks every minute gets the same finding, confirmed, and no alarm', () => {
    const asks = Array.from({ length: 300 }, (_, minute) => 10_000 + 60 * minute);
    for (const timeout of [600, 3600, 86_400]) {
      const path = steadyPath(timeout, randomFrom(11));
      const run = drive({ search: shipped, path, rounds: 300, until: 28_000, asks });
      const finding = findingOf(run.state);
      expect(run.announced).toEqual([]);
      expect(finding.timeout).toBeDefined();
      expect(Math.abs((finding.timeout ?? 0) - Math.min(timeout, 7800))).toBeLessThan(10);
      expect(run.at - (finding.confirmedAt ?? 0)).toBeLessThan(Math.min(timeout, 7800));
      expect(run.mostOpen).toBeLessThanOrEqual(24);
    }
  });
});
