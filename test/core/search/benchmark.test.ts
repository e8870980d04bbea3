/** A seeded subset of the benchmark: no figure may fall below what the search is held to. */
import { describe, expect, test } from 'vitest';
import { FIGURES, SUBSET, standing } from '../../../bench/search/figures.js';

describe('search benchmark, seeded subset', () => {
  for (const figure of FIGURES)
    test(figure.name, { timeout: 60_000 }, () => {
      const measured = figure.measure(SUBSET);
      expect(standing(figure, measured), `measured ${measured.join(' · ')}`).not.toBe('below');
    });
});
