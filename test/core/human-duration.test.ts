import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  betweenDurations,
  durationWithSeconds,
  exactDuration,
  humanDuration,
  plainSeconds,
  secondsInWords,
} from '../../src/core/human-duration.js';

describe('humanDuration()', () => {
  it.each([
    [-3, '0 s'],
    [0, '0 s'],
    [0.25, '0.2 s'],
    [1.52, '1.5 s'],
    [9.9996, '10 s'],
    [20.2, '20.2 s'],
    [59.96, '59.9 s'],
    [60, '1 min'],
    [61, '1 min 1 s'],
    [64.5, '1 min 4 s'],
    [3599.6, '59 min 59 s'],
    [3600, '1 h 0 min'],
    [7439.9, '2 h 3 min'],
    [7440, '2 h 4 min'],
    [86_400, '1 d 0 h'],
    [432_000, '5 d 0 h'],
    [Number.POSITIVE_INFINITY, '∞'],
    [Number.NaN, 'unknown'],
  ])('%d s is %s', (seconds, words) => {
    expect(humanDuration(seconds)).toBe(words);
  });

  it('never says more than there is', () => {
    const units = { d: 86_400, h: 3600, min: 60, s: 1 } as const;
    const said = (words: string): number =>
      [...words.matchAll(/([\d.]+) (d|h|min|s)/g)].reduce(
        (sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units],
        0,
      );
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
        expect(said(humanDuration(seconds))).toBeLessThanOrEqual(seconds + 0.001);
        expect(said(exactDuration(seconds))).toBeLessThanOrEqual(seconds + 0.001);
        expect(said(exactDuration(seconds))).toBeGreaterThan(seconds - 1);
      }),
    );
  });
});

describe('exactDuration()', () => {
  it.each([
    [9.5, '9.5 s'],
    [3601, '1 h 0 min 1 s'],
    [7440, '2 h 4 min'],
    [86_400, '1 d 0 h'],
    [90_060, '1 d 1 h 1 min 0 s'],
    [90_061, '1 d 1 h 1 min 1 s'],
  ])('%d s is %s', (seconds, words) => {
    expect(exactDuration(seconds)).toBe(words);
  });
});

describe('durationWithSeconds()', () => {
  it('adds the seconds from one minute on', () => {
    expect(durationWithSeconds(7440)).toBe('2 h 4 min (7440 s)');
    expect(durationWithSeconds(7439.9)).toBe('2 h 3 min (7439 s)');
    expect(durationWithSeconds(20)).toBe('20 s');
  });
});

describe('betweenDurations()', () => {
  it.each([
    [54, 60, 'between 54 s and 1 min (60 s)'],
    [3590, 3600.4, 'between 59 min 50 s and 1 h 0 min (3600 s)'],
    [3605, 3650, 'between 1 h 0 min 5 s and 1 h 0 min 50 s'],
  ])('from %d s to %d s is %s', (lower, upper, words) => {
    expect(betweenDurations(lower, upper)).toBe(words);
  });

  it('never says both ends alike', () => {
    const longer = fc.tuple(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 1000 }));
    fc.assert(
      fc.property(longer, ([lower, width]) => {
        const [, from, to] =
          /^between (.+) and (.+?)(?: \(\d+ s\))?$/.exec(betweenDurations(lower, lower + width)) ?? [];
        expect(from).toBeDefined();
        expect(from).not.toBe(to);
      }),
    );
  });
});

describe('secondsInWords()', () => {
  it.each([
    [41.17, '41.2 s'],
    [60, '60 s'],
    [119.9, '119.9 s'],
    // Rounded before it is put into words: 120 s are not 1 min 59 s.
    [119.97, '120 s, which is 2 min'],
    [3600.4, '3600.4 s, which is 1 h 0 min'],
  ])('%d s is %s', (seconds, words) => {
    expect(secondsInWords(seconds)).toBe(words);
  });
});

describe('plainSeconds()', () => {
  it('keeps a tenth', () => {
    expect(plainSeconds(3594.14)).toBe('3594.1 s');
  });
});
