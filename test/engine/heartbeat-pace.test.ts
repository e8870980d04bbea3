import { describe, expect, it } from 'vitest';
import { HeartbeatPace } from '../../src/engine/heartbeat-pace.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from '../support/fake-clock.js';

function paceOf(survives: Seconds | undefined): { clock: FakeClock; pace: HeartbeatPace } {
  const clock = new FakeClock();
  return { clock, pace: new HeartbeatPace(clock, () => survives) };
}

describe('the pace of heartbeats', () => {
  it.each([
    [undefined, 2],
    [0, 1],
    [4, 1],
    [20, 5],
    [240, 60],
    [7440, 60],
  ])('where %s s survive is one in %s s', (survives, interval) => {
    expect(paceOf(survives).pace.interval()).toBe(interval);
  });

  it('is halved by each loss, down to one a second', () => {
    const { pace } = paceOf(7440);
    pace.lost(60);
    expect(pace.interval()).toBe(30);
    pace.lost(30);
    expect(pace.interval()).toBe(15);
    pace.lost(60);
    expect(pace.interval()).toBe(7.5);
    for (let times = 0; times < 9; times++) pace.lost(1);
    expect(pace.interval()).toBe(1);
  });

  it('is half of what it was at the loss, not of what it may be', () => {
    const { pace } = paceOf(7440);
    pace.lost(10);
    expect(pace.interval()).toBe(5);
  });

  it('becomes slower by half after each hour without a loss, to a minute at most', async () => {
    const { clock, pace } = paceOf(7440);
    pace.lost(40);
    await clock.advance(3600);
    expect(pace.interval()).toBe(20);
    await clock.advance(1);
    expect(pace.interval()).toBe(40);
    await clock.advance(3600);
    expect(pace.interval()).toBe(40);
    await clock.advance(1);
    expect(pace.interval()).toBe(60);
  });
});
