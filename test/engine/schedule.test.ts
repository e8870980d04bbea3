import { createTask } from 'node-cron';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CronMoments, Schedule } from '../../src/engine/schedule.js';
import { FakeClock } from '../support/fake-clock.js';

const YEAR = 365 * 86_400;

describe('CronMoments', () => {
  afterEach(() => void vi.useRealTimers());

  const moments = [
    '2026-01-31T23:59:59.5Z',
    '2026-02-28T12:00:00Z',
    '2028-02-29T00:00:00Z',
    '1970-01-01T00:00:10Z',
  ];

  it.each([
    '* * * * * *',
    '*/7 * * * * *',
    '*/5 * * * *',
    '0 3 * * *',
    '30 15 10 1,15 * *',
    '0 0 L * *',
    '0 0 29 2 *',
    '0 9 * * 1#1',
    '0 0 12 * 1-6 5L',
    '@weekly',
  ])('%s: says what node-cron says', (expression) => {
    const ours = new CronMoments(expression);
    const task = createTask(expression, () => undefined);
    for (const moment of moments) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(moment) });
      const theirs = task.getNextRuns(20).map((date) => date.getTime() / 1000);
      vi.useRealTimers();
      let at = Date.parse(moment) / 1000;
      const found = theirs.map(() => (at = ours.after(at) ?? NaN));
      expect(found).toEqual(theirs);
    }
    void task.destroy();
  });
});

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
      const began = performance.now();
      await clock.advance(10);
      expect(performance.now() - began).toBeLessThan(1000);
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
