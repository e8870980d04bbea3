import { describe, expect, it } from 'vitest';
import {
  bisection,
  confirmation,
  ladderOf,
  nextRung,
  roundRung,
  watchQuestion,
} from '../../../src/core/search/questions.js';
import type { Draft } from '../../../src/core/search/state.js';
import { deathsAt, draftWith } from './drafts.js';

/** A draft whose bracket is closed. */
function bracketed(lower: number, upper: number, fields: Partial<Draft> = {}): Draft {
  const draft = draftWith({ lower, ...fields });
  return { ...draft, deaths: deathsAt(draft, upper) };
}

describe('the next rung of a climb', () => {
  it.each([
    ['is as planned where nothing known is near', 200, 210, 210],
    ['is just above the last known value that is near', 200, 280, 304.5],
    ['is no nearer than what a verdict can tell apart', 295, 296, 297.5],
    ['may be half as far again as planned for it', 244.5, 284.5, 304.5],
    ['is more than a third of the way up', 1104.5, 1404.5, 1404.5],
    ['stops at the requirement', 7000, 7500, 7435.5],
    ['is no longer than may be asked', 7436, 9000, 7800],
  ])('%s', (_, lower, planned, rung) => {
    expect(roundRung(draftWith(), lower, planned)).toBe(rung);
  });

  it('is farther where verdicts are inexact, and the shortest idle time at first', () => {
    expect(roundRung(draftWith({ slack: 4 }), 195, 196)).toBe(201.5);
    const ladder = ladderOf(24);
    expect(nextRung(draftWith(), 0, ladder)).toBe(15);
    expect(nextRung(draftWith(), 100, ladder)).toBe(roundRung(draftWith(), 100, 100 * (1 + ladder.step)));
  });

  it('is a factor from the last that so many connections sustain', () => {
    for (const count of [8, 24]) {
      const { launch, step } = ladderOf(count);
      expect(launch).toBeCloseTo(1.2 / (count + 1));
      expect((1 + step) ** count * launch).toBeCloseTo(1);
    }
  });
});

describe('the question that halves a bracket', () => {
  it.each([
    ['is its middle where nothing known is near', 400, 440, { idle: 420, exact: false }],
    ['is just below a known value near the middle', 290, 310, { idle: 295.5, exact: true }],
    ['is just above one that the lower bound is right below', 298, 320, { idle: 304.5, exact: true }],
    ['is the known value that is nearest to the middle', 289, 1000, { idle: 595.5, exact: true }],
    ['is the requirement where it lies inside', 7000, 7700, { idle: 7435.5, exact: true }],
    ['does not repeat the upper bound', 7000, 7436, { idle: 7195.5, exact: true }],
    ['is half of the upper bound where nothing survived', 0, 100, { idle: 50, exact: false }],
    ['is the shortest idle time at least', 0, 20, { idle: 15, exact: false }],
  ])('%s', (_, lower, upper, question) => {
    expect(bisection(draftWith(), lower, upper)).toEqual(question);
  });

  it('is farther up by what a survivor loses, half the bracket at most', () => {
    expect(bisection(draftWith({ slack: 4 }), 400, 440).idle).toBe(422);
    expect(bisection(draftWith({ slack: 40 }), 400, 440).idle).toBe(430);
  });

  it.each([
    [100, 100, 60],
    [100, 60, 30],
    [7200, 7000, 6460],
    [7200, 7200, 7056],
  ])('goes down ever faster after a drop to below %d s: from %d s to %d s', (droppedAt, upper, idle) => {
    expect(bisection(draftWith({ droppedAt }), 0, upper)).toEqual({ idle, exact: false });
  });
});

describe('the steady state asks', () => {
  const asks = (draft: Draft) => ({
    upper: watchQuestion(draft, 'upper'),
    lower: watchQuestion(draft, 'lower'),
    half: watchQuestion(draft, 'half'),
    between: watchQuestion(draft, 'between'),
  });

  it('just above the upper bound, just below the lower one, and farther down', () => {
    expect(asks(bracketed(3595, 3605))).toEqual({
      upper: 3607.5,
      lower: 3593,
      half: 1796.5,
      between: 2658.82,
    });
  });

  it('just above a known value near half the bound', () => {
    expect(asks(bracketed(3700, 3710)).half).toBe(1804.5);
    expect(asks(bracketed(4100, 4110)).half).toBeCloseTo(2048.975);
  });

  it('about the requirement where the bound proves it', () => {
    expect(asks(bracketed(7436, 7450)).lower).toBe(7435.5);
    expect(asks(bracketed(7434, 7450)).lower).toBeCloseTo(7430.283);
  });

  it('for the longest idle time where nothing dies', () => {
    const { lower, upper } = asks(draftWith({ lower: 7800 }));
    expect([lower, upper]).toEqual([7800, 7800]);
  });

  it('never for less than the shortest idle time', () => {
    expect(asks(bracketed(20, 30))).toEqual({ upper: 31.5, lower: 19, half: 15, between: 15 });
  });

  it('beyond the upper bound while a rise is being confirmed, one role well beyond it', () => {
    const { upper, ...others } = asks(bracketed(3595, 3605, { risen: 1 }));
    expect(upper).toBeCloseTo(3677.1);
    expect(new Set(Object.values(others))).toEqual(new Set([3607.5]));
  });

  it('just above the upper bound for its confirmation', () => {
    expect(confirmation(bracketed(290, 300))).toBe(300.5);
    expect(confirmation(bracketed(290, 300, { slack: 2 }))).toBe(304.5);
  });
});
