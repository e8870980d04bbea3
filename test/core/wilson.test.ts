import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilson } from '../../src/core/wilson.js';

describe('wilson()', () => {
  // 81 of 263 is the example of R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872.
  it.each([
    [0, 1, 0, 0.7935],
    [1, 1, 0.2065, 1],
    [0, 10, 0, 0.2775],
    [5, 10, 0.2366, 0.7634],
    [81, 263, 0.2553, 0.3662],
    [1100, 2000, 0.5281, 0.5717],
  ])('of %i of %i', (count, total, lower, upper) => {
    const [from, to] = wilson(count, total);
    expect(from).toBeCloseTo(lower, 4);
    expect(to).toBeCloseTo(upper, 4);
  });

  it('holds the share, stays between 0 and 1, and mirrors', () => {
    const sample = fc
      .integer({ min: 1, max: 5000 })
      .chain((total) => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)));
    fc.assert(
      fc.property(sample, ([count, total]) => {
        const [lower, upper] = wilson(count, total);
        const [mirroredLower, mirroredUpper] = wilson(total - count, total);
        expect(lower).toBeGreaterThanOrEqual(0);
        expect(upper).toBeLessThanOrEqual(1);
        expect(lower).toBeLessThanOrEqual(count / total + 1e-9);
        expect(upper).toBeGreaterThanOrEqual(count / total - 1e-9);
        expect(mirroredLower).toBeCloseTo(1 - upper, 9);
        expect(mirroredUpper).toBeCloseTo(1 - lower, 9);
      }),
    );
  });
});
