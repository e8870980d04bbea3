import { describe, expect, it } from 'vitest';
import { reviveSearch } from '../../../src/core/search/revive.js';
import { NOTHING_COUNTED } from '../../../src/core/search/census.js';
import { createSearch } from '../../../src/core/search/step.js';
import { SHIPPED } from './drafts.js';

const death = { idle: 300, since: -5, at: 300 };
/** A state in which every field says something. */
const SAVED = {
  ...createSearch(SHIPPED),
  connections: [{ id: 1, role: 'lower', state: 'testing', since: -5, testAt: 300, testedAt: 295 }],
  launches: [{ at: 400, role: 'ladder', testAt: 300 }],
  deaths: [death],
  survivals: [death],
  suspicions: [{ idle: 200, since: 1, raisedAt: 2, score: 5, deaths: [death], survived: 0 }],
  drops: [1],
  compliant: false,
  published: {
    lower: 290,
    upper: 300,
    timeout: 295,
    deaths: 3,
    mixture: { share: 0.2, shareLower: 0.1, shareUpper: 0.3, survived: 600 },
  },
  confirmedAt: 5,
  census: {
    ...NOTHING_COUNTED,
    tally: [{ idle: 300, alive: 1.5, dead: 2 }],
    beyond: [true],
    first: { idle: 300, since: -5 },
    mixed: { top: 300, quiet: 0.5, streak: 1 },
    pooled: {
      ...NOTHING_COUNTED.pooled,
      survivals: [{ idle: 300, since: 1 }],
      unanswered: [{ idle: 300, since: 1 }],
      others: [{ idle: 300, alive: 1, dead: 0 }],
    },
  },
  hint: { lower: 1, upper: 2, suspected: 3, starts: [-1] },
};

/** The saved state with another value at a path of keys. */
function withValue(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(SAVED)) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  const owner = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
  expect(owner).toHaveProperty(last);
  owner[last] = value;
  return copy;
}

const DURATIONS = [
  'lower',
  'droppedAt',
  'dropFrom',
  'slack',
  'answerTime',
  'connections.0.testAt',
  'launches.0.testAt',
  'deaths.0.idle',
  'survivals.0.idle',
  'suspicions.0.idle',
  'suspicions.0.survived',
  'published.lower',
  'published.upper',
  'published.timeout',
  'published.mixture.survived',
  'census.tally.0.idle',
  'census.first.idle',
  'census.mixed.top',
  'census.pooled.survivals.0.idle',
  'census.pooled.unanswered.0.idle',
  'census.pooled.others.0.idle',
  'hint.lower',
  'hint.upper',
  'hint.suspected',
];
const NUMBERS = [
  'now',
  'climbSince',
  'risenAt',
  'confirmedAt',
  'credit',
  'creditAt',
  'launchedAt',
  'drops.0',
  'connections.0.since',
  'connections.0.testedAt',
  'launches.0.at',
  'deaths.0.since',
  'deaths.0.at',
  'suspicions.0.since',
  'suspicions.0.raisedAt',
  'suspicions.0.score',
  'suspicions.0.deaths.0.at',
  'census.first.since',
  'census.pooled.survivals.0.since',
  'hint.starts.0',
];
const COUNTS = [
  'nextId',
  'risen',
  'compliantRun',
  'failures',
  'watched',
  'connections.0.id',
  'published.deaths',
  'census.witnesses',
  'census.mixed.streak',
  'census.pooled.between',
];
const SHARES = [
  'published.mixture.share',
  'published.mixture.shareLower',
  'published.mixture.shareUpper',
  'census.tally.0.alive',
  'census.tally.0.dead',
  'census.scores.0',
  'census.mixed.quiet',
  'census.pooled.scores.0',
];
const LISTS = [
  'connections',
  'launches',
  'deaths',
  'survivals',
  'suspicions',
  'suspicions.0.deaths',
  'drops',
  'census.tally',
  'census.scores',
  'census.beyond',
  'census.pooled.survivals',
  'hint.starts',
];
const RECORDS = [
  'connections.0',
  'published',
  'published.mixture',
  'census',
  'census.pooled',
  'census.mixed',
  'census.first',
  'hint',
];
const OTHERS: readonly [string, unknown][] = [
  ['format', 'another'],
  ['options', null],
  ['started', 1],
  ['compliant', 'no'],
  ['connections.0.state', 'gone'],
  ['connections.0.role', 7],
  ['launches.0.role', 7],
  ['census.beyond.0', 1],
  ['published.mixture.share', 1.01],
  ['census.scores', [0, 0, 0, 0]],
  ['census.scores', [0, 0, 0, 0, 0, 0]],
  ['drops', Array(10_001).fill(1)],
];

describe('reviveSearch()', () => {
  it('takes a state that is ours', () => {
    expect(reviveSearch(JSON.parse(JSON.stringify(SAVED)), SHIPPED)).toEqual(SAVED);
  });

  it.each([
    ...DURATIONS.flatMap((path) => [-1, 1e15, '5'].map((value) => [path, value] as const)),
    ...NUMBERS.flatMap((path) => [1e300, '5'].map((value) => [path, value] as const)),
    ...COUNTS.flatMap((path) => [-1, 0.5, '5'].map((value) => [path, value] as const)),
    ...SHARES.flatMap((path) => [-0.1, 2e9, '5'].map((value) => [path, value] as const)),
    ...LISTS.flatMap((path) => [{}, 5, 'x'].map((value) => [path, value] as const)),
    ...RECORDS.flatMap((path) => [[], 5].map((value) => [path, value] as const)),
    ...OTHERS,
  ])('takes none whose %s is %j', (path, value) => {
    expect(reviveSearch(withValue(path, value), SHIPPED)).toBeUndefined();
  });

  it('takes moments of before its own time, and what may be absent', () => {
    for (const path of NUMBERS) expect(reviveSearch(withValue(path, -1000), SHIPPED)).toBeDefined();
    for (const path of ['published', 'confirmedAt', 'compliant', 'census.first', 'census.mixed'])
      expect(reviveSearch(withValue(path, null), SHIPPED)).toBeDefined();
    for (const path of ['published.mixture', 'census.pooled', 'connections.0.testAt'])
      expect(reviveSearch(withValue(path, undefined), SHIPPED)).toBeDefined();
    expect(reviveSearch(withValue('drops', Array(10_000).fill(1)), SHIPPED)).toBeDefined();
  });

  it('takes none that was asked other questions, and one of another budget', () => {
    for (const change of [
      { minIdle: 16 },
      { maxIdle: 7801 },
      { resolution: 11 },
      { guard: 6 },
      { required: 7200 },
      { timing: 'at_launch' as const },
    ])
      expect(reviveSearch(SAVED, { ...SHIPPED, ...change })).toBeUndefined();
    const options = { ...SHIPPED, connections: 8, deadline: 4 };
    expect(reviveSearch(SAVED, options)?.options).toEqual(options);
    for (const nothing of [undefined, null, [], 'x']) expect(reviveSearch(nothing, SHIPPED)).toBeUndefined();
  });
});
