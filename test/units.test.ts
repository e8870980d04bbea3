import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DurationError, formatDuration, parseDuration } from '../src/units.js';

describe('parseDuration()', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['90s', 90],
    ['2h10m', 7800],
    ['2h4m', 7440],
    ['500ms', 0.5],
    ['1s500ms', 1.5],
    ['1h30m', 5400],
    ['1d', 86_400],
    ['1w', 604_800],
    ['1y2w3d4h5m6s7ms', 365 * 86_400 + 14 * 86_400 + 3 * 86_400 + 4 * 3600 + 306.007],
    ['90m', 5400],
    ['05s', 5],
  ])('reads %s as %d s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  test.each([
    ['', 'duration is empty (write for example 90s or 2h10m), found ""'],
    ['90', 'duration without unit (write for example 90s), found "90"'],
    ['1h30', 'duration without unit (write for example 30s), found "1h30"'],
    ['90sec', 'duration with unknown unit "sec" (known: y w d h m s ms), found "90sec"'],
    ['5M', 'duration with unknown unit "M" (known: y w d h m s ms), found "5M"'],
    ['10m2h', 'duration must have its larger units first, found "10m2h"'],
    ['5ms1s', 'duration must have its larger units first, found "5ms1s"'],
    ['1h1h', 'duration with unit h twice, found "1h1h"'],
    ['1.5h', 'duration must have whole numbers (write for example 1h30m or 500ms), found "1.5h"'],
    ['-5s', 'duration must not be negative, found "-5s"'],
    ['1h 30m', 'duration must not contain spaces (write for example 2h10m), found "1h 30m"'],
    ['h', 'duration must begin with a number (write for example 90s or 2h10m), found "h"'],
    ['+5s', 'duration must begin with a number (write for example 90s or 2h10m), found "+5s"'],
    ['300y', 'duration must be at most 292y, found "300y"'],
    ['99999999999999999999h', 'duration must be at most 292y, found "99999999999999999999h"'],
  ])('refuses %j and says why', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new DurationError(message.split(', found ')[0] ?? '', text));
    expect(() => parseDuration(text)).toThrow(message);
  });
});

describe('formatDuration()', () => {
  test.each([
    [0, '0s'],
    [7440, '2h4m'],
    [60, '1m'],
    [0.5, '500ms'],
    [61.25, '1m1s250ms'],
    [86_400, '1d'],
    [432_000, '5d'],
    [0.0001, '0s'],
  ])('writes %d s as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  test.each([-1, Number.NaN, Infinity])('refuses %d', (seconds) => {
    expect(() => formatDuration(seconds)).toThrow(RangeError);
  });

  test('is read back by parseDuration() to the millisecond', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40_000_000_000 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds / 1000))).toBe(milliseconds / 1000);
      }),
    );
  });
});
