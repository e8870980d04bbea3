import { describe, expect, it } from 'vitest';
import { answeringCanary } from '../support/answering-canary.js';
import { FakeClock } from '../support/fake-clock.js';

const { signal } = new AbortController();

describe('a canary', () => {
  it('has lived until it answered last, and may be gone since it was asked in vain', async () => {
    const clock = new FakeClock();
    const born = clock.monotonic();
    const living = answeringCanary(clock, [
      [1, true],
      [8, false],
      [8, false],
    ]);
    expect(living).toMatchObject({ life: { from: born, to: born }, heardAt: undefined, goneAt: undefined });
    expect(living.death).toBeUndefined();
    await clock.advance(10);
    expect(await clock.settle(living.ask(8, signal), 20)).toBe(true);
    expect(living).toMatchObject({ life: { from: born, to: born + 11 }, goneAt: undefined });
    expect(living.death).toBeUndefined();
    await clock.advance(20);
    expect(await clock.settle(living.ask(8, signal), 20)).toBe(false);
    await clock.settle(living.ask(8, signal), 20);
    expect(living.goneAt).toBe(born + 31);
    expect(living.death).toEqual({ from: born, heard: born + 11, gone: born + 31, survivedSilence: 10 });
  });

  it('counts its longest silence, until it was asked', async () => {
    const clock = new FakeClock();
    const born = clock.monotonic();
    const living = answeringCanary(clock, [
      [5, true],
      [0, true],
      [0, true],
    ]);
    for (const pause of [3, 30, 2]) {
      await clock.advance(pause);
      await clock.settle(living.ask(8, signal), 20);
    }
    living.ended();
    expect(living.death).toMatchObject({ heard: born + 40, gone: born + 40, survivedSilence: 30 });
  });

  it('that never answered tells nothing by its end', () => {
    const clock = new FakeClock();
    const living = answeringCanary(clock, []);
    living.ended();
    expect(living.goneAt).toBe(clock.monotonic());
    expect(living.death).toBeUndefined();
  });

  it('is gone since its end, not since it was asked after it', async () => {
    const clock = new FakeClock();
    const ended = clock.monotonic();
    const living = answeringCanary(clock, [[1, false]]);
    living.ended();
    await clock.advance(5);
    await clock.settle(living.ask(8, signal), 20);
    living.ended();
    expect(living.goneAt).toBe(ended);
  });

  it('has stayed once it was heard 2 s after its welcome', async () => {
    const clock = new FakeClock();
    const living = answeringCanary(clock, [
      [1.9, true],
      [0.1, true],
    ]);
    await clock.settle(living.ask(8, signal), 20);
    expect(living.hasStayed).toBe(false);
    await clock.settle(living.ask(8, signal), 20);
    expect(living.hasStayed).toBe(true);
  });
});
