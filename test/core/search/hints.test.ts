/** Modes of one target share the order of their questions, never an answer. */
import { describe, expect, test } from 'vitest';
import type { Hint, SearchOptions } from '../../../src/core/search/contract.js';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { hintOf, NO_HINT, shiftedHint, unitedHint } from '../../../src/core/search/hints.js';
import { reviveSearch } from '../../../src/core/search/revive.js';
import type { SearchState } from '../../../src/core/search/state.js';
import { createSearch, step } from '../../../src/core/search/step.js';
import { randomFrom } from '../../support/prng.js';
import { steadyPath } from '../../support/simulated-nat.js';
import { drive, driveTogether } from '../../support/virtual-driver.js';
import { SHIPPED } from './drafts.js';

const TIMEOUTS = [130, 2345, 7200];
const TWELVE: SearchOptions = { ...SHIPPED, connections: 12 };

/** How long each mode took to a confirmed bracket around its own timeout, as a multiple of the shortest. */
function confirmed(timeouts: readonly number[], search: SearchOptions, strangers = false): number[] {
  const shortest = Math.min(...timeouts);
  const took = timeouts.map(() => Infinity);
  driveTogether(
    timeouts.map((timeout, rung) => ({
      search: strangers ? search : { ...search, share: { rungs: [rung], of: timeouts.length } },
      path: steadyPath(timeout, randomFrom(rung + 1)),
      rounds: 300,
      until: 5 * shortest + 20_000,
      observe: (state, at) => {
        const { lower = 0, upper = Infinity, timeout: found } = findingOf(state);
        if (lower > timeout || upper < timeout)
          expect.fail(`${lower} s to ${upper} s instead of ${timeout} s`);
        if (found !== undefined) took[rung] = Math.min(took[rung] ?? Infinity, at / shortest);
        return found !== undefined && timeout < Infinity;
      },
    })),
    strangers,
  );
  return took;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

describe('modes that see the same', () => {
  test('find it together with half of the connections as soon as each would alone with all', () => {
    const worst = (search: SearchOptions, strangers: boolean): number =>
      mean(TIMEOUTS.map((timeout) => Math.max(...confirmed([timeout, timeout, timeout], search, strangers))));
    const alone = worst(TWELVE, true);
    expect(worst(TWELVE, false)).toBeLessThan(0.85 * alone);
    expect(worst(TWELVE, false)).toBeLessThan(1.1 * worst(SHIPPED, true));
  });
});

describe('a mode that sees something else', () => {
  test('finds its own answer, hardly later: only recv dies behind a loose box', () => {
    const recv = (strangers: boolean): number =>
      mean(TIMEOUTS.map((timeout) => confirmed([Infinity, timeout, Infinity], SHIPPED, strangers)[1] ?? NaN));
    expect(recv(false)).toBeLessThan(1.1 * recv(true));
  });

  test('finds its own answer: somebody in between answers keepalives', () => {
    for (const timeout of [300, 3600]) {
      const [send = NaN, recv = NaN] = confirmed([timeout, timeout, Infinity], TWELVE);
      expect(Math.max(send, recv)).toBeLessThan(2);
    }
  });

  test('finds its own answer: recv forgets at half of what send does', () => {
    expect(Math.max(...confirmed([3600, 1800, 3600], TWELVE))).toBeLessThan(6);
  });
});

describe('a climb', () => {
  test('goes on when the sibling whose turn it was has stopped', () => {
    const stuck = { ...createSearch(SHIPPED), started: true, hint: { lower: 0, starts: [-100] } };
    let took = Infinity;
    drive({
      search: SHIPPED,
      from: stuck,
      path: steadyPath(600, randomFrom(1)),
      rounds: 300,
      until: 3000,
      observe: (state, at) => {
        if (findingOf(state).timeout !== undefined) took = Math.min(took, at);
        return took < Infinity;
      },
    });
    expect(took).toBeLessThan(1.5 * 600);
  });

  test('asks first just beyond what killed a sibling', () => {
    const asked: number[] = [];
    drive({
      search: SHIPPED,
      from: { ...createSearch(SHIPPED), started: true, hint: { lower: 290, upper: 300, starts: [] } },
      path: steadyPath(400, randomFrom(1)),
      until: 1000,
      observe: (_state, _at, _actions, event) => {
        if (event.kind === 'verdict') asked.push(event.idle);
        return asked.length > 0;
      },
    });
    expect(asked[0]).toBeCloseTo(300.3, 1);
  });
});

describe('a suspicion of a sibling', () => {
  const settled = drive({
    search: SHIPPED,
    path: steadyPath(3600, randomFrom(1)),
    rounds: 300,
    until: 30_000,
  }).state;
  const hint = { ...NO_HINT, lower: 3000, suspected: 1800 };

  test('has one connection as old tested', () => {
    const quiet = { ...settled, survivals: [], now: settled.now + 1 };
    const { actions } = step(quiet, quiet.now, { kind: 'hint', hint });
    expect(actions.filter(({ kind }) => kind === 'test')).toHaveLength(1);
  });

  test('has none tested where one as old survived a moment ago', () => {
    const survivals = [{ idle: 3500, since: settled.now - 3500, at: settled.now }];
    const { actions } = step({ ...settled, survivals }, settled.now + 1, { kind: 'hint', hint });
    expect(actions.filter(({ kind }) => kind === 'test')).toEqual([]);
  });
});

describe('hints', () => {
  test('tell what a search knows and climbs with', () => {
    expect(hintOf(createSearch(SHIPPED))).toEqual(NO_HINT);
    const { state } = step(createSearch(SHIPPED), 5, { kind: 'start' });
    const hint = hintOf(state);
    expect(hint).toMatchObject({ lower: 0 });
    expect(hint.starts).toHaveLength(state.launches.length);
    expect(shiftedHint(hint, 7).starts).toEqual(hint.starts.map((start) => start + 7));
  });

  test('tell of a suspicion in the steady state only: a search that climbs or refines asks elsewhere', () => {
    const raised = [3000, 1800].map((idle) => ({
      idle,
      since: 1,
      raisedAt: 1,
      score: 5,
      deaths: [],
      survived: 0,
    }));
    const suspected = (fields: Partial<SearchState>): number | undefined =>
      hintOf({ ...createSearch(SHIPPED), started: true, suspicions: raised, ...fields }).suspected;
    expect(suspected({ lower: 7800 })).toBe(1800);
    expect(suspected({ lower: 7800, suspicions: [] })).toBeUndefined();
    expect(suspected({ lower: 3600 })).toBeUndefined();
    expect(suspected({ lower: 3600, deaths: [{ idle: 7000, since: 1, at: 7001 }] })).toBeUndefined();
  });

  test('of several siblings name the shortest idle time that one of them suspects', () => {
    const of = (...suspected: readonly (number | undefined)[]): number | undefined =>
      unitedHint(
        suspected.map((idle) => ({ lower: 1, starts: [], ...(idle !== undefined && { suspected: idle }) })),
      ).suspected;
    expect([of(undefined, 900, 300), of(900, undefined), of(undefined), of()]).toEqual([
      300,
      900,
      undefined,
      undefined,
    ]);
  });

  test('of siblings that contradict one another name no upper bound', () => {
    const of = (lower: number, upper?: number): Hint => ({
      lower,
      starts: [-lower],
      ...(upper !== undefined && { upper }),
    });
    expect(unitedHint([of(290, 300), of(295, 310)])).toEqual({
      lower: 295,
      upper: 300,
      starts: [-295, -290],
    });
    expect(unitedHint([of(290, 300), of(7000)])).toEqual({ lower: 7000, starts: [-7000, -290] });
    expect(unitedHint([of(10)])).toEqual({ lower: 10, starts: [-10] });
  });

  test('survive a restart; a state from before there were any is taken over, a broken one is not', () => {
    const { state } = step(createSearch(SHIPPED), 5, { kind: 'start' });
    const saved = JSON.parse(JSON.stringify(state)) as Record<string, unknown>;
    const { hint: _hint, ...older } = saved;
    expect(reviveSearch(older, SHIPPED)).toEqual(state);
    expect(reviveSearch({ ...saved, hint: { lower: -1, starts: [] } }, SHIPPED)).toBeUndefined();
    expect(reviveSearch({ ...saved, hint: { lower: 1, starts: ['x'] } }, SHIPPED)).toBeUndefined();
  });
});
