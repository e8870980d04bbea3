import { expect, test } from 'vitest';
import { Backoff } from '../src/backoff.js';
import { randomFrom } from './support/prng.js';

test('Backoff doubles from 1 s to 60 s and starts anew after a success', () => {
  const backoff = new Backoff({ random: () => 0 });
  expect(Array.from({ length: 9 }, () => backoff.next())).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(backoff.failures).toBe(9);
  backoff.reset();
  expect([backoff.failures, backoff.next()]).toEqual([0, 1]);
});

test('Backoff keeps to other bounds, however often it fails', () => {
  const backoff = new Backoff({ first: 0.5, longest: 3, random: () => 0 });
  expect(Array.from({ length: 2000 }, () => backoff.next()).slice(0, 5)).toEqual([0.5, 1, 2, 3, 3]);
  expect(backoff.next()).toBe(3);
});

test('Backoff shortens each pause by up to a half, evenly, so that nobody keeps step', () => {
  const random = randomFrom(7);
  const pauses = Array.from({ length: 1000 }, () => {
    const backoff = new Backoff({ random });
    for (let failure = 0; failure < 6; failure += 1) backoff.next();
    return backoff.next();
  });
  expect(Math.min(...pauses)).toBeGreaterThan(30);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(60);
  for (let from = 30; from < 60; from += 6)
    expect(pauses.filter((pause) => pause >= from && pause < from + 6).length).toBeGreaterThan(140);
});
