import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BoxRules, type Mapping, MappingTable } from '../../src/embedded/mapping-table.js';

/** A connection that knows when it was forgotten, in seconds since the test began. */
class Connection implements Mapping {
  readonly forgotten: number[] = [];

  forget(): void {
    this.forgotten.push(Math.round(performance.now() / 100) / 10);
  }
}

/** A box with some connections. */
function box(rules: BoxRules, connections: number, draw?: () => number) {
  const table = new MappingTable(rules, draw);
  const all = Array.from({ length: connections }, () => new Connection());
  for (const each of all) table.add(each);
  return { table, all, forgotten: () => all.map(({ forgotten }) => forgotten.join()) };
}

const pass = (seconds: number): void => {
  vi.advanceTimersByTime(1000 * seconds);
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('MappingTable', () => {
  it('forgets a connection once, its idle timeout after the last byte', () => {
    const { table, all, forgotten } = box({ idleTimeout: 10 }, 2);
    pass(6);
    expect(all[0] && table.touch(all[0])).toBe(true);
    pass(20);
    expect(forgotten()).toEqual(['16', '10']);
    expect(all.map((each) => table.touch(each))).toEqual([false, false]);
  });

  it('refuses traffic after the idle timeout even before its timer has fired', () => {
    const { table, all } = box({ idleTimeout: 10 }, 1);
    vi.setSystemTime(0);
    const now = performance.now();
    const late = vi.spyOn(performance, 'now').mockReturnValue(now + 10_000);
    expect(all[0] && table.touch(all[0])).toBe(false);
    late.mockRestore();
  });

  it('never forgets those that are not drawn', () => {
    const draws = [0.09, 0.1, 0.99, 0];
    const { table, all, forgotten } = box({ idleTimeout: 10, badShare: 0.1 }, 4, () => draws.shift() ?? 1);
    pass(86_400);
    expect(forgotten()).toEqual(['10', '', '', '10']);
    expect(all.map((each) => table.touch(each))).toEqual([false, true, true, false]);
  });

  it('keeps a quota: one more, and the one that was silent longest is forgotten', () => {
    const { table, all, forgotten } = box({ idleTimeout: 100, quota: 3 }, 3);
    pass(1);
    expect(all[0] && table.touch(all[0])).toBe(true);
    pass(1);
    table.add(new Connection());
    expect(forgotten()).toEqual(['', '2', '']);
    pass(1);
    table.add(new Connection());
    expect(forgotten()).toEqual(['', '2', '3']);
  });

  it('gives the place of a connection that ended to the next', () => {
    const { table, all, forgotten } = box({ idleTimeout: 100, quota: 2 }, 2);
    if (all[0]) table.delete(all[0]);
    table.add(new Connection());
    pass(50);
    expect(forgotten()).toEqual(['', '']);
  });

  it('ends every connection at one age, however busy it is', () => {
    const { table, all, forgotten } = box({ idleTimeout: 10, lifetime: 25 }, 2);
    for (let second = 0; second < 5; second += 1) {
      pass(5);
      if (all[0]) table.touch(all[0]);
    }
    expect(forgotten()).toEqual(['25', '10']);
  });
});
