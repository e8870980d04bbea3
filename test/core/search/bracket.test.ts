/** How far the bracket around the timeout has come. */
import { describe, expect, test } from 'vitest';
import { agreeingDeaths, phaseOf, resolutionOf } from '../../../src/core/search/bracket.js';
import { deathsAt, draftWith } from './drafts.js';

describe('deaths that agree with the upper bound', () => {
  test('are those within two resolutions of it: later ones speak of another timeout, or of none', () => {
    const draft = draftWith({ lower: 3595 });
    expect(resolutionOf(draft)).toBe(10);
    expect(agreeingDeaths({ ...draft, deaths: [] })).toBe(0);
    expect(agreeingDeaths({ ...draft, deaths: deathsAt(draft, 3600, 3620, 3620.1, 7000) })).toBe(2);
  });
});

describe('the phase', () => {
  test.each([
    ['climb', 'while nothing has died', 5000, []],
    ['track', 'where nothing has died until the longest idle time', 7800, []],
    ['refine', 'while the bracket is open', 3000, [3600, 3601, 3602]],
    ['refine', 'until enough deaths agree', 3595, [3600, 3601]],
    ['track', 'once the bracket is closed and confirmed', 3595, [3600, 3601, 3602]],
  ])('is %s %s', (phase, _when, lower, deaths) => {
    const draft = draftWith({ lower });
    expect(phaseOf({ ...draft, deaths: deathsAt(draft, ...deaths) })).toBe(phase);
  });
});
