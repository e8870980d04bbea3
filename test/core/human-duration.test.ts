import { describe, expect, it } from 'vitest';
import { durationWithSeconds, humanDuration } from '../../src/core/human-duration.js';

describe('humanDuration()', () => {
  it.each([
    [0, '0 s'],
    [1.52, '1.5 s'],
    [9.99, '10 s'],
    [20.2, '20 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [61, '1 min 1 s'],
    [3599.6, '1 h 0 min'],
    [3600, '1 h 0 min'],
    [7440, '2 h 4 min'],
    [7200, '2 h 0 min'],
    [86_400, '1 d 0 h'],
    [432_000, '5 d 0 h'],
  ])('%d s is %s', (seconds, words) => {
    expect(humanDuration(seconds)).toBe(words);
  });

  it('throws for what is no duration', () => {
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => humanDuration(value)).toThrow(RangeError);
    }
  });
});

describe('durationWithSeconds()', () => {
  it('adds the seconds from one minute on', () => {
    expect(durationWithSeconds(7440)).toBe('2 h 4 min (7440 s)');
    expect(durationWithSeconds(20)).toBe('20 s');
  });
});
