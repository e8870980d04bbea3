import { describe, expect, it } from 'vitest';
import { Rest } from '../src/pause.js';
import { FakeClock } from './support/fake-clock.js';

describe('Rest', () => {
  const watched = (promise: Promise<void>): { done: boolean } => {
    const state = { done: false };
    void promise.then(() => (state.done = true));
    return state;
  };

  it('pauses as long as it was told, again and again', async () => {
    const clock = new FakeClock();
    const rest = new Rest(clock);
    for (let round = 0; round < 3; round++) {
      const pause = watched(rest.pause(10));
      await clock.advance(9);
      expect(pause.done).toBe(false);
      await clock.advance(1);
      expect(pause.done).toBe(true);
    }
    expect(rest.over).toBe(false);
  });

  it('ends the present pause and those to come', async () => {
    const clock = new FakeClock();
    const rest = new Rest(clock);
    const present = watched(rest.pause(10));
    rest.end();
    await clock.advance(0);
    expect(present.done).toBe(true);
    const next = watched(rest.pause(10));
    await clock.advance(0);
    expect(next.done).toBe(true);
    expect(rest.over).toBe(true);
    rest.end();
  });
});
