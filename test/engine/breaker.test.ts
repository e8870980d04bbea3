import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/engine/breaker.js';
import { FakeClock } from '../support/fake-clock.js';

function start() {
  const clock = new FakeClock();
  const began = clock.monotonic();
  const changes: boolean[] = [];
  const breaker = new Breaker({ clock, random: () => 0.5, changed: (stay) => changes.push(stay) });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const passed: number[] = [];
  const ask = (times: number, then: (at: number) => void = () => undefined): void => {
    for (let each = 0; each < times; each += 1)
      void breaker
        .pass(() => true, stop.signal)
        .then((may) => {
          if (!may) return;
          passed.push(clock.monotonic() - began);
          then(clock.monotonic());
          breaker.settled();
        });
  };
  return { clock, breaker, changes, stop, passed, ask };
}

describe('Breaker', () => {
  it('lets everything pass at once while nothing is wrong', async () => {
    const { clock, passed, ask } = start();
    ask(72);
    await clock.advance(0);
    expect(passed).toEqual(Array(72).fill(0));
  });

  it('lets a few be under way at once: a far end that turns all away has met no more of them before we know', async () => {
    const { clock, breaker } = start();
    const { signal } = new AbortController();
    // As that of a path, to which each of its connections listens.
    setMaxListeners(0, signal);
    let passed = 0;
    for (let each = 0; each < 24; each += 1) void breaker.pass(() => true, signal).then(() => (passed += 1));
    await clock.advance(60);
    expect(passed).toBe(8);
    breaker.settled();
    breaker.settled();
    await clock.advance(0);
    expect(passed).toBe(10);
    breaker.failed(clock.monotonic());
    breaker.settled();
    await clock.advance(0);
    expect(passed).toBe(10);
  });

  it('lets nothing pass while no canary lives', async () => {
    const { clock, breaker, passed, ask } = start();
    breaker.hold();
    ask(3);
    await clock.advance(100);
    expect(passed).toEqual([]);
    breaker.release();
    await clock.advance(0);
    expect(passed).toHaveLength(3);
  });

  it('lets one at a time pass, ever less often, while connections do not stay', async () => {
    const { clock, breaker, changes, passed, ask } = start();
    ask(8, (at) => breaker.failed(at));
    await clock.advance(600);
    // The 8 of the first moment are one failure.
    expect(passed.filter((at) => at === 0)).toHaveLength(8);
    ask(100, (at) => breaker.failed(at));
    await clock.advance(600);
    const gaps = passed.slice(9).map((at, index) => at - (passed[index + 8] ?? 0));
    expect(gaps.map((gap) => Math.round(gap * 100) / 100).slice(0, 8)).toEqual([
      1.5, 3, 6, 12, 24, 45, 45, 45,
    ]);
    expect(changes).toEqual([false]);
  });

  it('lets all pass again, slowly, once a connection has lived 2 s', async () => {
    const { clock, breaker, changes, passed, ask } = start();
    breaker.failed(clock.monotonic());
    ask(30, (at) => breaker.opened(at, () => true));
    await clock.advance(20);
    expect(changes).toEqual([false, true]);
    expect(passed.length).toBeGreaterThan(25);
    const inOneSecond = passed.map((from) => passed.filter((at) => at >= from && at < from + 1).length);
    expect(Math.max(...inOneSecond)).toBeLessThanOrEqual(3);
  });

  it('forgets those that nobody wants any more', async () => {
    const { clock, breaker, passed, ask, stop } = start();
    breaker.hold();
    const unwanted = breaker.pass(() => false, stop.signal);
    expect(await unwanted).toBe(false);
    ask(2);
    stop.abort();
    breaker.release();
    await clock.advance(1);
    expect(passed).toEqual([]);
  });
});
