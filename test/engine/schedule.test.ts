import { describe, expect, it } from 'vitest';
import { Schedule } from '../../src/engine/schedule.js';
import { FakeClock } from '../support/fake-clock.js';

const YEAR = 365 * 86_400;

describe('Schedule', () => {
  function start(expression: string) {
    const clock = new FakeClock();
    const rounds: number[] = [];
    const schedule = new Schedule(clock, () => void rounds.push(clock.monotonic()));
    schedule.follow(expression);
    return { clock, rounds, schedule };
  }

  it.each([10 * YEAR, -10 * YEAR, 56 * YEAR, -53 * YEAR])(
    'goes on after a step of %d s, and does not make up for what was missed',
    async (step) => {
      const { clock, rounds, schedule } = start('* * * * * *');
      await clock.advance(10);
      expect(rounds).toHaveLength(10);
      clock.stepWall(step);
      // Work and not time: the machine may be busy with other things.
      const before = process.cpuUsage();
      await clock.advance(10);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1e6).toBeLessThan(1);
      expect(rounds.length).toBeGreaterThanOrEqual(18);
      expect(rounds.length).toBeLessThanOrEqual(21);
      schedule.stop();
    },
  );

  it('waits for the moment by the new clock when it is told of a step', async () => {
    const { clock, rounds, schedule } = start('0 0 1 1 *');
    await clock.advance(100);
    // A minute before the year ends.
    clock.stepWall(Date.parse(`${new Date().getFullYear() + 3}-12-31T23:59:00`) / 1000 - clock.wall());
    schedule.restart();
    await clock.advance(61);
    expect(rounds).toHaveLength(1);
    schedule.stop();
  });

  it('says how long it is until the next round', async () => {
    const clock = new FakeClock();
    const spans: number[] = [];
    const schedule = new Schedule(clock, (untilNext) => void spans.push(untilNext));
    schedule.follow('*/5 * * * *');
    await clock.advance(700);
    expect(spans).toEqual([300, 300]);
    schedule.stop();
    await clock.advance(700);
    expect(spans).toHaveLength(2);
  });
});
