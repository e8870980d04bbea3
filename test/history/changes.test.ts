import { describe, expect, it } from 'vitest';
import { changesOf } from '../../src/history/changes.js';

const told = (...timeouts: readonly (number | undefined)[]): (number | undefined)[] =>
  changesOf(timeouts.map((timeout) => ({ mode: 'send', timeout }))).map(({ now }) => now.timeout);

describe('changesOf()', () => {
  it('tells the first one, and what differs by more than 2 % from the one told before', () => {
    expect(told(3600, 3601, 3590, 300, 305, 3600)).toEqual([3600, 300, 3600]);
  });

  it('takes no noise for a change, wherever the value lies', () => {
    for (let value = 100; value < 10_000; value *= 1.003) {
      expect(told(value, value * 1.001, value * 0.999, value)).toEqual([value]);
    }
  });

  it('tells a value that creeps', () => {
    expect(told(1000, 1010, 1020, 1030, 1040, 1050, 1060)).toEqual([1000, 1030, 1060]);
  });

  it('tells when a value is lost and when it is back', () => {
    expect(told(300, undefined, undefined, 300)).toEqual([300, undefined, 300]);
  });

  it('tells a turn of the verdict, each mode by itself, with what was told before', () => {
    const first = { at: 1, mode: 'send', timeout: 7500, compliant: true };
    const other = { at: 2, mode: 'recv', timeout: 7500, compliant: true };
    const turned = { at: 3, mode: 'send', timeout: 7430, compliant: false };
    expect(changesOf([first, other, { ...first, at: 2 }, turned])).toEqual([
      { before: undefined, now: first },
      { before: undefined, now: other },
      { before: first, now: turned },
    ]);
  });
});
