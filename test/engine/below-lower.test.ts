import { describe, expect, it } from 'vitest';
import { BelowLower } from '../../src/engine/below-lower.js';

const NOW = 1_700_000_000;
const DAY = 86_400;

describe('BelowLower', () => {
  it('counts tests and early deaths of the last 24 h', () => {
    const below = new BelowLower();
    below.add({ at: NOW, idle: 20, early: true });
    below.add({ at: NOW + DAY / 2, idle: 30, early: false });
    expect(below.counts(NOW + DAY)).toEqual({ earlyDeaths: 1, testsBelowLower: 2 });
    expect(below.counts(NOW + DAY + 1)).toEqual({ earlyDeaths: 0, testsBelowLower: 1 });
    below.add({ at: NOW + 2 * DAY, idle: 30, early: false });
    expect(below.tests).toHaveLength(1);
  });

  it('forgets the deaths above a bound that fell, for good', () => {
    const below = new BelowLower();
    below.add({ at: NOW, idle: 20, early: true });
    below.add({ at: NOW, idle: 50, early: true });
    below.fell(30);
    expect(below.counts(NOW)).toEqual({ earlyDeaths: 1, testsBelowLower: 1 });
  });

  it('keeps no more than 500 tests', () => {
    const below = new BelowLower();
    for (let i = 0; i < 600; i++) below.add({ at: NOW + i, idle: i, early: false });
    expect(below.tests).toHaveLength(500);
    expect(below.tests[0]?.idle).toBe(100);
  });

  it('goes on with what was saved', () => {
    const saved = [{ at: NOW, idle: 20, early: true }];
    expect(new BelowLower(saved).counts(NOW)).toEqual({ earlyDeaths: 1, testsBelowLower: 1 });
  });
});
