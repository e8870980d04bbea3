/** Whom more connections than usual excuse, and who is told that one had to make room. */
import { describe, expect, it, vi } from 'vitest';
import { Crowd } from '../../src/engine/crowd.js';
import { FakeClock } from '../support/fake-clock.js';

const idly = () => undefined;

describe('a Crowd', () => {
  it('excuses nobody while nobody has come', () => {
    expect(new Crowd(new FakeClock()).excuses(1e6)).toBe(false);
  });

  it('excuses all while somebody is there, and afterwards whoever was open then', async () => {
    const clock = new FakeClock();
    const crowd = new Crowd(clock);
    const [first, second] = [crowd.enter(idly), crowd.enter(idly)];
    expect(crowd.excuses(0)).toBe(true);
    first();
    expect(crowd.excuses(0)).toBe(true);
    second();
    await clock.advance(100);
    expect(crowd.excuses(101)).toBe(true);
    expect(crowd.excuses(99)).toBe(false);
  });

  it('counts who leaves twice once', async () => {
    const clock = new FakeClock();
    const crowd = new Crowd(clock);
    const leave = crowd.enter(idly);
    leave();
    await clock.advance(100);
    leave();
    expect(crowd.excuses(50)).toBe(false);
  });

  it('tells who is there that one had to make room, and not who has left', () => {
    const crowd = new Crowd(new FakeClock());
    const [gone, there] = [vi.fn(), vi.fn()];
    crowd.enter(gone)();
    // Whoever is told may leave at once.
    const leave = crowd.enter(() => leave());
    crowd.enter(there);
    crowd.evicted();
    expect(gone).not.toHaveBeenCalled();
    expect(there).toHaveBeenCalledOnce();
  });
});
