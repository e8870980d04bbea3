import { expect, it } from 'vitest';
import { createSearch, step } from '../../src/core/search/step.js';
import { searchOptions } from '../../src/engine/judge.js';
import { beginSearch, FINDING_EXPIRES_AFTER } from '../../src/engine/restored-search.js';
import { FakeClock } from '../support/fake-clock.js';
import { makeConfig } from '../support/fake-view.js';

const clock = new FakeClock();
const HOUR = 3600;
const options = searchOptions(makeConfig('vps'), 'send', 'late');
const search = step(createSearch(options), 0, { kind: 'start' }).state;

/** Whether the search goes on with what was saved so many seconds ago. */
function goesOn(confirmedAgo: number | undefined, savedAgo: number): boolean {
  const confirmed = confirmedAgo === undefined ? {} : { confirmedTimestamp: clock.wall() - confirmedAgo };
  return (
    beginSearch(options, { saved: { search, at: 0, ...confirmed }, ago: savedAgo }, clock).saved !== undefined
  );
}

it.each([
  ['just now', 0, true],
  ['a week ago', FINDING_EXPIRES_AFTER, true],
  ['longer than a week ago', FINDING_EXPIRES_AFTER + 1, false],
])('what was confirmed %s can be built upon: %s s, %s', (_when, ago, fresh) => {
  expect(goesOn(ago, HOUR)).toBe(fresh);
});

it('what was confirmed longer than a week ago is old, however newly it was saved', () => {
  expect(goesOn(FINDING_EXPIRES_AFTER + 1, 0)).toBe(false);
});

it.each([
  [FINDING_EXPIRES_AFTER - HOUR, true],
  [FINDING_EXPIRES_AFTER + HOUR, false],
])('what was never confirmed is as old as its saving: %s s, fresh %s', (ago, fresh) => {
  expect(goesOn(undefined, ago)).toBe(fresh);
});

it('goes on at the time that the search would have by now', () => {
  const saved = { search, at: 100 };
  expect(beginSearch(options, { saved, ago: HOUR }, clock).now).toBe(100 + HOUR);
  expect(beginSearch(options, { saved, ago: -HOUR }, clock).now).toBe(100);
});

it('begins anew where there is nothing, or nothing sound', () => {
  const anew = { state: createSearch(options), now: 0 };
  expect(beginSearch(options, undefined, clock)).toEqual(anew);
  expect(beginSearch(options, { saved: { search: {}, at: 100 }, ago: 0 }, clock)).toEqual(anew);
});
