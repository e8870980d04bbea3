/** The reader of the text format that the tests on kernel NATs rely on. */
import { expect, test } from 'vitest';
import { allSeries, samples, series, total } from './metrics.js';

const PAGE = `# HELP nat_idle_timeout_upper_bound_seconds x
# TYPE nat_idle_timeout_upper_bound_seconds gauge
nat_idle_timeout_upper_bound_seconds{target="a",mode="send"} +Inf
nat_idle_timeout_upper_bound_seconds{target="a",mode="recv"} 20.5
up 1
odd{text="a \\"b\\", \\\\ and\\nc",empty=""} 1e-3
`;

test('series() gives the value of the one series with these labels', () => {
  expect(series(PAGE, 'nat_idle_timeout_upper_bound_seconds', { mode: 'recv' })).toBe(20.5);
  expect(series(PAGE, 'nat_idle_timeout_upper_bound_seconds', { mode: 'send' })).toBe(Infinity);
  expect(series(PAGE, 'up')).toBe(1);
});

test('series() tells absence from 0 and refuses to choose', () => {
  expect(series(PAGE, 'nat_idle_timeout_seconds')).toBeUndefined();
  expect(series(PAGE, 'nat_idle_timeout_upper_bound_seconds', { mode: 'keepalive' })).toBeUndefined();
  expect(() => series(PAGE, 'nat_idle_timeout_upper_bound_seconds', { target: 'a' })).toThrow('2 series');
});

test('total() and allSeries() take every matching series', () => {
  expect(allSeries(PAGE, 'nat_idle_timeout_upper_bound_seconds', { target: 'a' })).toHaveLength(2);
  expect(total(PAGE, 'nat_idle_timeout_upper_bound_seconds', { mode: 'recv' })).toBe(20.5);
  expect(total(PAGE, 'nothing')).toBe(0);
});

test('samples() undoes the escapes of label values and refuses what is no sample', () => {
  expect(samples(PAGE).at(-1)).toEqual({
    name: 'odd',
    labels: { text: 'a "b", \\ and\nc', empty: '' },
    value: 0.001,
  });
  expect(() => samples('<html>')).toThrow('not a sample');
});
