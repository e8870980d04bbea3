/** Tests whose moment is fixed when a connection is opened. */
import { describe, expect, it } from 'vitest';
import { huntAppointed, searchAppointed } from '../../../src/core/search/appointed.js';
import { toldToSiblings } from '../../../src/core/search/siblings.js';
import type { Connection, Draft } from '../../../src/core/search/state.js';
import { deathsAt, draftWith, SHIPPED } from './drafts.js';

const OPTIONS = { ...SHIPPED, timing: 'at_launch' } as const;

function asking(...ages: readonly number[]): Connection[] {
  return ages.map((testAt, index) => ({
    id: 500 + index,
    role: 'ladder',
    state: 'idle',
    since: 99_000,
    testAt,
  }));
}

/** The ages that are asked about by what was opened. */
function opened(draft: Draft): (number | undefined)[] {
  return draft.actions.flatMap((action) => (action.kind === 'open' ? [action.testAt] : []));
}

function discarded(draft: Draft): number[] {
  return draft.actions.flatMap((action) => (action.kind === 'discard' ? [action.id] : []));
}

describe('a suspicion', () => {
  const suspicion = { idle: 3600, since: 90_000, raisedAt: 95_000, score: 5, deaths: [], survived: 0 };
  const hunting = (fields: Partial<Draft>): Draft => {
    const draft = draftWith({ options: OPTIONS, lower: 7440, suspicions: [suspicion], ...fields });
    huntAppointed(draft);
    return draft;
  };

  it('has as many witnesses launched as it needs deaths', () => {
    expect(opened(hunting({}))).toEqual([3600, 3600, 3600]);
  });

  it('counts those that are under way, of its own age and a tenth more', () => {
    expect(opened(hunting({ connections: asking(3600, 3959) }))).toEqual([3600]);
    expect(opened(hunting({ connections: asking(3599, 3961) }))).toEqual([3600, 3600, 3600]);
    expect(opened(hunting({ connections: asking(3600, 3600, 3600, 3600) }))).toEqual([]);
  });

  it('has no more than there is room for', () => {
    const connections = asking(...Array<number>(22).fill(100));
    expect(opened(hunting({ connections }))).toEqual([3600, 3600]);
  });
});

describe('a search at launch', () => {
  it('climbs with all its connections, and fills the gaps once the longest is asked about', () => {
    const draft = draftWith({ options: { ...OPTIONS, maxIdle: 100, connections: 30 }, started: true });
    searchAppointed(draft);
    const ages = opened(draft).map((age) => age ?? 0);
    const top = ages.indexOf(100);
    expect(ages[0]).toBe(15);
    expect(ages.slice(0, top + 1)).toEqual([...ages.slice(0, top + 1)].sort((a, b) => a - b));
    const gaps = [0, ...ages].sort((a, b) => a - b);
    // All of a ladder, then the middles of its widest gaps, until none is wider than the resolution.
    expect(ages.length).toBeGreaterThan(top + 1);
    expect(Math.max(...gaps.slice(2).map((age, index) => age - gaps[index + 1]!))).toBeLessThanOrEqual(10);
  });

  it('gives up what is below the bracket and well above it once something died', () => {
    const draft = draftWith({ options: OPTIONS, lower: 200, connections: asking(200, 421, 420, 201) });
    draft.deaths = deathsAt(draft, 400);
    searchAppointed(draft);
    expect(discarded(draft)).toEqual([500, 501]);
  });

  it('asks around the known values in a bracket first, then its widest gaps', () => {
    const draft = draftWith({ options: { ...OPTIONS, connections: 5 }, lower: 250 });
    draft.deaths = deathsAt(draft, 400);
    searchAppointed(draft);
    expect(opened(draft)).toEqual([295.5, 304.5, 345.5, 354.5, 272.75]);
    const begun = draftWith({ options: { ...OPTIONS, connections: 6 }, lower: 250 });
    begun.deaths = deathsAt(begun, 400);
    begun.connections = asking(380, 354.5, 345.5, 304.5, 295.5);
    searchAppointed(begun);
    expect(opened(begun)).toEqual([272.75]);
  });

  it('has a closed bracket confirmed by as many deaths as it lacks', () => {
    const draft = draftWith({ options: OPTIONS, lower: 295, connections: asking(305.5) });
    draft.deaths = deathsAt(draft, 305);
    searchAppointed(draft);
    expect(opened(draft)).toEqual([305.5]);
    const confirmed = draftWith({ options: OPTIONS, lower: 295 });
    confirmed.deaths = deathsAt(confirmed, 305, 306, 307);
    searchAppointed(confirmed);
    expect(opened(confirmed)).toEqual([]);
  });
});

describe('what a search tells its siblings', () => {
  const state = draftWith({ connections: asking(300) });
  const dead = { kind: 'dead', evidence: 'silence' } as const;
  const verdict = { kind: 'verdict', id: 500, idle: 290, verdict: dead } as const;

  it('is the verdict on a connection that it has, and its age', () => {
    expect(toldToSiblings(state, 99_308, verdict)).toEqual({ alive: false, idle: 290, age: 308 });
    expect(toldToSiblings(state, 99_300, { ...verdict, verdict: { kind: 'alive' } })?.alive).toBe(true);
    const [connection] = state.connections;
    const unknown = { ...state, connections: [{ ...connection!, since: undefined as never }] };
    expect(toldToSiblings(unknown, 99_308, verdict)?.age).toBe(290);
  });

  it('is nothing where nothing was forgotten or known', () => {
    const nothing = [
      { kind: 'tick' },
      { ...verdict, id: 501 },
      { ...verdict, verdict: { kind: 'inconclusive', reason: 'late' } },
      { ...verdict, verdict: { kind: 'dead', evidence: 'closed' } },
    ] as const;
    for (const event of nothing) expect(toldToSiblings(state, 99_308, event)).toBeUndefined();
  });
});
