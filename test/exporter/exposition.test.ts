import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SeriesExposition, TextExposition } from '../../src/exporter/exposition.js';
import { labelSet } from '../../src/exporter/label-set.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

test('TextExposition is due after a stretch, however little was written', () => {
  const out = new TextExposition();
  expect(out.due).toBe(false);
  vi.advanceTimersByTime(4);
  expect(out.due).toBe(true);
});

test('TextExposition does not count the time that its reader takes', () => {
  const out = new TextExposition();
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

test('TextExposition is due at once when a piece is full, until it is taken', () => {
  const out = new TextExposition();
  const labels = labelSet({ mode: 'send' });
  for (let index = 0; index < 2000; index++) out.sample('a_metric_with_a_long_name', index, labels);
  expect(out.due).toBe(true);
  expect(out.take().split('\n')).toHaveLength(2001);
  expect(out.due).toBe(false);
});

test('SeriesExposition takes from a registry what the text says of it, histograms and summaries included', async () => {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['kind'];
  new Gauge({ name: 'a', help: 'x', registers }).set(Number.NaN);
  new Counter({ name: 'b_total', help: 'x', labelNames, registers }).inc({ kind: 'ü"' }, 2.5);
  new Histogram({ name: 'c', help: 'x', labelNames, buckets: [0.5], registers }).observe({ kind: 'k' }, 3);
  new Summary({ name: 'd', help: 'x', percentiles: [0.9], registers }).observe(7);
  const text = new TextExposition();
  await text.registry(registry);
  const series = new SeriesExposition();
  await series.registry(registry);
  const lines = series.series.map(({ labels: { __name__: name = '', ...labels }, value }) => {
    const of = Object.keys(labels).length === 0 ? '' : `{${labelSet(labels).text}}`;
    return `${name}${of} ${Number.isNaN(value) ? 'Nan' : value}`;
  });
  expect(lines).toEqual([
    'a Nan',
    'b_total{kind="ü\\""} 2.5',
    'c_bucket{le="0.5",kind="k"} 0',
    'c_bucket{le="+Inf",kind="k"} 1',
    'c_sum{kind="k"} 3',
    'c_count{kind="k"} 1',
    'd{quantile="0.9"} 7',
    'd_sum 7',
    'd_count 1',
  ]);
  expect(
    text
      .take()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#')),
  ).toEqual(lines);
});
