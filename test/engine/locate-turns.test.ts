import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { LocateTurns } from '../../src/engine/locate-turns.js';
import { FakeClock } from '../support/fake-clock.js';

/** So many targets of a fleet, each asked again after a day. */
function start(targets: number, every = 86_400) {
  const clock = new FakeClock();
  const turns = new LocateTurns(clock);
  turns.fleet = Array.from({ length: targets }, () => every);
  const stop = new AbortController();
  // One signal for all of them; a real target has one of its own.
  setMaxListeners(0, stop.signal);
  const leaves: (() => void)[] = [];
  const ask = (times: number): void => {
    for (let time = 0; time < times; time++)
      void turns.turn(stop.signal).then((leave) => leave !== undefined && leaves.push(leave));
  };
  return { clock, turns, leaves, ask, stop };
}

describe('the turns of a fleet', () => {
  it('are one at a time, whoever asks first', async () => {
    const { clock, leaves, ask } = start(99);
    ask(3);
    await clock.advance(0);
    expect(leaves).toHaveLength(1);
    leaves[0]!();
    leaves[0]!();
    await clock.advance(0);
    expect(leaves).toHaveLength(2);
  });

  it('are as many at once as a hundredth of the targets', async () => {
    const { clock, leaves, ask, turns } = start(299);
    ask(10);
    await clock.advance(0);
    expect(leaves).toHaveLength(2);
    turns.fleet = Array.from({ length: 400 }, () => 86_400);
    await clock.advance(0);
    expect(leaves).toHaveLength(4);
  });

  it('come ten in a row, and then twice as often as every target is asked by itself', async () => {
    const { clock, leaves, ask } = start(10, 600);
    ask(30);
    for (let time = 0; time < 40; time++) {
      await clock.advance(0);
      for (const leave of leaves) leave();
    }
    expect(leaves).toHaveLength(10);
    await clock.advance(29);
    expect(leaves).toHaveLength(10);
    await clock.advance(1.1);
    expect(leaves).toHaveLength(11);
  });

  it('come to who comes first before all who wait longer, and in the order of asking among them', async () => {
    const { clock, turns, leaves, ask } = start(1);
    const order: string[] = [];
    const wait = (name: string, isFirst: boolean): void =>
      void turns.turn(new AbortController().signal, isFirst).then((leave) => {
        order.push(name);
        leave?.();
      });
    ask(1);
    await clock.advance(0);
    wait('again a', false);
    wait('first a', true);
    wait('again b', false);
    wait('first b', true);
    leaves[0]!();
    await clock.advance(0);
    expect(order).toEqual(['first a', 'first b', 'again a', 'again b']);
  });

  it('that nobody used count for nothing', async () => {
    const { clock, turns, leaves, ask } = start(10, 600);
    for (let time = 0; time < 20; time++)
      void turns.turn(new AbortController().signal).then((leave) => leave?.(false));
    ask(30);
    for (let time = 0; time < 40; time++) {
      await clock.advance(0);
      for (const leave of leaves) leave();
    }
    expect(leaves).toHaveLength(10);
  });

  it('are given where a start is due a rounding before its moment', async () => {
    // A clock whose timers come early by less than it tells, as sums of fractions do.
    const rounds: number[] = [];
    class Rounding extends FakeClock {
      override after(delay: number, run: () => void) {
        rounds.push(delay);
        return super.after(delay * (1 - 1e-12), run);
      }
    }
    const clock = new Rounding();
    const turns = new LocateTurns(clock);
    turns.fleet = Array.from({ length: 10 }, () => 600);
    const got: number[] = [];
    for (let time = 0; time < 12; time++)
      void turns.turn(new AbortController().signal).then((leave) => {
        got.push(clock.monotonic());
        leave?.();
      });
    for (let time = 0; time < 40; time++) await clock.advance(0);
    expect(got).toHaveLength(10);
    await clock.advance(90);
    expect(got).toHaveLength(12);
    // It is looked again after a moment, not at once: a wait of nothing never ends.
    expect(Math.min(...rounds)).toBeGreaterThanOrEqual(0.001);
    expect(rounds.length).toBeLessThan(10);
  });

  it('pass over whoever does not wait any more', async () => {
    const { clock, turns, leaves, ask } = start(1);
    ask(1);
    const gone = new AbortController();
    const waited = turns.turn(gone.signal);
    ask(1);
    await clock.advance(0);
    gone.abort();
    expect(await waited).toBeUndefined();
    expect(await turns.turn(gone.signal)).toBeUndefined();
    leaves[0]!();
    await clock.advance(0);
    expect(leaves).toHaveLength(2);
  });
});
