import { expect, test } from 'vitest';
import type { Finding } from '../../../src/core/finding.js';
import { modesToLocate, refreshInterval } from '../../../src/core/locate/locatable.js';

const FOUND: Finding = { phase: 'track', lower: 58, upper: 62, timeout: 60, suspect: false, deaths: 3 };
const found = (timeout: number): Finding => ({ ...FOUND, lower: timeout - 2, upper: timeout + 2, timeout });
const ALIVE: Finding = { phase: 'track', lower: 7435, timeout: 7435, suspect: false, deaths: 0 };

test('modesToLocate() names one mode for each timeout', () => {
  expect(modesToLocate({ send: FOUND, recv: FOUND, keepalive: FOUND }, 5)).toEqual([
    { mode: 'send', lower: 58, upper: 62 },
  ]);
  expect(modesToLocate({ send: found(3600), recv: found(300) }, 5).map(({ mode }) => mode)).toEqual([
    'send',
    'recv',
  ]);
});

test('modesToLocate() looks in recv for what forgets in recv only', () => {
  expect(modesToLocate({ send: ALIVE, recv: FOUND, keepalive: ALIVE }, 5)).toEqual([
    { mode: 'recv', lower: 58, upper: 62 },
  ]);
});

test.each<[string, Partial<Finding>]>([
  ['is in doubt', { suspect: true }],
  ['is somebody closing connections', { closed: true }],
  ['died too few times', { deaths: 2 }],
  ['holds for a minority', { mixture: { share: 0.1, shareLower: 0.05, shareUpper: 0.2, survived: 7435 } }],
])('modesToLocate() refuses a finding that %s', (_name, change) => {
  expect(modesToLocate({ send: { ...FOUND, ...change } }, 5)).toEqual([]);
});

test('modesToLocate() refuses a timeout that is not bracketed', () => {
  const { timeout: _timeout, ...open } = FOUND;
  expect(modesToLocate({ send: open }, 5)).toEqual([]);
  expect(modesToLocate({ send: ALIVE }, 5)).toEqual([]);
  const { lower: _lower, ...unborn } = FOUND;
  expect(modesToLocate({ send: unborn }, 5)).toEqual([]);
});

test('refreshInterval() is an eighth of the shortest timeout of any mode, at most 55 s', () => {
  expect(refreshInterval({ send: found(3600) })).toBe(55);
  expect(refreshInterval({ send: found(3600), recv: found(82) })).toBe(10);
  expect(refreshInterval({ send: found(6) })).toBe(1);
  // What nothing dies of does not count.
  expect(refreshInterval({ send: found(3600), recv: { ...ALIVE, lower: 20 } })).toBe(55);
});
