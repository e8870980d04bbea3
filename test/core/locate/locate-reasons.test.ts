/** Why no box is looked for at present: each reason by itself. */
import { describe, expect, test } from 'vitest';
import { hindranceOf, type LocateReadings, whyIdle } from '../../../src/core/locate/locate-reasons.js';
import type { DueMode } from '../../../src/core/locate/locate-memory.js';
import type { Finding } from '../../../src/core/finding.js';

const LIMITS = { minIdle: 15, maxIdle: 7800, guard: 5 };
const FORGETS: Finding = {
  phase: 'track',
  lower: 895,
  upper: 905,
  timeout: 900,
  compliant: false,
  suspect: false,
  deaths: 3,
};
const CLIMBS: Finding = { phase: 'climb', lower: 600, suspect: false, deaths: 0 };

function readings(change: Partial<LocateReadings['verdict']> = {}, recv = FORGETS): LocateReadings {
  return { findings: { send: FORGETS, recv }, verdict: { conditions: [], leftOut: [], ...change } };
}

const why = (given: LocateReadings): string | undefined => hindranceOf(given, ['send', 'recv'], LIMITS);

describe('a box may be looked for', () => {
  test('where every mode has its finding', () => {
    expect(why(readings())).toBeUndefined();
  });

  test('whatever a mode says that says nothing of the mapping', () => {
    expect(why(readings({ leftOut: ['recv'] }, CLIMBS))).toBeUndefined();
  });
});

describe('none is looked for', () => {
  test.each([
    ['mixture', /part|some|share/i],
    ['connection_quota', /connections/],
    ['fixed_lifetime', /age|old|lifetime/],
    ['several_far_ends', /more than one responder/],
    ['proxy_closes', /clos/],
  ] as const)('with the condition %s', (condition, expected) => {
    expect(why(readings({ conditions: [condition] }))).toMatch(expected);
  });

  test('while an accusation is checked, a finding is in doubt or holds for some only, or one is missing', () => {
    expect(why(readings({ check: { modes: ['send'], words: '' } }))).toBe(
      'it is being checked with fewer connections first',
    );
    expect(why(readings({}, { ...FORGETS, suspect: true }))).toBe('a finding is in doubt');
    const mixture = { share: 0.3, shareLower: 0.2, shareUpper: 0.4, survived: 1000 };
    expect(why(readings({}, { ...FORGETS, mixture }))).toBe(why(readings({ conditions: ['mixture'] })));
    expect(why(readings({}, CLIMBS))).toBe('not every mode has its finding yet');
  });
});

describe('a mode is idle', () => {
  const due = (change: Partial<DueMode> = {}): DueMode => ({
    mode: 'send',
    lower: 895,
    upper: 905,
    at: 5000,
    what: 'box',
    ...change,
  });
  const said = (mode: 'send' | 'recv', recv: Finding, list: readonly DueMode[]): string =>
    whyIdle(mode, { findings: { send: FORGETS, recv } }, list, 1400);

  test.each([
    ['until its time has come', 'send', FORGETS, [due()], 'it is looked for again in 1 h 0 min'],
    ['until its turn', 'send', FORGETS, [due({ at: 1000 })], /^it waits for its turn/],
    ['as somebody closes', 'recv', { ...FORGETS, closed: true }, [due()], /^somebody closes connections/],
    ['as nothing forgets', 'recv', CLIMBS, [due()], 'no box that forgets is known in this mode'],
    ['beside another one', 'recv', FORGETS, [due()], 'it forgets when send does, where it is looked for'],
    ['where none can be asked', 'recv', FORGETS, [], 'nothing can be located in this mode'],
  ] as const)('%s', (_, mode, recv, list, expected) => {
    const text = said(mode, recv, list);
    if (typeof expected === 'string') expect(text).toBe(expected);
    else expect(text).toMatch(expected);
  });
});
