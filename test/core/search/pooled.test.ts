import { describe, expect, it } from 'vitest';
import { NOTHING_COUNTED } from '../../../src/core/search/census.js';
import { askMinority, learnOfMinority, minorityBracket } from '../../../src/core/search/mixture.js';
import {
  NOTHING_POOLED,
  type Pooled,
  pooledWith,
  shared,
  toldByOther,
} from '../../../src/core/search/pooled.js';
import type { Connection, Draft } from '../../../src/core/search/state.js';
import { draftWith } from './drafts.js';

const alive = (idle: number, since: number) => ({ idle, since, alive: true });
const dead = (idle: number, since: number) => ({ idle, since, alive: false });

/** What was counted after these tests of the search's own. */
function counted(...tests: readonly ReturnType<typeof alive>[]): Pooled {
  return tests.reduce<Pooled>((pooled, test) => pooledWith(pooled, test), NOTHING_POOLED);
}

describe('the tests of all modes together', () => {
  it('remember the survivals that say most: the longest, and of as long ones the first', () => {
    expect(counted(alive(300, 50), alive(200, 60)).survivals).toEqual([{ idle: 300, since: 50 }]);
    expect(counted(alive(300, 50), alive(200, 40)).survivals).toEqual([
      { idle: 200, since: 40 },
      { idle: 300, since: 50 },
    ]);
    expect(counted(alive(300, 50), alive(300, 50)).survivals).toHaveLength(1);
    expect(counted(alive(300, 50), alive(400, 60)).survivals.map(({ idle }) => idle)).toEqual([300, 400]);
    expect(counted(alive(300, 50), alive(400, 50)).survivals.map(({ idle }) => idle)).toEqual([400]);
    const many = Array.from({ length: 14 }, (_, index) => alive(100 + index, 100 + index));
    expect(counted(...many).survivals.map(({ idle }) => idle)).toEqual(many.slice(2).map(({ idle }) => idle));
    expect(pooledWith(NOTHING_POOLED, alive(300, 50), 'sibling').survivals).toEqual([]);
  });

  it('count deaths that come after the start of a survival of that age', () => {
    const between = (idle: number, since: number): number =>
      counted(alive(300, 50), dead(idle, since)).between;
    expect([between(300, 49), between(300, 48.9), between(300.1, 49), between(200, 900)]).toEqual([
      1, 0, 0, 1,
    ]);
  });

  it('score a death once a survival contradicts it, and keep the newest twelve until then', () => {
    const died = counted(dead(300, 50));
    expect(died.scores).toEqual(NOTHING_POOLED.scores);
    expect(died.unanswered).toEqual([{ idle: 300, since: 50 }]);
    const survived = (idle: number, since: number): Pooled => pooledWith(died, alive(idle, since));
    expect(survived(299, 49).unanswered).toEqual([]);
    expect(survived(299, 49).scores[4]).toBeGreaterThan(0);
    for (const [idle, since] of [
      [298.9, 49],
      [299, 48.9],
    ] as const) {
      expect(survived(idle, since).unanswered).toHaveLength(1);
      expect(survived(idle, since).scores[4]).toBe(0);
    }
    const deaths = Array.from({ length: 13 }, (_, index) => dead(300, 50 + index));
    expect(counted(...deaths).unanswered.map(({ since }) => since)).toEqual(
      deaths.slice(1).map(({ since }) => since),
    );
  });

  it('are one tally, unless the siblings die at another share', () => {
    const own = [
      { idle: 250, alive: 20, dead: 0 },
      { idle: 300, alive: 8, dead: 8 },
    ];
    const same = { ...NOTHING_POOLED, others: own };
    const other = { ...NOTHING_POOLED, others: [{ idle: 300, alive: 60, dead: 0 }] };
    expect(shared({ tally: own, pooled: NOTHING_POOLED })).toMatchObject({ agrees: false, tally: own });
    const together = shared({ tally: [...own], pooled: same });
    expect(together.agrees).toBe(true);
    expect(together.tally[1]).toEqual({ idle: 300, alive: 16, dead: 16 });
    expect(shared({ tally: [...own], pooled: other })).toMatchObject({ agrees: false });
    expect(toldByOther(NOTHING_POOLED, 300, false).others).toEqual([{ idle: 300, alive: 0, dead: 1 }]);
  });
});

describe('a minority that is believed in', () => {
  const MIXED = { top: 7435.5, quiet: 0, streak: 0 };
  /** A fifth of the nodes forgets between 295 and 300 s. */
  const TALLY = [
    { idle: 295, alive: 60, dead: 0 },
    { idle: 300, alive: 40, dead: 10 },
    { idle: 7435, alive: 40, dead: 10 },
  ];
  const believing = (fields: Partial<Draft> = {}): Draft =>
    draftWith({ census: { ...NOTHING_COUNTED, mixed: MIXED, tally: TALLY }, compliant: false, ...fields });

  it('is shown with its share and what survives beside it', () => {
    const bracket = minorityBracket(believing());
    expect(bracket).toMatchObject({ lower: 295, upper: 300, timeout: 297.5, deaths: 20 });
    expect(bracket?.mixture?.share).toBeCloseTo(0.2);
    expect(bracket?.mixture?.shareLower).toBeLessThan(0.2);
    expect(bracket?.mixture?.shareUpper).toBeGreaterThan(0.2);
    expect(bracket?.mixture?.survived).toBe(7435);
    expect(minorityBracket(draftWith())).toBeUndefined();
  });

  it('is asked at the age that a connection was opened for, at most the longest', () => {
    const idle = (id: number, since: number, testAt?: number): Connection => ({
      id,
      role: 'lower',
      state: 'idle',
      since,
      ...(testAt !== undefined && { testAt }),
    });
    const draft = believing({
      connections: [idle(1, 99_700, 300), idle(2, 99_701, 300), idle(3, 92_564, 9000), idle(4, 92_565)],
    });
    askMinority(draft, MIXED, false);
    expect(draft.actions).toEqual([
      { kind: 'test', id: 3 },
      { kind: 'test', id: 1 },
    ]);
  });

  it('is asked at its bounds and at the longest age, of which no more than half of the connections wait', () => {
    const round = (atTop: number): (number | undefined)[] => {
      const connections = Array.from(
        { length: atTop },
        (_, id): Connection => ({
          id,
          role: 'lower',
          state: 'idle',
          since: 99_000,
          testAt: MIXED.top,
        }),
      );
      const draft = believing({ connections, creditAt: 0, nextId: 500 });
      askMinority(draft, MIXED, true);
      return draft.connections.slice(atTop).map(({ testAt }) => testAt);
    };
    const above = 300 * 1.003;
    expect(round(11)).toEqual([above, MIXED.top, 295, above]);
    expect(round(12)).toEqual([above, above, 295, above]);
  });

  it('learns from tests of its own and of the siblings, and of early deaths below it', () => {
    const draft = believing();
    learnOfMinority(draft, MIXED, dead(290, 1));
    expect(draft.actions).toEqual([{ kind: 'early_death', idle: 290 }]);
    expect(draft.confirmedAt).toBe(draft.now);
    const above = believing();
    learnOfMinority(above, MIXED, dead(7443, 1));
    expect(above.census.tally).toEqual(TALLY);
    const sibling = believing({ confirmedAt: null });
    learnOfMinority(sibling, MIXED, dead(300, 1), 'sibling');
    expect(sibling.census.pooled.others).toEqual([{ idle: 300, alive: 0, dead: 1 }]);
    expect(sibling.census.tally).toEqual(TALLY);
    expect(sibling.confirmedAt).toBeNull();
  });

  it('grows quiet with each survival that it would have ended, and is everybody after enough deaths in a row', () => {
    const draft = believing();
    const mixed = () => draft.census.mixed!;
    learnOfMinority(draft, mixed(), alive(300, 1));
    const { quiet, streak } = mixed();
    expect(quiet).toBeGreaterThan(0);
    expect(streak).toBe(0);
    learnOfMinority(draft, mixed(), alive(299, 1));
    expect(mixed().quiet).toBe(quiet);
    learnOfMinority(draft, mixed(), dead(7000, 1));
    expect(mixed()).toMatchObject({ quiet: 0, streak: 1 });
    learnOfMinority(draft, mixed(), alive(7000, 1));
    expect(mixed().streak).toBe(0);
    let deaths = 0;
    while (draft.census.mixed !== null && deaths < 40) {
      learnOfMinority(draft, mixed(), dead(7000, 1));
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(7);
    expect(deaths).toBeLessThan(20);
    expect(draft.lower).toBe(295);
    expect(draft.deaths).toEqual([{ idle: 300, since: 1, at: draft.now }]);
    expect(draft.actions).toEqual([]);
  });

  it('is gone, which is a rise, once so much survived', () => {
    const draft = believing({ published: { deaths: 3 } });
    let survivals = 0;
    while (draft.census.mixed !== null && survivals < 400) {
      learnOfMinority(draft, draft.census.mixed, alive(7000, 1));
      survivals += 1;
    }
    expect(survivals).toBeGreaterThan(20);
    expect(survivals).toBeLessThan(400);
    expect(draft).toMatchObject({ compliant: null, published: null, census: NOTHING_COUNTED });
    expect(draft.actions).toEqual([{ kind: 'announce', change: 'rise' }]);
  });

  it('is believed in however many tests there were, as long as more of them die than evictions explain', () => {
    const after = (dead: number) => {
      const draft = believing();
      draft.census = { ...draft.census, tally: [TALLY[0]!, { idle: 300, alive: 240 - dead, dead }] };
      learnOfMinority(draft, draft.census.mixed!, alive(200, 1));
      return draft.census.mixed;
    };
    expect(after(48)).not.toBeNull();
    expect(after(4)).toBeNull();
  });
});
