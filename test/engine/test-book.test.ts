import { describe, expect, it } from 'vitest';
import { TestBook } from '../../src/engine/test-book.js';
import { ALIVE, INTERRUPTED, makeTest } from '../support/fake-view.js';

const NOW = 1_700_000_000;
const DAY = 86_400;

describe('TestBook', () => {
  it('keeps the newest tests, and of those below the lower bound the survivals and the early deaths', () => {
    const book = new TestBook(2);
    for (const [id, idle] of [10, 20, 30].entries()) book.add(makeTest(id, idle, ALIVE, NOW), 20);
    book.addEarlyDeath(NOW, 5);
    expect(book.tests.map(({ idle }) => idle)).toEqual([20, 30]);
    expect(book.belowLower(NOW)).toEqual({ earlyDeaths: 1, testsBelowLower: 3 });
    book.lowerFell(15);
    expect(book.belowLower(NOW)).toEqual({ earlyDeaths: 1, testsBelowLower: 2 });
  });

  it('knows when a test had a verdict last, also after that test has made room for others and after a restart', () => {
    const book = new TestBook(3);
    expect(book.conclusiveAt).toBeUndefined();
    book.add(makeTest(1, 60, ALIVE, NOW), 0);
    for (let id = 2; id < 10; id++) book.add(makeTest(id, 60, INTERRUPTED, NOW + id), 0);
    expect(book.conclusiveAt).toBe(NOW);
    expect(new TestBook(3, book.save()).conclusiveAt).toBe(NOW);
    // A state file from before this was saved.
    expect(new TestBook(3, { tests: [makeTest(1, 60, ALIVE, NOW)] }).conclusiveAt).toBe(NOW);
  });
});

describe('the tests below the lower bound in a TestBook', () => {
  it('are counted for 24 h, the early deaths apart', () => {
    const book = new TestBook(500);
    book.addEarlyDeath(NOW, 20);
    book.add(makeTest(1, 30, ALIVE, NOW + DAY / 2), 100);
    expect(book.belowLower(NOW + DAY)).toEqual({ earlyDeaths: 1, testsBelowLower: 2 });
    expect(book.belowLower(NOW + DAY + 1)).toEqual({ earlyDeaths: 0, testsBelowLower: 1 });
    book.add(makeTest(2, 30, ALIVE, NOW + 2 * DAY), 100);
    expect(book.save().belowLower).toHaveLength(1);
  });

  it('are forgotten above a bound that fell, for good', () => {
    const book = new TestBook(500);
    book.addEarlyDeath(NOW, 20);
    book.addEarlyDeath(NOW, 50);
    book.lowerFell(30);
    expect(book.belowLower(NOW)).toEqual({ earlyDeaths: 1, testsBelowLower: 1 });
  });

  it('are no more than 500', () => {
    const book = new TestBook(1);
    for (let i = 0; i < 600; i++) book.addEarlyDeath(NOW + i, i);
    const { belowLower } = book.save();
    expect(belowLower).toHaveLength(500);
    expect(belowLower?.[0]?.idle).toBe(100);
  });

  it('go on with what was saved', () => {
    const saved = { belowLower: [{ at: NOW, idle: 20, early: true }] };
    expect(new TestBook(1, saved).belowLower(NOW)).toEqual({ earlyDeaths: 1, testsBelowLower: 1 });
  });
});
