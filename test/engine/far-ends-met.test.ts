import { describe, expect, it } from 'vitest';
import { FarEndsMet } from '../../src/engine/far-ends-met.js';

/** Meets far ends at these seconds; says whether several answer after each. */
function meet(...welcomes: readonly (readonly [instance: string, at: number])[]): boolean[] {
  const met = new FarEndsMet();
  return welcomes.map(([instance, at]) => met.meet({ instance, moment: { earliest: at, latest: at + 0.1 } }));
}

describe('FarEndsMet', () => {
  it('knows several once one answers again after another one', () => {
    expect(meet(['a', 0], ['b', 10], ['a', 20], ['b', 30])).toEqual([false, false, true, true]);
  });

  it('takes one after the other for restarts', () => {
    expect(meet(['a', 0], ['a', 10], ['b', 20], ['b', 500], ['c', 510], ['c', 900])).not.toContain(true);
  });

  it('takes turns of a moment for one that hands over to the next', () => {
    expect(meet(['a', 0], ['b', 10], ['a', 10.1], ['b', 10.2], ['a', 14], ['b', 900])).not.toContain(true);
  });

  it('is not sure of an answer that was asked for before the other one answered', () => {
    const met = new FarEndsMet();
    met.meet({ instance: 'a', moment: { earliest: 0, latest: 1 } });
    met.meet({ instance: 'b', moment: { earliest: 20, latest: 20.1 } });
    expect(met.meet({ instance: 'a', moment: { earliest: 19, latest: 40 } })).toBe(false);
  });

  it('forgets who was not met for hours', () => {
    const day = meet(['a', 0], ['b', 10], ['a', 20], ['a', 7000], ['a', 14_000], ['a', 14_500]);
    expect(day).toEqual([false, false, true, true, true, false]);
  });

  it('does not take a far end for several that says another name each time', () => {
    const names = Array.from({ length: 200 }, (_, index) => [`name ${index}`, index * 10] as const);
    expect(meet(...names)).not.toContain(true);
  });
});
