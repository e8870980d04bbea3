import { describe, expect, it } from 'vitest';
import { TestBook } from '../../src/engine/test-book.js';
import { ALIVE, INTERRUPTED, makeTest } from '../support/fake-view.js';

const NOW = 1_700_000_000;

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
