import { expect, it } from 'vitest';
import { FINDING_EXPIRES_AFTER, isFresh } from '../../src/engine/expiry.js';
import { FakeClock } from '../support/fake-clock.js';

const clock = new FakeClock();
const HOUR = 3600;

it.each([
  ['just now', 0, true],
  ['a week ago', FINDING_EXPIRES_AFTER, true],
  ['longer than a week ago', FINDING_EXPIRES_AFTER + 1, false],
])('what was confirmed %s can be built upon: %s s, %s', (_when, ago, fresh) => {
  const saved = { search: {}, at: 0, confirmedTimestamp: clock.wall() - ago };
  expect(isFresh(saved, HOUR, clock)).toBe(fresh);
});

it('what was confirmed longer than a week ago is old, however newly it was saved', () => {
  const saved = { search: {}, at: 0, confirmedTimestamp: clock.wall() - FINDING_EXPIRES_AFTER - 1 };
  expect(isFresh(saved, 0, clock)).toBe(false);
});

it.each([
  [FINDING_EXPIRES_AFTER - HOUR, true],
  [FINDING_EXPIRES_AFTER + HOUR, false],
])('what was never confirmed is as old as its saving: %s s, fresh %s', (ago, fresh) => {
  expect(isFresh({ search: {}, at: 0 }, ago, clock)).toBe(fresh);
});
