/** How far the bracket around the timeout has come. */
import { describe, expect, test } from 'vitest';
import { agreeingDeaths, resolutionOf } from '../../../src/core/search/bracket.js';
import { deathsAt, draftWith } from './drafts.js';

describe('deaths that agree with the upper bound', () => {
  test('are those within two resolutions of it: later ones speak of another timeout, or of none', () => {
    const draft = draftWith({ lower: 3595 });
    expect(resolutionOf(draft)).toBe(10);
    expect(agreeingDeaths({ ...draft, deaths: [] })).toBe(0);
    expect(agreeingDeaths({ ...draft, deaths: deathsAt(draft, 3600, 3620, 3620.1, 7000) })).toBe(2);
  });
});
