import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Exposition } from '../../src/exporter/exposition.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

test('Exposition is due after a stretch, however little was written', () => {
  const out = new Exposition();
  expect(out.due).toBe(false);
  vi.advanceTimersByTime(4);
  expect(out.due).toBe(true);
});

test('Exposition does not count the time that its reader takes', () => {
  const out = new Exposition();
  vi.advanceTimersByTime(4);
  out.take();
  vi.advanceTimersByTime(1000);
  out.resume();
  expect(out.due).toBe(false);
  vi.advanceTimersByTime(3);
  expect(out.due).toBe(false);
  vi.advanceTimersByTime(1);
  expect(out.due).toBe(true);
});

test('Exposition is due at once when a piece is full, until it is taken', () => {
  const out = new Exposition();
  for (let index = 0; index < 2000; index++) out.sample('a_metric_with_a_long_name', 'mode="send"', index);
  expect(out.due).toBe(true);
  expect(out.take().split('\n')).toHaveLength(2001);
  expect(out.due).toBe(false);
});
