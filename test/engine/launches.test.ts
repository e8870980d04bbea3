import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Launches, type LaunchesOptions, type Slot } from '../../src/engine/launches.js';
import { RoundSpread } from '../../src/engine/round-spread.js';
import { FakeClock } from '../support/fake-clock.js';

function start(options: Partial<LaunchesOptions> = {}) {
  const clock = new FakeClock();
  const launches = new Launches({ clock, ...options });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const gone: { readonly target: string; readonly at: number; readonly slot: Slot | undefined }[] = [];
  const began = clock.monotonic();
  const ask = (target: string, times = 1, wanted: () => boolean = () => true): void => {
    for (let index = 0; index < times; index += 1)
      void launches
        .acquire(target, wanted, stop.signal)
        .then((slot) => gone.push({ target, at: clock.monotonic() - began, slot }));
  };
  return { clock, launches, stop, gone, ask };
}

describe('Launches', () => {
  it('lets all launches of one target with the default search go at once', async () => {
    const { clock, gone, ask, launches } = start();
    ask('a', 3 * 24);
    await clock.advance(0);
    expect(gone.map(({ at }) => at)).toEqual(Array(72).fill(0));
    expect(launches.taken).toBe(72);
  });

  it('never opens more a second than the bucket gives', async () => {
    const { clock, gone, ask } = start({ opensPerSecond: 200, burst: 100 });
    for (let target = 0; target < 50; target += 1) ask(`target ${target}`, 24);
    await clock.advance(10);
    expect(gone).toHaveLength(1200);
    for (const [index, { at }] of gone.entries()) expect(at).toBeCloseTo(Math.max(0, index - 99) / 200, 2);
  });

  it('gives every target a turn before any gets its second', async () => {
    const { clock, gone, ask } = start({ opensPerSecond: 10, burst: 1 });
    ask('greedy', 20);
    ask('b', 2);
    ask('c', 2);
    await clock.advance(0.65);
    expect(gone.map(({ target }) => target)).toEqual(['greedy', 'greedy', 'b', 'c', 'greedy', 'b', 'c']);
  });

  it('holds no more connections than the budget, and hands a place on when it is given back', async () => {
    const { clock, gone, ask, launches } = start({ budget: 3 });
    ask('a', 4);
    ask('b', 1);
    await clock.advance(60);
    expect(gone).toHaveLength(3);
    gone[0]?.slot?.release();
    gone[0]?.slot?.release();
    await clock.advance(1);
    expect(gone).toHaveLength(4);
    expect(launches.taken).toBe(3);
  });

  it('passes over what nobody wants any more, without a token or a place', async () => {
    const { clock, gone, ask, launches } = start({ budget: 1 });
    let wanted = true;
    ask('a');
    ask('a', 1, () => wanted);
    ask('b');
    await clock.advance(1);
    wanted = false;
    gone[0]?.slot?.release();
    await clock.advance(1);
    expect(gone.slice(1).map(({ target, slot }) => [target, slot !== undefined])).toEqual([
      ['a', false],
      ['b', true],
    ]);
    expect(launches.taken).toBe(1);
  });

  it('lets go of everybody who waits when the signal is aborted', async () => {
    const { clock, gone, ask, launches, stop } = start({ budget: 1 });
    ask('a', 5);
    await clock.advance(1);
    stop.abort();
    await clock.advance(0);
    expect(gone).toHaveLength(5);
    expect(launches.taken).toBe(1);
    // Nobody is left who would take the place.
    gone[0]?.slot?.release();
    await clock.advance(1);
    expect(launches.taken).toBe(0);
  });

  it('lets a turn that needs no place pass by launches that wait for one', async () => {
    const { clock, gone, ask, launches, stop } = start({ budget: 1 });
    ask('a', 3);
    await clock.advance(1);
    let turned = 0;
    for (const target of ['a', 'b']) void launches.turn(target, stop.signal).then(() => turned++);
    await clock.advance(0);
    expect(turned).toBe(2);
    expect(gone).toHaveLength(1);
  });

  it('serves those who wait when the budget grows', async () => {
    const { clock, gone, ask, launches } = start({ budget: 1 });
    ask('a', 3);
    await clock.advance(1);
    launches.budget = 3;
    await clock.advance(1);
    expect(gone).toHaveLength(3);
  });
});

describe('RoundSpread', () => {
  function fleet(count: number) {
    const clock = new FakeClock();
    const began = clock.monotonic();
    const rounds = new RoundSpread(clock);
    const at: number[][] = Array.from({ length: count }, () => []);
    const targets = at.map((times) => ({ round: () => void times.push(clock.monotonic() - began) }));
    return { clock, rounds, targets, at };
  }

  it('gives one target its round at once', () => {
    const { rounds, targets, at } = fleet(1);
    rounds.run(targets, 300);
    expect(at).toEqual([[0]]);
  });

  it('spreads thousands over half of the time until the next round', async () => {
    const { clock, rounds, targets, at } = fleet(3000);
    rounds.run(targets, 300);
    await clock.advance(150);
    const times = at.map(([time]) => time ?? Infinity);
    expect(Math.max(...times)).toBeCloseTo(150, 0);
    expect(times[1500]).toBeCloseTo(75, 0);
  });

  it('does not leave out those whose turn had not come when the next round begins', async () => {
    const { clock, rounds, targets, at } = fleet(4);
    rounds.run(targets, 4);
    await clock.advance(0.3);
    rounds.run(targets, 0);
    await clock.advance(0.1);
    expect(at.map((times) => times.length)).toEqual([2, 2, 1, 1]);
    expect(at[2]?.[0]).toBeLessThanOrEqual(at[0]?.[1] ?? 0);
  });
});
