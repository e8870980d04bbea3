import { expect, test } from 'vitest';
import { showValue } from '../../src/config/problem.js';

test.each([
  ['45s', '45s'],
  ['5382', "'5382'"],
  [['send', 'recv'], '[send, recv]'],
  [{ a: { b: null } }, '{a: {b: null}}'],
  [new Map(), '{}'],
])('showValue() writes %j as it could stand in the file', (value, text) => {
  expect(showValue(value)).toBe(text);
});

test('showValue() shows the beginning of a value of any size', () => {
  expect(showValue('x'.repeat(40_000_000))).toBe(`${'x'.repeat(60)}…`);
  expect(showValue(Array.from({ length: 1_000_000 }, () => 'x'))).toMatch(/^\[x(, x)+,? ?…$/);
  // Nine times nine times nine …: small where it is shared, not to be written out.
  let bomb: unknown = ['x'];
  for (let level = 0; level < 9; level += 1) bomb = Array.from({ length: 9 }, () => bomb);
  expect(showValue(bomb)).toHaveLength(61);
});
