import { expect, test } from 'vitest';
import { RefusalWatch } from '../../src/net/refusal-watch.js';

test('RefusalWatch tells the state, not each refusal, and when it is over', () => {
  const lines: unknown[] = [];
  const log = {
    info: (fields: object, message: string) => lines.push(['info', fields, message]),
    warn: (fields: object, message: string) => lines.push(['warn', fields, message]),
  };
  const watch = new RefusalWatch(log, 'site', ['limit', 'accept']);
  const counts = { limit: 0, accept: 0, other: 0 };
  watch.look(counts, 100);
  counts.other = 5;
  watch.look(counts, 101);
  expect(lines).toEqual([]);
  counts.limit = 3;
  watch.look(counts, 102);
  const began = [
    'warn',
    { door: 'site', reasons: 'limit' },
    'callers are turned away, more than there is room for',
  ];
  expect(lines).toEqual([began]);
  // A refusal each half minute is one state.
  for (let now = 132; now < 400; now += 30) {
    counts.limit += 1;
    watch.look(counts, now);
    watch.look(counts, now + 29);
  }
  expect(lines).toEqual([began]);
  watch.look(counts, 500);
  const over = ['info', { door: 'site', turned_away: 12 }, 'callers are no longer turned away'];
  expect(lines).toEqual([began, over]);
  watch.look(counts, 1000);
  expect(lines).toHaveLength(2);
  counts.accept = 1;
  watch.look(counts, 1001);
  expect(lines[2]).toEqual([
    'warn',
    { door: 'site', reasons: 'accept' },
    'callers are turned away, more than there is room for',
  ]);
});
