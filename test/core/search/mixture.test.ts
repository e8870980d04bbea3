/** What changes in the moment in which a minority of the nodes is believed in. */
import { describe, expect, test } from 'vitest';
import { NOTHING_COUNTED } from '../../../src/core/search/census.js';
import { countVerdict } from '../../../src/core/search/mixture.js';
import type { Draft } from '../../../src/core/search/state.js';
import { deathsAt, draftWith } from './drafts.js';

/** Beyond a closed bracket of 3600 s half of the connections live on; the next test makes it clear. */
function entering(fields: Partial<Draft> = {}): Draft {
  const draft = draftWith({ lower: 3595, compliantRun: 3, risen: 2, dropFrom: 7000 });
  draft.deaths = deathsAt(draft, 3605, 3606, 3607);
  draft.census = {
    ...NOTHING_COUNTED,
    beyond: [true, false, true, false, true, false, true, false, true, false, true],
    tally: [
      { idle: 3000, alive: 40, dead: 0 },
      { idle: 3700, alive: 15, dead: 15 },
    ],
  };
  Object.assign(draft, fields);
  countVerdict(draft, { idle: 3700, since: draft.now - 3700, alive: false }, false);
  return draft;
}

describe('a minority that forgets early', () => {
  test('is asked about up to the required time, and the requirement is not met', () => {
    const { census, compliant, compliantRun, suspicions, risen, dropFrom, launches } = entering();
    expect(census.mixed?.top).toBeGreaterThan(7435);
    expect(census.mixed).toMatchObject({ quiet: 0, streak: 0 });
    expect(census.tally).toHaveLength(2);
    expect({ compliant, compliantRun, suspicions, risen, dropFrom, launches }).toEqual({
      compliant: false,
      compliantRun: 0,
      suspicions: [],
      risen: 0,
      dropFrom: 0,
      launches: [],
    });
  });

  test('is a drop of a timeout that was published and is longer', () => {
    const announced = (timeout: number | undefined): number => {
      const published = { lower: 1, deaths: 3, ...(timeout !== undefined && { timeout }) };
      return entering({ published }).actions.filter(({ kind }) => kind === 'announce').length;
    };
    expect([announced(undefined), announced(3700), announced(7440)]).toEqual([0, 0, 1]);
  });
});
