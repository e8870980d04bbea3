/** How deaths below the bracket are weighed against survivals. */
import { describe, expect, test } from 'vitest';
import type { Draft } from '../../../src/core/search/state.js';
import { contradict, declareConfirmedDrop, suspect } from '../../../src/core/search/suspicion.js';
import { draftWith } from './drafts.js';

/** A suspicion of 3600 s about connections that started at 90 000 s and later. */
function suspecting(deaths = 2): Draft {
  const draft = draftWith({ lower: 7440 });
  for (let each = 0; each < deaths; each++)
    suspect(draft, { idle: 3600, since: 90_000 + each, at: draft.now });
  return draft;
}

const scoreOf = (draft: Draft): number | undefined => draft.suspicions[0]?.score;

describe('a suspicion', () => {
  test('is contradicted by a connection that is as young and lived as long', () => {
    const draft = suspecting();
    const before = scoreOf(draft) ?? 0;
    contradict(draft, { idle: 3600, since: 90_000, at: draft.now });
    expect(scoreOf(draft)).toBeLessThan(before);
  });

  test('is not contradicted by survivals of connections from before it: they may know the old behaviour only', () => {
    const draft = suspecting();
    const before = draft.suspicions;
    contradict(draft, { idle: 7440, since: 89_998, at: draft.now });
    expect(draft.suspicions).toEqual(before);
    contradict(draft, { idle: 3000, since: 89_998, at: draft.now });
    expect(draft.suspicions).toEqual(before);
  });

  test('becomes a drop however many old connections survive meanwhile', () => {
    const draft = suspecting(3);
    for (let each = 0; each < 9; each++)
      contradict(draft, { idle: 7440, since: 85_000 + each, at: draft.now });
    suspect(draft, { idle: 3600, since: 91_000, at: draft.now });
    declareConfirmedDrop(draft);
    expect(draft.deaths[0]?.idle).toBe(3600);
    expect(draft.drops).toEqual([draft.now]);
  });

  test('is given up once enough young connections have lived as long', () => {
    const draft = suspecting(1);
    for (let each = 0; each < 3; each++)
      contradict(draft, { idle: 3600, since: 92_000 + each, at: draft.now });
    expect(draft.suspicions).toEqual([]);
  });
});
