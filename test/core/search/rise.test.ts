/** Survivals beyond the upper bound: how soon a rise is told, and what is left of the refuted finding. */
import { describe, expect, test } from 'vitest';
import { learnDeath, learnSurvival } from '../../../src/core/search/evidence.js';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { step } from '../../../src/core/search/step.js';
import type { SearchOptions } from '../../../src/core/search/contract.js';
import type { Draft } from '../../../src/core/search/state.js';
import { randomFrom } from '../../support/prng.js';
import { SimulatedPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';
import { SHIPPED, deathsAt, draftWith, testedAfter } from './drafts.js';

/** A finding of 40 s, not compliant. */
function refutable(fields: Partial<Draft> = {}): Draft {
  const draft = draftWith({
    lower: 39,
    compliant: false,
    confirmedAt: 99_000,
    published: { lower: 39, upper: 41, timeout: 40, deaths: 3 },
    ...fields,
  });
  draft.deaths = deathsAt(draft, 41, 42, 43);
  return draft;
}

const survive = (draft: Draft, idle: number, times: number): void => {
  for (let each = 0; each < times; each++) learnSurvival(draft, testedAfter(draft, idle), idle);
};

describe('a survival beyond the upper bound', () => {
  test('is a suspicion at once, and a death there ends it', () => {
    const draft = refutable();
    survive(draft, 60, 1);
    expect(findingOf(draft)).toMatchObject({ suspect: true, timeout: 40, compliant: false });
    learnDeath(draft, testedAfter(draft, 42), 42);
    expect(findingOf(draft)).toMatchObject({ suspect: false, timeout: 40, compliant: false });
  });

  test('that too few deaths stand below raises the lower bound, and takes no other death back', () => {
    const draft = { ...refutable(), published: null };
    draft.deaths = deathsAt(draft, 41, 60, 61);
    survive(draft, 50, 1);
    expect(draft.lower).toBe(50);
    expect(draft.deaths.map(({ idle }) => idle)).toEqual([60, 61]);
    expect(draft.risen).toBe(0);
    // Those above it stand as they are: nothing of them has been counted for a minority.
    expect(draft.census.tally.filter(({ dead }) => dead > 0).map(({ idle }) => idle)).toEqual([41]);
  });

  for (const timing of ['late', 'at_launch'] as const)
    test(`opens what is missing of four witnesses at once, and no more (${timing})`, () => {
      const options: SearchOptions = { ...SHIPPED, timing };
      const settled = { ...refutable(), options };
      const asked = { id: 1, role: 'upper', state: 'testing', since: settled.now - 60, testAt: 60 } as const;
      const { state, actions } = step({ ...settled, connections: [asked] }, settled.now, {
        kind: 'verdict',
        id: 1,
        verdict: { kind: 'alive' },
        idle: 60,
      });
      expect(actions.filter(({ kind }) => kind === 'open')).toHaveLength(3);
      const more = step(state, state.now + 1, { kind: 'tick' }).actions;
      expect(more.filter(({ kind }) => kind === 'open')).toHaveLength(0);
    });
});

describe('a declared rise', () => {
  test('withdraws the refuted finding in the same moment', () => {
    const draft = refutable();
    survive(draft, 60, 4);
    expect(draft.actions).toContainEqual({ kind: 'announce', change: 'rise' });
    const finding = findingOf(draft);
    expect(finding).toMatchObject({ phase: 'climb', lower: 60, suspect: false, deaths: 0 });
    for (const gone of ['upper', 'timeout', 'compliant']) expect(finding).not.toHaveProperty(gone);
  });

  test('leaves the 0 of a path that dropped within a day, without a timeout', () => {
    const draft = refutable({ drops: [20_000] });
    survive(draft, 60, 7);
    expect(findingOf(draft).timeout).toBe(40);
    survive(draft, 60, 1);
    expect(findingOf(draft)).toMatchObject({ lower: 60, compliant: false });
    expect(findingOf(draft)).not.toHaveProperty('timeout');
  });

  test('takes the 0 away where the drop is older than a day', () => {
    const draft = refutable({ drops: [draftWith().now - 86_401] });
    survive(draft, 60, 4);
    expect(findingOf(draft)).not.toHaveProperty('compliant');
  });

  test('leaves the 0 that three newer deaths prove', () => {
    const draft = refutable();
    survive(draft, 60, 1);
    draft.now += 600;
    for (const idle of [300, 301, 302]) learnDeath(draft, testedAfter(draft, idle), idle);
    survive(draft, 60, 3);
    expect(findingOf(draft)).toMatchObject({ lower: 60, upper: 300, compliant: false });
  });

  test('keeps one connection for the question about the requirement: the oldest if most of the budget idles', () => {
    const draft = refutable();
    const since = draft.now - 30;
    draft.connections = Array.from({ length: 13 }, (_, id) => ({
      id: id + 2,
      role: 'lower',
      state: 'idle',
      since: since + id,
    }));
    survive(draft, 60, 4);
    expect(draft.connections.filter(({ role }) => role === 'anchor')).toMatchObject([{ id: 2 }]);
    const sparse = refutable();
    survive(sparse, 60, 4);
    expect(sparse.connections).toMatchObject([{ role: 'anchor', state: 'opening' }]);
  });
});

describe('a repaired box', () => {
  /** Minutes from the repair: of 40 s to never, with a drop back to 40 s after an hour. */
  function repaired(connections: number, seed: number) {
    const from = 20_000 + 997 * seed;
    const regimes = [
      { from: 0, nodes: [{ timeout: 40, share: 1 }] },
      { from, nodes: [{ timeout: Number.POSITIVE_INFINITY, share: 1 }] },
      { from: from + 3600, nodes: [{ timeout: 40, share: 1 }] },
    ];
    let suspect = Number.NaN;
    let gone = Number.NaN;
    const run = drive({
      search: { ...SHIPPED, connections },
      path: new SimulatedPath({ regimes, applies: 'existing' }, randomFrom(seed)),
      rounds: 300,
      until: from + 20_000,
      observe: (state, at) => {
        const finding = findingOf(state);
        if (at > from && finding.suspect && Number.isNaN(suspect)) suspect = (at - from) / 60;
        if (at > from && finding.timeout === undefined && Number.isNaN(gone)) gone = (at - from) / 60;
        return false;
      },
    });
    const told = run.announced.map(({ at, change }) => ({ change, after: (at - from) / 60 }));
    return { suspect, gone, told, finding: findingOf(run.state) };
  }

  test.each([24, 8])(
    'is told within two rounds with %i connections, and a relapse is told, too',
    (budget) => {
      for (let seed = 1; seed <= 5; seed++) {
        const { suspect, gone, told, finding } = repaired(budget, seed);
        expect(told.map(({ change }) => change)).toEqual(['rise', 'drop']);
        expect(told[0]?.after).toBeLessThan(10);
        expect(gone).toBe(told[0]?.after);
        expect(suspect).toBeLessThan(gone);
        expect(finding.compliant).toBe(false);
      }
    },
  );
});
