import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../src/audit/audit-summary.js';
import { groupsOf } from '../../src/audit/groups.js';
import type { AuditPath } from '../../src/audit/paths.js';
import {
  joined,
  partsOf,
  type Period,
  periodOf,
  runsOf,
  type Series,
  within,
  without,
  withPeriod,
} from '../../src/audit/period.js';

const DAY = 86_400;

function path(instance: string, state: AuditPath['state'], isp = 'north'): AuditPath {
  return { labels: { job: 'nat', instance, target: 'vps', isp }, state, stale: false, conditions: [] };
}
/** The verdicts of a path, one for each moment at which it was known. */
const verdicts = (instance: string, values: readonly number[], isp = 'north'): Series => ({
  metric: { target: 'vps', instance, isp, job: 'nat' },
  values: values.map((value, index) => [index, value]),
});

describe('periodOf()', () => {
  it.each([
    [30 * DAY, 21_600, 121],
    [DAY, 720, 121],
    [3600, 60, 61],
    [60, 60, 2],
    [90, 60, 2],
  ])('looks at %i s every %i s, %i times', (length, step, moments) => {
    const from = 1_790_000_000;
    expect(periodOf(from, from + length)).toEqual({ from, to: from + length, step, moments });
  });

  it('never looks before the beginning', () => {
    for (let length = 60; length < 100_000; length += 611) {
      const { from, to, step, moments } = periodOf(1000, 1000 + length);
      expect(to - step * (moments - 1)).toBeGreaterThanOrEqual(from);
    }
  });
});

describe('partsOf()', () => {
  const momentsOf = ({ to, step, moments }: Period): number[] =>
    Array.from({ length: moments }, (_, index) => to - step * (moments - 1 - index));

  it('asks each moment once, in the order of time, in four parts at most', () => {
    for (const length of [60, 90, 120, 180, 3600, DAY, 30 * DAY]) {
      const period = periodOf(1_790_000_000, 1_790_000_000 + length);
      const parts = partsOf(period);
      expect(parts.flatMap(momentsOf)).toEqual(momentsOf(period));
      expect(parts.length).toBe(Math.min(4, period.moments));
      for (const { from, to, step, moments } of parts)
        expect(from).toBeLessThanOrEqual(to - step * (moments - 1));
    }
  });

  it('joins what the parts answer by the labels, in whatever order they stand', () => {
    const [metric, same] = [
      { target: 'vps', instance: 'a' },
      { instance: 'a', target: 'vps' },
    ];
    const other = { target: 'vps', instance: 'b' };
    expect(
      joined([
        [
          {
            metric: { __name__: 'recorded', ...metric },
            values: [
              [10, 1],
              [20, 0],
            ],
          },
        ],
        [],
        [
          { metric: other, values: [[30, 0]] },
          { metric: same, values: [[30, 1]] },
        ],
      ]),
    ).toEqual([
      {
        metric,
        values: [
          [10, 1],
          [20, 0],
          [30, 1],
        ],
      },
      { metric: other, values: [[30, 0]] },
    ]);
  });
});

describe('runsOf() and without()', () => {
  // The beginning lies no whole number of steps before the end: moments at 1030, 1130, … 1930.
  const period: Period = { from: 1000, to: 1930, step: 100, moments: 10 };
  const at = (...moments: readonly number[]): Series[] =>
    moments.map((moment) => ({ metric: { instance: `${moment}` }, values: [[moment, 1]] }));

  it.each([
    [[], []],
    [[1030], [[1030, 1030, 1]]],
    [[1930], [[1930, 1930, 1]]],
    [
      [1130, 1229.9996, 1430.0004],
      [
        [1130, 1230, 2],
        [1430, 1430, 1],
      ],
    ],
    // Never beyond a part: the second begins at 1530 here.
    [
      [1430, 1530, 1630],
      [
        [1430, 1430, 1],
        [1530, 1630, 2],
      ],
    ],
  ] as const)('finds in moments %j the runs %j', (moments, runs) => {
    const parts = [
      { ...period, from: 1030, to: 1430, moments: 5 },
      { ...period, from: 1530, moments: 5 },
    ];
    expect(runsOf(parts, at(...moments)).map(({ from, to, moments: count }) => [from, to, count])).toEqual(
      runs,
    );
  });

  it('knows a moment by a cache that moves all of them back to whole steps of the clock', () => {
    expect(runsOf([{ ...period, from: 1030 }], at(1100, 1200))).toMatchObject([{ from: 1130, to: 1230 }]);
    const values = [
      [1000, 0],
      [1100, 1],
      [1200, 1],
    ] as const;
    expect(within(period, [{ metric: {}, values }], at(1100, 1800))).toEqual([
      { metric: {}, values: [[1100, 1]] },
    ]);
  });

  it('leaves out what a moment has that is asked otherwise, whoever has a value there', () => {
    const values = [
      [1030, 1],
      [1130, 0],
      [1930, 1],
    ] as const;
    const left = at(1129.9999, 1730);
    expect(without(period, [{ metric: {}, values }], left)).toEqual([
      {
        metric: {},
        values: [
          [1030, 1],
          [1930, 1],
        ],
      },
    ]);
  });
});

describe('a period', () => {
  const now = [
    path('same', 'compliant'),
    path('worse', 'not_compliant'),
    path('better', 'compliant'),
    path('new', 'unknown'),
    path('lost', 'unknown', 'south'),
  ];
  const before = [
    path('same', 'compliant'),
    path('worse', 'compliant'),
    path('better', 'not_compliant'),
    path('lost', 'compliant', 'south'),
    path('gone', 'not_compliant', 'south'),
  ];
  const history = [
    verdicts('same', [1, 1, 1, 1]),
    verdicts('worse', [1, 1, 0, 0]),
    verdicts('better', [0, 1]),
    verdicts('gone', [0, 0], 'south'),
  ];
  const { paths, gone } = withPeriod(now, history, before);
  const past = { moments: 4, gone };

  it('gives each path its share of the known time and its state at the beginning', () => {
    expect(paths.map(({ labels, share, before: then }) => [labels['instance'], share, then?.state])).toEqual([
      ['same', { compliant: 4, known: 4 }, 'compliant'],
      ['worse', { compliant: 2, known: 4 }, 'compliant'],
      ['better', { compliant: 1, known: 2 }, 'not_compliant'],
      ['new', undefined, undefined],
      ['lost', undefined, 'compliant'],
    ]);
    expect(gone.map(({ labels }) => labels['instance'])).toEqual(['gone']);
  });

  it('counts what changed: what is unknown now got neither better nor worse', () => {
    expect(summaryOf(paths, past).period).toEqual({
      compliant_share: 0.7,
      known_share: 0.5,
      before: {
        paths: 5,
        compliant: 3,
        not_compliant: 2,
        unknown: 0,
        compliant_share: 0.6,
        known_share: 0.6,
      },
      became_compliant: 1,
      became_not_compliant: 1,
      added: 1,
      gone: 1,
    });
  });

  it('counts for each group its own paths that are gone', () => {
    const groups = groupsOf(paths, ['isp'], 0, () => '', past);
    expect(groups.map(({ name, period }) => [name, period?.gone, period?.before?.paths])).toEqual([
      ['north', 0, 3],
      ['south', 1, 2],
    ]);
  });

  it('has no beginning and no share where nothing was known, and says no 0 for it', () => {
    const young = withPeriod([path('new', 'unknown')], [], []);
    const { period } = summaryOf(young.paths, { moments: 4, gone: young.gone });
    expect(period).toEqual({
      known_share: 0,
      became_compliant: 0,
      became_not_compliant: 0,
      added: 1,
      gone: 0,
    });
  });

  it('is absent where none was asked for', () => {
    expect(summaryOf(now)).not.toHaveProperty('period');
  });
});
