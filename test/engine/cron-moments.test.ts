import { createTask } from 'node-cron';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CronMoments } from '../../src/engine/cron-moments.js';

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
