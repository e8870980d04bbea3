/** A seeded subset of the benchmark: no figure may fall below what the search is held to. */
import { describe, expect, test } from 'vitest';
import { FEW_FIGURES, MODES_SUBSET, modeFigures } from '../../../bench/search/mode-figures.js';
import { FIGURES, SUBSET, standing } from '../../../bench/search/figures.js';

describe('search benchmark, seeded subset', () => {
  for (const figure of FIGURES)
    test(figure.name, { timeout: 60_000 }, () => {
      const measured = figure.measure(SUBSET);
      expect(standing(figure, measured), `measured ${measured.join(' · ')}`).not.toBe('below');
    });
});

describe('the modes of a target together, seeded subset', () => {
  const figures = [...modeFigures(24), ...FEW_FIGURES];
  for (const figure of figures.filter(({ dear = false }) => !dear))
    test(figure.name, { timeout: 120_000 }, () => {
      const measured = figure.measure(MODES_SUBSET);
      expect(standing(figure, measured), `measured ${measured.join(' · ')}`).not.toBe('below');
    });
});
