/** What the steady state asks about, and whom. */
import { describe, expect, test } from 'vitest';
import { NO_HINT } from '../../../src/core/search/hints.js';
import type { Connection, Draft, Suspicion } from '../../../src/core/search/state.js';
import { launchRound, watch } from '../../../src/core/search/track.js';
import { deathsAt, draftWith } from './drafts.js';

/** Timeout of 3600 s, found and published. */
function watching(ages: readonly number[], fields: Partial<Draft> = {}): Draft {
  const draft = draftWith({ lower: 3595 });
  draft.deaths = deathsAt(draft, 3605, 3606, 3607);
  draft.connections = ages.map(
    (age, index): Connection => ({ id: index + 1, role: 'upper', state: 'idle', since: draft.now - age }),
  );
  return { ...draft, ...fields };
}

const tested = ({ actions }: Draft): number[] =>
  actions.flatMap((action) => (action.kind === 'test' ? [action.id] : []));
const discarded = ({ actions }: Draft): number[] =>
  actions.flatMap((action) => (action.kind === 'discard' ? [action.id] : []));
const woken = ({ wakeAt }: Draft): number => wakeAt;

describe('what a sibling suspects', () => {
  const hinted = (ages: readonly number[], fields: Partial<Draft> = {}): Draft => {
    const draft = watching(ages, { hint: { ...NO_HINT, suspected: 1800 }, ...fields });
    watch(draft);
    return draft;
  };

  test('is asked of the youngest connection that is as old', () => {
    expect(tested(hinted([1900, 1850, 1700]))).toEqual([2]);
  });

  test('is not asked of younger ones, nor while something is being tested', () => {
    expect(tested(hinted([1700]))).toEqual([]);
    const draft = watching([1900, 1850], { hint: { ...NO_HINT, suspected: 1800 } });
    draft.connections = draft.connections.map((connection) =>
      connection.id === 2
        ? { ...connection, state: 'testing', testAt: 1850, testedAt: draft.now }
        : connection,
    );
    watch(draft);
    expect(tested(draft)).toEqual([]);
  });

  test('was answered by a survival of as long less than ten minutes ago', () => {
    const survived = (idle: number, ago: number) => {
      const { now } = draftWith();
      return tested(hinted([1900], { survivals: [{ idle, since: now - ago - idle, at: now - ago }] }));
    };
    expect(survived(1799, 599)).toEqual([]);
    expect(survived(1799, 600)).toEqual([1]);
    expect(survived(1798, 1)).toEqual([1]);
  });

  test('is left alone where the search has a suspicion of its own', () => {
    const { now } = draftWith();
    const suspicion = suspecting(now, 1000, now - 500);
    expect(tested(hinted([1900], { suspicions: [{ ...suspicion, score: 100 }] }))).toEqual([]);
  });
});

function suspecting(now: number, idle: number, since: number, survived = 0): Suspicion {
  return {
    idle,
    since,
    raisedAt: now,
    score: 5,
    deaths: [{ idle, since, at: now }],
    survived,
  };
}

describe('a suspicion of 1000 s', () => {
  const hunting = (ages: readonly number[], survived = 0, age = 1000): Draft => {
    const { now } = draftWith();
    const draft = watching(ages, { suspicions: [suspecting(now, 1000, now - age, survived)] });
    watch(draft);
    return draft;
  };

  test('is put to as many that are as old as it needs deaths, to those first that know no older behaviour', () => {
    expect(tested(hunting([1500, 1400, 1300, 1200, 1100, 1050], 0, 1250))).toEqual([4, 5, 6]);
    expect(tested(hunting([1500, 1400, 1300, 1200, 1100], 0, 1250))).toEqual([4, 5, 1]);
  });

  test('is put to one of half its age where none is as old, and to none younger', () => {
    expect(tested(hunting([600, 500, 499]))).toEqual([1]);
    expect(tested(hunting([500, 499]))).toEqual([1]);
    expect(tested(hunting([499]))).toEqual([]);
  });

  test('is put to none of an age that survived meanwhile', () => {
    expect(tested(hunting([700], 700))).toEqual([]);
    expect(tested(hunting([701], 700))).toEqual([1]);
  });

  test('waits for those that are younger to come of age', () => {
    const draft = hunting([400]);
    expect(tested(draft)).toEqual([]);
    expect(woken(draft)).toBe(draft.now + 600);
  });

  test('does not wait for those that may know the old behaviour only', () => {
    expect(woken(hunting([400], 0, 399))).not.toBe(draftWith().now + 600);
  });
});

describe('connections that a search has left over', () => {
  const adopted = (ages: readonly number[], role: 'ladder' | 'anchor'): Draft => {
    const draft = watching(ages);
    draft.connections = draft.connections.map((connection) => ({ ...connection, role }));
    watch(draft);
    return draft;
  };
  const roles = ({ connections }: Draft): string[] => connections.map(({ role }) => role);

  test.each(['ladder', 'anchor'] as const)(
    '(%s) ask just below the bracket, or just above it once they are older',
    (role) => {
      expect(roles(adopted([1000, 3590], role))).toEqual(['lower', 'lower']);
      expect(roles(adopted([3600], role))).toEqual(['upper']);
    },
  );

  test('are given up where they are too old to say anything', () => {
    expect(discarded(adopted([3626], 'ladder'))).toEqual([1]);
    expect(discarded(adopted([3625], 'ladder'))).toEqual([]);
  });
});

describe('a round launches', () => {
  const launched = (connections: number): string[] => {
    const draft = watching([], { creditAt: 0 });
    draft.options = { ...draft.options, connections };
    for (let rounds = 0; rounds < 2; rounds += 1) {
      launchRound(draft);
      draft.now += 10_000;
    }
    return draft.connections.map(({ role }) => role);
  };

  test('groups of ages alike where the budget has room for them', () => {
    const group = ['half', 'lower', 'between', 'upper'];
    expect(launched(16)).toEqual([...group, ...group]);
  });

  test('one after the other where it has not, the lower bound every other time', () => {
    const turns = ['lower', 'half', 'lower', 'upper'];
    expect(launched(15)).toEqual([...turns, ...turns]);
  });

  test.each([
    ['no part of a group', 16, 0],
    ['a single one as soon as there is room for it', 15, 1],
  ])('%s', (_what, connections, launches) => {
    const draft = watching(Array<number>(connections - 1).fill(500), { creditAt: 0 });
    draft.options = { ...draft.options, connections };
    launchRound(draft);
    expect(draft.connections).toHaveLength(connections - 1 + launches);
  });
});
