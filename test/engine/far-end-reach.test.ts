import { afterEach, describe, expect, it } from 'vitest';
import { FarEndReach } from '../../src/engine/far-end-reach.js';
import { FarEndError } from '../../src/probe/path.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const stops: AbortController[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function start() {
  const clock = new FakeClock();
  const path = new FakePath(clock);
  const told: string[] = [];
  const stop = new AbortController();
  stops.push(stop);
  const reach = new FarEndReach({
    path,
    clock,
    random: () => 0,
    events: {
      reached: ({ instance }) => told.push(`reached ${instance}`),
      unreachable: (reason, remedy) => told.push(remedy === undefined ? reason : `${reason}, see ${remedy}`),
    },
  });
  return { clock, path, told, reach, stop };
}

describe('a far end', () => {
  it('is said to answer once a connection stayed, and from then on with each fresh connection', async () => {
    const { clock, told, reach, stop } = start();
    reach.stayed();
    expect(told).toEqual([]);
    expect(reach.inDoubt).toBe(false);
    reach.doubt('ends at once');
    expect(reach.inDoubt).toBe(true);
    const introduction = await clock.settle(reach.untilReached(stop.signal), 5);
    expect(introduction?.instance).toBe('a');
    expect(told).toEqual(['ends at once']);
    reach.stayed();
    reach.stayed();
    await clock.settle(reach.untilReached(stop.signal), 5);
    expect(told).toEqual(['ends at once', 'reached a', 'reached a']);
  });

  it('is tried again after ever longer pauses, up to 15 s, and at once the next time', async () => {
    const { clock, path, told, reach, stop } = start();
    path.passes = false;
    const reached = reach.untilReached(stop.signal);
    await clock.advance(3 + 1 + 3 + 2 + 3 + 4 + 3 + 8 + 3 + 15 + 3 + 14.9);
    expect(path.checks).toBe(6);
    expect(told).toEqual(Array.from({ length: 6 }, () => 'no answer within 3 s'));
    path.passes = true;
    await clock.settle(reached, 1);
    path.passes = false;
    void reach.untilReached(stop.signal);
    await clock.advance(3 + 1.1);
    expect(path.checks).toBe(9);
  });

  it('that nobody waits for any more is not spoken of', async () => {
    const { clock, path, told, reach, stop } = start();
    path.passes = false;
    const reached = reach.untilReached(stop.signal);
    await clock.advance(1);
    stop.abort();
    expect(await clock.settle(reached, 5)).toBeUndefined();
    expect(await reach.untilReached(stop.signal)).toBeUndefined();
    expect(told).toEqual([]);
    expect(path.checks).toBe(1);
  });

  it('that answers too late for whoever waited is not known', async () => {
    const { clock, path, told, reach, stop } = start();
    path.check = () =>
      new Promise((resolve) => {
        clock.after(1, () => resolve(path.introduction));
      });
    reach.stayed();
    const reached = reach.untilReached(stop.signal);
    stop.abort();
    expect(await clock.settle(reached, 5)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('says what has to be set right where nothing else helps', async () => {
    const { clock, path, told, reach, stop } = start();
    path.check = () => Promise.reject(new FarEndError('wrong token', { remedy: 'token_file' }));
    void reach.untilReached(stop.signal);
    await clock.advance(0.5);
    expect(told).toEqual(['wrong token, see token_file']);
  });
});
