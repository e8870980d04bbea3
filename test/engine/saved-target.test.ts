import { describe, expect, it } from 'vitest';
import { fromFormat1, parseSavedTarget, savedOf } from '../../src/engine/saved-target.js';
import { RFC5382_REQ5 } from '../../src/core/requirements.js';
import { TestBook } from '../../src/engine/test-book.js';

const NOW = 1_800_000_000;

function test(change: object = {}): object {
  return { at: NOW - 60, id: 1, idle: 30, verdict: { kind: 'alive' }, ...change };
}

function saved(mode: object, savedAt: unknown = NOW): unknown {
  return { path: 'p', savedAt, searches: [{ name: { mode: 'send' }, search: {}, at: 1, ...mode }] };
}

describe('parseSavedTarget()', () => {
  it.each([
    { at: 1e300 },
    { at: -1 },
    { at: NOW + 2 * 86_400 },
    { at: 8.64e15 },
    { idle: -1 },
    { idle: 1e10 },
    { id: -1 },
    { verdict: { kind: 'dead' } },
    { verdict: {} },
    { verdict: { evidence: 'nothing' } },
    { verdict: null },
  ])('leaves out a test with %j', (change) => {
    const found = parseSavedTarget(saved({ tests: [test(change), test({ id: 2 })] }), NOW);
    expect(savedOf(found, 'send')?.tests?.map(({ id }) => id)).toEqual([2]);
  });

  it.each([
    { at: 0 },
    { at: NOW + 86_400 },
    { idle: 0 },
    { id: 0 },
    { local: '192.0.2.1:5', seen: '192.0.2.2:5', remote: '192.0.2.3:5' },
    { verdict: { kind: 'dead', evidence: 'reset' } },
  ])('takes a test with %j', (change) => {
    const found = parseSavedTarget(saved({ tests: [test(change)] }), NOW);
    expect(savedOf(found, 'send')?.tests).toHaveLength(1);
  });

  it.each([{ at: NOW + 86_401 }, { local: 5 }, { seen: null }, { remote: {} }, { id: '1' }])(
    'takes no test with %j',
    (change) => {
      const found = parseSavedTarget(saved({ tests: [test(change)] }), NOW);
      expect(savedOf(found, 'send')?.tests).toEqual([]);
    },
  );

  it.each([
    [0, true],
    [255, true],
    [256, false],
    [-1, false],
    [1.5, false],
    ['3', false],
  ])('takes a search about router %j: %s', (hop, takes) => {
    const found = parseSavedTarget(saved({ name: { mode: 'send', hop } }), NOW);
    expect(found?.searches.map(({ name }) => name)).toEqual(takes ? [{ mode: 'send', hop }] : []);
  });

  it.each([{ path: 5 }, { savedAt: '5' }, { searches: {} }])(
    'makes nothing of a target with %j',
    (change) => {
      expect(parseSavedTarget({ ...(saved({}) as object), ...change }, NOW)).toBeUndefined();
    },
  );

  it('takes no list, and of a list of searches those that are some', () => {
    expect(parseSavedTarget([], NOW)).toBeUndefined();
    const search = { name: { mode: 'recv' }, search: 1, at: 0 };
    const found = parseSavedTarget({ path: 'p', savedAt: NOW, searches: [null, [], 5, search] }, NOW);
    expect(found?.searches).toEqual([{ ...search, tests: [], belowLower: [] }]);
  });

  it('leaves out deaths below the lower bound that do not say whether they were early', () => {
    const belowLower = [
      { at: 0, idle: 0, early: false },
      { at: 0, idle: 0 },
      { at: '0', idle: 0, early: true },
      null,
    ];
    expect(savedOf(parseSavedTarget(saved({ belowLower }), NOW), 'send')?.belowLower).toEqual([
      belowLower[0],
    ]);
  });

  it('leaves out moments and counts that cannot be', () => {
    const found = parseSavedTarget(
      saved({
        confirmedTimestamp: 1e300,
        conclusiveAt: -5,
        belowLower: [
          { at: 1e20, idle: 5, early: true },
          { at: NOW, idle: -5, early: true },
          { at: NOW, idle: 5, early: true },
        ],
      }),
      NOW,
    );
    expect(savedOf(found, 'send')).not.toHaveProperty('confirmedTimestamp');
    expect(savedOf(found, 'send')).not.toHaveProperty('conclusiveAt');
    expect(savedOf(found, 'send')?.belowLower).toEqual([{ at: NOW, idle: 5, early: true }]);
    for (const savedAt of [1e300, -1, NaN, null, '1'])
      expect(parseSavedTarget(saved({}, savedAt), NOW)).toBeUndefined();
  });

  it.each([1e308, -1e308, null, '1'])('leaves out a mode whose search was saved at %j', (at) => {
    expect(savedOf(parseSavedTarget(saved({ at }), NOW), 'send')).toBeUndefined();
  });

  it('takes no more tests than were ever kept, however many there are', () => {
    const tests = Array.from({ length: 1_000_000 }, (_, id) => test({ id }));
    const began = performance.now();
    const found = savedOf(parseSavedTarget(saved({ tests, belowLower: tests }), NOW), 'send');
    expect(found?.tests?.length).toBeLessThanOrEqual(1000);
    const book = new TestBook(500, found);
    expect(book.tests.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, at) => 999_500 + at));
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('moves what a clock noted that was years ahead or never set, and nothing else', () => {
    const mode = { tests: [test({ at: 0 })], confirmedTimestamp: 0 };
    const at = (savedAt: number, now: number) => {
      const noted = { ...mode, tests: [test({ at: savedAt - 60 })], confirmedTimestamp: savedAt - 60 };
      const found = savedOf(parseSavedTarget(saved(noted, savedAt), now), 'send');
      expect(found?.confirmedTimestamp).toBe(found?.tests?.[0]?.at);
      return found?.confirmedTimestamp;
    };
    expect(at(NOW - 86_400, NOW)).toBe(NOW - 86_460);
    expect(at(NOW + 10 * 365 * 86_400, NOW)).toBe(NOW - 60);
    expect(at(1000, NOW)).toBe(NOW - 60);
    expect(at(1000, 10)).toBe(-50);
    // The present clock is the one that was never set: what was saved is right.
    expect(at(NOW, 10)).toBe(NOW - 60);
  });

  it.each([{ mode: 'send', hop: 3 }, { mode: 'send', hop: 1.5 }, { mode: 'smoke' }, 'send'])(
    'does not take a search named %j for that of send over the whole path',
    (name: unknown) => {
      expect(savedOf(parseSavedTarget(saved({ name }), NOW), 'send')).toBeUndefined();
    },
  );
});

describe('fromFormat1()', () => {
  it('names each search by its mode and says what was required of it', () => {
    const before = {
      path: 'p',
      savedAt: NOW,
      modes: { recv: { at: 1, search: { options: { minIdle: 5 } } } },
    };
    expect(fromFormat1(before)).toEqual({
      path: 'p',
      savedAt: NOW,
      searches: [
        { name: { mode: 'recv' }, at: 1, search: { options: { minIdle: 5, required: RFC5382_REQ5.idle } } },
      ],
    });
  });

  it.each([5, {}, { options: 7 }, { options: [] }])('leaves a search of %j as it is', (search: unknown) => {
    expect(fromFormat1({ modes: { recv: { search } } })).toEqual({
      searches: [{ name: { mode: 'recv' }, search }],
    });
  });

  it.each([undefined, 5, 'x', {}, { modes: 5 }, { modes: { send: 5, recv: { search: { options: 7 } } } }])(
    'makes nothing of %j and does not mind',
    (state) => {
      expect(parseSavedTarget(fromFormat1(state), NOW)).toBeUndefined();
    },
  );
});
