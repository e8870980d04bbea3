/** How deaths below the bracket are weighed against survivals. */
import { describe, expect, test } from 'vitest';
import { NOTHING_COUNTED } from '../../../src/core/search/census.js';
import type { Draft, Suspicion } from '../../../src/core/search/state.js';
import {
  announceDrop,
  contradict,
  deathsMissing,
  declareConfirmedDrop,
  forgetOldSuspicions,
  suspect,
} from '../../../src/core/search/suspicion.js';
import { deathsAt, draftWith, SHIPPED } from './drafts.js';

/** A suspicion of 3600 s about connections that started at 90 000 s and later. */
function suspecting(deaths = 2): Draft {
  const draft = draftWith({ lower: 7440 });
  for (let each = 0; each < deaths; each++)
    suspect(draft, { idle: 3600, since: 90_000 + each, at: draft.now });
  return draft;
}

const scoreOf = (draft: Draft): number | undefined => draft.suspicions[0]?.score;

describe('a suspicion', () => {
  test('is contradicted by a connection that is as young and lived as long', () => {
    const draft = suspecting();
    const before = scoreOf(draft) ?? 0;
    contradict(draft, { idle: 3600, since: 90_000, at: draft.now });
    expect(scoreOf(draft)).toBeLessThan(before);
  });

  test('is not contradicted by survivals of connections from before it: they may know the old behaviour only', () => {
    const draft = suspecting();
    const before = draft.suspicions;
    contradict(draft, { idle: 7440, since: 89_998, at: draft.now });
    expect(draft.suspicions).toEqual(before);
    contradict(draft, { idle: 3000, since: 89_998, at: draft.now });
    expect(draft.suspicions).toEqual(before);
  });

  test('becomes a drop however many old connections survive meanwhile', () => {
    const draft = suspecting(3);
    for (let each = 0; each < 9; each++)
      contradict(draft, { idle: 7440, since: 85_000 + each, at: draft.now });
    suspect(draft, { idle: 3600, since: 91_000, at: draft.now });
    declareConfirmedDrop(draft);
    expect(draft.deaths[0]?.idle).toBe(3600);
    expect(draft.drops).toEqual([draft.now]);
  });

  test('needs more deaths where connections of one age were seen to die and to live: they may be those of a minority', () => {
    const doubtful = {
      ...NOTHING_COUNTED,
      scores: [3, 3, 3, 3, 3],
      witnesses: 2,
      tally: [{ idle: 3600, alive: 95, dead: 5 }],
      pooled: { ...NOTHING_COUNTED.pooled, between: 2 },
    };
    const draft = { ...suspecting(4), census: doubtful };
    declareConfirmedDrop(draft);
    expect(draft.drops).toEqual([]);
    suspect(draft, { idle: 3600, since: 91_000, at: draft.now });
    declareConfirmedDrop(draft);
    expect(draft.drops).toEqual([draft.now]);
    const without = suspecting(4);
    declareConfirmedDrop(without);
    expect(without.drops).toEqual([without.now]);
  });

  test('is given up once enough young connections have lived as long', () => {
    const draft = suspecting(1);
    for (let each = 0; each < 3; each++)
      contradict(draft, { idle: 3600, since: 92_000 + each, at: draft.now });
    expect(draft.suspicions).toEqual([]);
  });
});

describe('a death below the bracket', () => {
  /** A suspicion of 1000 s, and one death more. */
  const after = (idle: number, survived = 0): Draft => {
    const draft = draftWith({ lower: 7440 });
    suspect(draft, { idle: 1000, since: 90_000, at: draft.now });
    draft.suspicions = draft.suspicions.map((suspicion) => ({ ...suspicion, survived }));
    suspect(draft, { idle, since: 89_000, at: draft.now });
    return draft;
  };
  const scores = (draft: Draft): number[] => draft.suspicions.map(({ score }) => score);

  test.each([
    [519, [5, 5]],
    [520, [10, 5]],
    [899, [10, 5]],
    [900, [10]],
    [1100, [10]],
    [1101, [5, 5]],
  ])('at %d s supports a suspicion of 1000 s, or raises one of its own: scores %j', (idle, expected) => {
    expect(scores(after(idle))).toEqual(expected);
  });

  test('moves a suspicion that it is near to to the least of both', () => {
    expect(after(900).suspicions[0]).toMatchObject({ idle: 900, since: 89_000 });
    expect(after(1100).suspicions[0]).toMatchObject({ idle: 1000, since: 89_000 });
    expect(after(899).suspicions[0]).toMatchObject({ idle: 1000, since: 90_000 });
  });

  test('of an age that something survived meanwhile is another one’s', () => {
    expect(scores(after(600, 600))).toEqual([5, 5]);
    expect(scores(after(600, 599))).toEqual([10, 5]);
    expect(scores(after(900, 950))).toEqual([10]);
  });

  test('is weighed beside eight suspicions at most, the newest', () => {
    const draft = draftWith({ lower: 7440 });
    for (let each = 0; each < 9; each++)
      suspect(draft, { idle: 20 * 3 ** (each / 2), since: 90_000, at: draft.now });
    expect(draft.suspicions).toHaveLength(8);
    expect(draft.suspicions[0]?.idle).toBeCloseTo(20 * 3 ** 0.5);
  });
});

describe('a suspicion without news', () => {
  test.each([
    [3600, 4 * 7440, 1],
    [3600, 4 * 7440 + 1, 0],
    [9000, 4 * 9000, 1],
    [9000, 4 * 9000 + 1, 0],
  ])('of %d s is forgotten %d s after its last death: %d left', (idle, ago, left) => {
    const draft = draftWith({ lower: 7440 });
    suspect(draft, { idle, since: 1, at: draft.now - ago });
    forgetOldSuspicions(draft);
    expect(draft.suspicions).toHaveLength(left);
  });

  test('is as young as its newest death', () => {
    const draft = draftWith({ lower: 7440 });
    suspect(draft, { idle: 3600, since: 1, at: draft.now - 90_000 });
    suspect(draft, { idle: 3600, since: 1, at: draft.now });
    forgetOldSuspicions(draft);
    expect(draft.suspicions).toHaveLength(1);
  });

  test('ends when survivals outweigh it, and remembers shorter ones', () => {
    const draft = suspecting(1);
    contradict(draft, { idle: 1000, since: 90_000, at: draft.now });
    contradict(draft, { idle: 900, since: 90_000, at: draft.now });
    expect(draft.suspicions[0]).toMatchObject({ survived: 1000, score: 5 });
    contradict(draft, { idle: 3598.9, since: 90_000, at: draft.now });
    expect(draft.suspicions).toHaveLength(1);
    contradict(draft, { idle: 3599, since: 89_999, at: draft.now });
    expect(draft.suspicions).toEqual([]);
  });
});

describe('a declared drop', () => {
  const suspicion = (idle: number, score = 20): Suspicion => ({
    idle,
    since: 90_000,
    raisedAt: 95_000,
    score,
    survived: 0,
    deaths: [idle * 1.05, idle, idle * 0.8].map((each) => ({ idle: each, since: 90_000, at: 96_000 })),
  });

  test('is the lowest that has enough deaths, with the deaths that are near to it', () => {
    const draft = draftWith({
      lower: 7440,
      suspicions: [suspicion(3600), suspicion(1800), suspicion(2400), suspicion(900, 18)],
    });
    declareConfirmedDrop(draft);
    expect(draft.deaths.map(({ idle }) => idle)).toEqual([1800, 1890]);
    expect(draft).toMatchObject({ dropFrom: 7440, lower: 0, droppedAt: 1800, suspicions: [], risen: 0 });
    expect(draft.drops).toEqual([draft.now]);
  });

  test('keeps what survived of the connections that it speaks of', () => {
    const survivals = [
      { idle: 1500, since: 90_000, at: 95_000 },
      { idle: 1600, since: 89_999, at: 95_000 },
      { idle: 1700, since: 90_000, at: 94_999 },
      { idle: 1800, since: 90_000, at: 95_000 },
    ];
    const draft = draftWith({
      lower: 7440,
      survivals,
      suspicions: [suspicion(1800)],
      dropFrom: 9000,
      risen: 1,
    });
    declareConfirmedDrop(draft);
    expect(draft).toMatchObject({ lower: 1500, droppedAt: 0, dropFrom: 9000, risen: 0 });
  });

  test('needs three deaths with few connections, four where they are contradicted', () => {
    const declared = (score: number, witnesses: number): boolean => {
      const draft = draftWith({
        lower: 7440,
        suspicions: [suspicion(1800, score)],
        options: { ...SHIPPED, connections: 11 },
        census: { ...NOTHING_COUNTED, witnesses },
      });
      declareConfirmedDrop(draft);
      return draft.drops.length > 0;
    };
    expect([declared(13, 0), declared(14, 0), declared(18, 2), declared(19, 2)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(deathsMissing(draftWith(), suspicion(1800, 5))).toBe(3);
    expect(deathsMissing(draftWith({ options: { ...SHIPPED, connections: 12 } }), suspicion(1800, 5))).toBe(
      3,
    );
    expect(deathsMissing(draftWith({ options: { ...SHIPPED, connections: 11 } }), suspicion(1800, 5))).toBe(
      2,
    );
  });

  test.each([
    ['a drop by more than jitter', 7216, false, false, true, 0],
    ['a drop by jitter', 7217, false, false, false, 7440],
    ['a drop by jitter that is settled', 7217, false, true, false, 0],
    ['a drop by jitter that turned the verdict', 7217, true, false, true, 0],
  ])('is announced where it is one: %s', (_, upper, turned, settled, told, dropFrom) => {
    const draft = draftWith({ dropFrom: 7440, confirmedAt: 5 });
    draft.deaths = deathsAt(draft, upper);
    announceDrop(draft, turned, settled);
    expect(draft.actions).toEqual(told ? [{ kind: 'announce', change: 'drop' }] : []);
    expect(draft.dropFrom).toBe(dropFrom);
  });

  test('is no news where there was no finding before', () => {
    const draft = draftWith({ dropFrom: 7440, confirmedAt: null });
    draft.deaths = deathsAt(draft, 300);
    announceDrop(draft, true, true);
    expect(draft.actions).toEqual([]);
    expect(draft.dropFrom).toBe(0);
    const none = draftWith({ dropFrom: 0, confirmedAt: 5 });
    announceDrop(none, true, true);
    expect(none.actions).toEqual([]);
  });
});
