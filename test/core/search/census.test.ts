import { describe, expect, it } from 'vitest';
import {
  type Census,
  countBeyond,
  countEarly,
  countSurvival,
  isContradicted,
  isDivided,
  isDoubtful,
  isIdle,
  NOTHING_COUNTED,
  provesMinority,
} from '../../../src/core/search/census.js';
import { nearness, tallied, united } from '../../../src/core/search/tally.js';

const pooled = NOTHING_COUNTED.pooled;
/** A census in which early deaths prove a minority. */
const PROVEN: Census = {
  ...NOTHING_COUNTED,
  witnesses: 2,
  scores: [10, 0, 0, 0, 0],
  pooled: { ...pooled, between: 2 },
};

describe('the tests beyond a closed bracket', () => {
  it('count from the first survival on, the newest sixteen', () => {
    expect(countBeyond(NOTHING_COUNTED, false).beyond).toEqual([]);
    let census = countBeyond(NOTHING_COUNTED, true);
    census = countBeyond(census, false);
    expect(census.beyond).toEqual([true, false]);
    for (let each = 0; each < 16; each++) census = countBeyond(census, false);
    expect(census.beyond).toEqual(Array(16).fill(false));
  });

  it.each([
    [3, 3, true],
    [2, 9, false],
    [9, 2, false],
    [4, 5, true],
  ])('are divided with %d survivals and %d deaths: %s', (alive, dead, divided) => {
    const beyond = [...Array<boolean>(alive).fill(true), ...Array<boolean>(dead).fill(false)];
    expect(isDivided({ ...NOTHING_COUNTED, beyond })).toBe(divided);
  });
});

describe('an early death', () => {
  const early = countEarly(NOTHING_COUNTED, { idle: 300, since: 1000, alive: false });

  it('is counted, and the first one remembered', () => {
    expect(early.first).toEqual({ idle: 300, since: 1000 });
    expect(early.tally).toEqual([{ idle: 300, alive: 0, dead: 1 }]);
    expect(early.scores.every((score) => score > 0)).toBe(true);
    expect(countEarly(early, { idle: 200, since: 2000, alive: false }).first).toEqual(early.first);
  });

  it.each([
    [299, 999, true],
    [298.9, 999, false],
    [299, 998.9, false],
    [500, 5000, true],
  ])('is contradicted by who lived %d s from %d s on: %s', (idle, since, witness) => {
    const counted = countSurvival(early, { idle, since, alive: true });
    expect(counted.witness).toBe(witness);
    expect(counted.census.witnesses).toBe(Number(witness));
    expect(counted.census.scores[4]).toBeLessThan(early.scores[4]!);
  });

  it('has no witness where there was none', () => {
    expect(countSurvival(NOTHING_COUNTED, { idle: 500, since: 1, alive: true }).witness).toBe(false);
  });
});

describe('a minority', () => {
  it('is proven by evidence and by witnesses of its own and among the modes', () => {
    expect(provesMinority(PROVEN)).toBe(true);
    expect(provesMinority({ ...PROVEN, witnesses: 1 })).toBe(false);
    expect(provesMinority({ ...PROVEN, pooled: { ...pooled, between: 1 } })).toBe(false);
    expect(provesMinority({ ...PROVEN, scores: [9.9, 11.4, 12.4, 15.9, 18.9] })).toBe(false);
    for (const [index, enough] of [10, 11.5, 12.5, 16, 19].entries())
      expect(
        provesMinority({
          ...PROVEN,
          scores: Array.from({ length: 5 }, (_, i) => (i === index ? enough : 0)),
        }),
      ).toBe(true);
  });

  it('is reckoned with from less evidence on', () => {
    const doubtful: Census = { ...PROVEN, scores: [0, 0, 3, 0, 0] };
    expect(isDoubtful(doubtful)).toBe(true);
    expect(isDoubtful({ ...doubtful, scores: [2.9, 2.9, 2.9, 2.9, 2.9] })).toBe(false);
    expect(isDoubtful({ ...doubtful, witnesses: 1 })).toBe(false);
    expect(isDoubtful({ ...doubtful, pooled: { ...pooled, between: 1 } })).toBe(false);
    expect(isContradicted(doubtful)).toBe(true);
    expect(isContradicted({ ...doubtful, witnesses: 1 })).toBe(false);
  });

  it('is not weighed where nothing is left of any evidence', () => {
    expect(isIdle(NOTHING_COUNTED)).toBe(true);
    expect(isIdle({ ...NOTHING_COUNTED, beyond: [true] })).toBe(false);
    expect(isIdle({ ...NOTHING_COUNTED, scores: [0, 0, 0, 0, 0.1] })).toBe(false);
    expect(isIdle({ ...NOTHING_COUNTED, mixed: { top: 1, quiet: 0, streak: 0 } })).toBe(false);
    expect(isIdle({ ...NOTHING_COUNTED, pooled: { ...pooled, scores: [0, 0, 0, 0, 0.1] } })).toBe(false);
  });
});

describe('a tally', () => {
  it('tells idle times as one that are near, and keeps them in order', () => {
    expect([100, 1000, 10_000].map(nearness)).toEqual([1, 3, 4]);
    const one = tallied([], 100, true);
    expect(one).toEqual([{ idle: 100, alive: 1, dead: 0 }]);
    expect(tallied(one, 101, false)).toEqual([{ idle: 100, alive: 1, dead: 1 }]);
    expect(tallied(one, 99, false)).toEqual([{ idle: 100, alive: 1, dead: 1 }]);
    expect(tallied(one, 98.9, false).map(({ idle }) => idle)).toEqual([98.9, 100]);
    const two = tallied(one, 101.5, false);
    expect(tallied(two, 100.9, true).map(({ alive }) => alive)).toEqual([1, 1]);
  });

  it('fades once there are many tests', () => {
    expect(tallied([{ idle: 100, alive: 799, dead: 0 }], 100, true)[0]?.alive).toBe(800);
    const [faded] = tallied([{ idle: 100, alive: 700, dead: 100 }], 100, true);
    expect(faded?.alive).toBeCloseTo(630.9);
    expect(faded?.dead).toBeCloseTo(90);
  });

  it('merges the two nearest survivors when it is full, by their weight, and keeps the edges of deaths', () => {
    const full = Array.from({ length: 40 }, (_, index) => ({ idle: 100 * 1.2 ** index, alive: 1, dead: 0 }));
    full[20] = { idle: full[19]!.idle * 1.05, alive: 3, dead: 0 };
    full[31] = { idle: full[30]!.idle * 1.02, alive: 0, dead: 1 };
    const merged = tallied(full, 50, true);
    expect(merged).toHaveLength(40);
    expect(merged.find(({ alive }) => alive === 4)?.idle).toBeCloseTo(full[19]!.idle * (1 + 0.05 * 0.75));
    expect(merged.filter(({ dead }) => dead === 1)).toEqual([full[31]]);
  });

  it('is one with another one', () => {
    const tally = [
      { idle: 100, alive: 1, dead: 0 },
      { idle: 300, alive: 2, dead: 0 },
    ];
    const other = [
      { idle: 50, alive: 0, dead: 1 },
      { idle: 101, alive: 0, dead: 2 },
      { idle: 302, alive: 1, dead: 1 },
    ];
    expect(united(tally, other)).toEqual([
      { idle: 50, alive: 0, dead: 1 },
      { idle: 100, alive: 1, dead: 2 },
      { idle: 300, alive: 2, dead: 0 },
      { idle: 302, alive: 1, dead: 1 },
    ]);
    expect(united([], other)).toEqual(other);
    expect(united(tally, [])).toEqual(tally);
  });
});
