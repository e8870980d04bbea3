import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../src/audit/audit-summary.js';
import { groupsOf } from '../../src/audit/groups.js';
import type { Bound } from '../../src/audit/audit-document.js';
import { type Answers, type Labels, pathsOf, type Sample } from '../../src/audit/paths.js';

/** One mode of a path: its timeout and its upper bound; absent: no finding. */
type ModeFinding = {
  readonly timeout?: number;
  readonly lower?: number;
  readonly upper?: number;
  readonly compliant?: 0 | 1;
};

interface PathStory {
  readonly labels: Labels;
  readonly modes: Readonly<Record<string, ModeFinding>>;
  readonly stale?: boolean;
  readonly conditions?: readonly string[];
  readonly earlyDeaths?: readonly [ratio: number, lower: number, upper: number];
  /** The box of each mode by its place. */
  readonly boxes?: Readonly<Record<string, string>>;
}

const OPEN = { timeout: 7795, upper: Infinity, compliant: 1 } as const;
const SHORT = { timeout: 300, upper: 301, compliant: 0 } as const;

/** What Prometheus answers of such paths. The rule of compliance is that of the recording rules, written anew. */
function answersOf(stories: readonly PathStory[]): Answers {
  const live = stories.filter(({ stale }) => stale !== true);
  const series = (name: string, read: (finding: ModeFinding) => number | undefined): Sample[] =>
    live.flatMap(({ labels, modes }) =>
      Object.entries(modes).flatMap(([mode, finding]) => {
        const value = read(finding);
        return value === undefined ? [] : [{ metric: { __name__: name, mode, ...labels }, value }];
      }),
    );
  const verdict = ({ modes }: PathStory): number | undefined => {
    const found = Object.values(modes).map(({ compliant }) => compliant);
    return found.includes(0) ? 0 : found.includes(undefined) ? undefined : 1;
  };
  return {
    configured: live.map(({ labels, modes }) => ({ metric: labels, value: Object.keys(modes).length })),
    compliant: live.flatMap((story) => {
      const value = verdict(story);
      return value === undefined ? [] : [{ metric: story.labels, value }];
    }),
    timeouts: series('nat_idle_timeout_seconds', ({ timeout }) => timeout),
    lowerBounds: series('nat_idle_timeout_lower_bound_seconds', ({ lower }) => lower),
    upperBounds: series('nat_idle_timeout_upper_bound_seconds', ({ upper }) => upper),
    shortBounds: series('nat_idle_timeout_upper_bound_seconds', ({ upper, compliant }) =>
      compliant === 0 ? upper : undefined,
    ),
    conditions: live.flatMap(({ labels, conditions = [] }) =>
      conditions.map((condition) => ({ metric: { ...labels, condition }, value: 1 })),
    ),
    earlyDeaths: live.flatMap(({ labels, earlyDeaths = [] }) =>
      ['', '_lower_bound', '_upper_bound'].flatMap((suffix, index) => {
        const value = earlyDeaths[index];
        const metric = { __name__: `nat_idle_early_death_ratio${suffix}`, ...labels };
        return value === undefined ? [] : [{ metric, value }];
      }),
    ),
    boxes: live.flatMap(({ labels, boxes = {} }) =>
      Object.entries(boxes).map(([mode, place]) => ({
        metric: { __name__: 'nat_forgetting_box_info', ...labels, mode, hop: '3', kind: 'router', place },
        value: 1,
      })),
    ),
    stale: stories.filter(({ stale }) => stale === true).map(({ labels }) => ({ metric: labels, value: 1 })),
  };
}

const named = (instance: string, labels: Labels = {}): Labels => ({
  job: 'nat',
  instance,
  target: 'vps',
  ...labels,
});
const one = (modes: PathStory['modes'], stale = false) =>
  pathsOf(answersOf([{ labels: named('a'), modes, stale }]))[0];

describe('pathsOf()', () => {
  it('takes the smallest timeout over the modes, with its mode', () => {
    expect(one({ send: OPEN, recv: SHORT, keepalive: OPEN })).toEqual({
      labels: named('a'),
      state: 'not_compliant',
      stale: false,
      conditions: [],
      timeout: { seconds: 300, at_least: false, mode: 'recv' },
    });
  });

  it('shows a timeout above which nothing died as a lower bound', () => {
    expect(one({ send: OPEN, recv: OPEN })).toMatchObject({
      state: 'compliant',
      timeout: { seconds: 7795, at_least: true },
    });
  });

  it('prefers an exact timeout to an equal lower bound, which can only be longer', () => {
    const exact = { timeout: 7795, upper: 7800, compliant: 1 } as const;
    expect(one({ send: OPEN, recv: exact })?.timeout).toEqual({
      seconds: 7795,
      at_least: false,
      mode: 'recv',
    });
  });

  it('gives no timeout while a mode without a finding could still be shorter', () => {
    expect(one({ send: OPEN, recv: {} })).toEqual({
      labels: named('a'),
      state: 'unknown',
      stale: false,
      conditions: [],
    });
  });

  it('gives the timeout of a proven violation although other modes have no finding', () => {
    expect(one({ send: {}, recv: SHORT })?.timeout).toMatchObject({ seconds: 300, mode: 'recv' });
  });

  it('says below what a violation lies while its timeout is not known, and takes no longer mode for it', () => {
    expect(one({ send: OPEN, recv: { upper: 3605, compliant: 0 } })).toEqual({
      labels: named('a'),
      state: 'not_compliant',
      stale: false,
      conditions: [],
      below: { mode: 'recv', seconds: 3605 },
    });
  });

  it('takes no upper bound of a mode that is not proven for what a violation lies below', () => {
    const open = { upper: 3900, compliant: 0 } as const;
    // Keepalives are eaten at 15 s; a single death at 60 s.
    expect(one({ send: open, keepalive: { upper: 15 }, recv: { upper: 60 } })?.below).toEqual({
      mode: 'send',
      seconds: 3900,
    });
  });

  it('takes no timeout for the smallest while another mode is proven to forget earlier', () => {
    const later = { timeout: 3600, upper: 3605, compliant: 0 } as const;
    expect(one({ send: later, recv: { upper: 300, compliant: 0 } })).toEqual({
      labels: named('a'),
      state: 'not_compliant',
      stale: false,
      conditions: [],
      below: { mode: 'recv', seconds: 300 },
    });
    expect(one({ send: later, recv: { upper: 300 } })?.timeout).toMatchObject({
      seconds: 3600,
      mode: 'send',
    });
  });

  it('says every mode where the brackets of all of them may hold the same timeout', () => {
    const at = (lower: number, compliant: 0 | 1 = 0): ModeFinding => ({
      lower,
      timeout: lower + 1,
      upper: lower + 2,
      compliant,
    });
    expect(one({ send: at(300), recv: at(299), keepalive: at(301) })?.timeout).toEqual({
      seconds: 300,
      at_least: false,
      mode: 'recv',
      everyMode: true,
    });
    expect(one({ send: at(300), recv: at(297.9) })?.timeout).not.toHaveProperty('everyMode');
    // A mode of which nothing is known may be longer, and where there is one it is that one.
    expect(one({ send: at(300), recv: {} })?.timeout).not.toHaveProperty('everyMode');
    expect(one({ send: at(300) })?.timeout).not.toHaveProperty('everyMode');
    expect(one({ send: OPEN, recv: OPEN })?.timeout).toHaveProperty('everyMode');
  });

  it('says what survived so far in every mode while nothing else is known', () => {
    expect(one({ send: { lower: 900 }, recv: { lower: 50 } })).toMatchObject({ state: 'unknown', soFar: 50 });
    // A mode that survived nothing yet, a finding, a proven violation.
    expect(one({ send: { lower: 900 }, recv: {} })).not.toHaveProperty('soFar');
    expect(one({ send: { ...OPEN, lower: 7795 } })).not.toHaveProperty('soFar');
    expect(one({ send: { lower: 900 }, recv: { lower: 50, upper: 60, compliant: 0 } })).not.toHaveProperty(
      'soFar',
    );
  });

  it('gives each path its pool and its boxes, each once', () => {
    const [pool, located, other] = pathsOf(
      answersOf([
        { labels: named('a'), modes: { send: SHORT }, earlyDeaths: [0.05, 0.036, 0.077] },
        { labels: named('b'), modes: { send: SHORT }, boxes: { send: 'cgn_hop', recv: 'cgn_hop' } },
        { labels: named('c'), modes: { send: OPEN } },
      ]),
    );
    expect(pool?.earlyDeaths).toEqual({ ratio: 0.05, lower: 0.036, upper: 0.077 });
    expect(located?.boxes).toEqual([{ hop: '3', kind: 'router', place: 'cgn_hop' }]);
    expect([pool?.boxes, other?.earlyDeaths, other?.boxes]).toEqual([undefined, undefined, undefined]);
  });

  it('counts a path that is not watched any more as unknown', () => {
    expect(one({ send: OPEN }, true)).toEqual({
      labels: named('a'),
      state: 'unknown',
      stale: true,
      conditions: [],
    });
  });

  it('gives each path the conditions that were found on it, and counts the paths of each', () => {
    const found = pathsOf(
      answersOf([
        { labels: named('a'), modes: { send: OPEN }, conditions: ['several_far_ends', 'fixed_lifetime'] },
        { labels: named('b'), modes: { send: OPEN }, conditions: ['fixed_lifetime'] },
        { labels: named('c'), modes: { send: OPEN } },
      ]),
    );
    expect(found.map(({ conditions }) => conditions)).toEqual([
      ['fixed_lifetime', 'several_far_ends'],
      ['fixed_lifetime'],
      [],
    ]);
    expect(summaryOf(found).conditions).toEqual({ fixed_lifetime: 2, several_far_ends: 1 });
  });

  it('keeps paths apart that differ in any label only', () => {
    const labels = [named('a', { vantage: '1' }), named('a', { vantage: '2' })];
    expect(pathsOf(answersOf(labels.map((each) => ({ labels: each, modes: { send: OPEN } }))))).toHaveLength(
      2,
    );
  });

  it('knows of no path where Prometheus has none', () => {
    expect(pathsOf(answersOf([]))).toEqual([]);
  });
});

const exact = (seconds: number): Bound => ({ seconds, at_least: false });
const atLeast = (seconds: number): Bound => ({ seconds, at_least: true });

/** What a summary says of paths with these timeouts. */
function minimumOf(bounds: readonly Bound[]): Bound | undefined {
  return summaryWith(bounds).minimum;
}

function medianOf(bounds: readonly Bound[]): Bound | undefined {
  return summaryWith(bounds).median;
}

function summaryWith(bounds: readonly Bound[]) {
  const [unknown] = pathsOf(answersOf([{ labels: named('a'), modes: { send: {} } }]));
  if (unknown === undefined) throw new Error('no path');
  return summaryOf([
    unknown,
    ...bounds.map((timeout) => ({ ...unknown, timeout: { ...timeout, mode: 'send' } })),
  ]);
}

describe('minimum and median of a summary', () => {
  it('are absent, not 0, where nothing is known', () => {
    expect([minimumOf([]), medianOf([])]).toEqual([undefined, undefined]);
    expect(summaryOf(pathsOf(answersOf([{ labels: named('a'), modes: { send: {} } }])))).toEqual({
      paths: 1,
      compliant: 0,
      not_compliant: 0,
      unknown: 1,
      stale: 0,
      conditions: {},
      compliant_share: 0,
      compliant_share_bounds: [0, 0.7935],
      places: {},
      timeouts: 0,
    });
  });

  it.each([
    [[exact(300)], exact(300), exact(300)],
    [[exact(3600), exact(300)], exact(300), exact(300)],
    [[exact(3600), exact(300), atLeast(7795)], exact(300), exact(3600)],
    [[atLeast(7795), atLeast(7440), exact(8000)], atLeast(7440), atLeast(7795)],
    [[atLeast(500), exact(300), exact(600)], exact(300), atLeast(500)],
    [[atLeast(500), exact(500), exact(500)], exact(500), exact(500)],
  ])('of %j', (bounds, minimum, median) => {
    expect([minimumOf(bounds), medianOf(bounds)]).toEqual([minimum, median]);
  });

  it('hold whatever the timeouts turn out to be of which only a lower bound is known', () => {
    const bound = fc.record({ seconds: fc.integer({ min: 1, max: 20 }), at_least: fc.boolean() });
    const truth = fc.tuple(bound, fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(fc.array(truth, { minLength: 1, maxLength: 12 }), (world) => {
        const bounds = world.map(([each]) => each);
        const real = world
          .map(([each, more]) => each.seconds + (each.at_least ? more : 0))
          .sort((a, b) => a - b);
        for (const [said, is] of [
          [minimumOf(bounds), real[0]],
          [medianOf(bounds), real[Math.ceil(real.length / 2) - 1]],
        ] as const) {
          if (said?.at_least === true) expect(is).toBeGreaterThanOrEqual(said.seconds);
          else expect(is).toBe(said?.seconds);
        }
      }),
    );
  });

  it('never call a value a lower bound without need', () => {
    const bound = fc.record({ seconds: fc.integer({ min: 1, max: 20 }), at_least: fc.boolean() });
    fc.assert(
      fc.property(fc.array(bound, { minLength: 1, maxLength: 12 }), (bounds) => {
        const raised = bounds.map((each) => (each.at_least ? exact(each.seconds + 100) : each));
        for (const of of [minimumOf, medianOf]) {
          const said = of(bounds);
          if (said?.at_least === true) expect(of(raised)?.seconds).toBeGreaterThan(said.seconds);
        }
      }),
    );
  });
});

describe('summaryOf()', () => {
  const many = (count: number, modes: PathStory['modes'], more: Partial<PathStory> = {}): PathStory[] =>
    Array.from({ length: count }, (_, index) => ({
      labels: named(`${JSON.stringify(modes)} ${index}`),
      modes,
      ...more,
    }));

  it('has the share of the known paths beside that of all, both with their bounds', () => {
    const summary = summaryOf(
      pathsOf(
        answersOf([...many(5, { send: OPEN }), ...many(5, { send: SHORT }), ...many(10, { send: {} })]),
      ),
    );
    expect(summary).toMatchObject({
      compliant_share: 0.25,
      known_share: 0.5,
      known_share_bounds: [0.2366, 0.7634],
      compliant_share_bounds: [0.1119, 0.4687],
    });
    expect(summaryOf(pathsOf(answersOf(many(3, { send: {} }))))).not.toHaveProperty('known_share');
  });

  it('tells what young paths survived so far, and of how many', () => {
    const young = [50, 70, 60, 90].map(
      (lower, index): PathStory => ({
        labels: named(String(index)),
        modes: { send: { lower } },
      }),
    );
    expect(summaryOf(pathsOf(answersOf([...young, ...many(1, { send: SHORT })]))).so_far).toEqual({
      paths: 4,
      minimum_seconds: 50,
      median_seconds: 60,
    });
  });

  it('counts pools and places, a path once at each place', () => {
    const summary = summaryOf(
      pathsOf(
        answersOf([
          ...many(1, { send: SHORT }, { earlyDeaths: [0.05, 0.03, 0.08], boxes: { send: 'cgn_hop' } }),
          ...many(2, { send: OPEN }, { earlyDeaths: [0.12, 0.1, 0.2] }),
          ...many(1, { recv: SHORT }, { boxes: { send: 'cgn_hop', recv: 'private_hop' } }),
        ]),
      ),
    );
    expect(summary.pools).toEqual({ paths: 3, lowest: 0.05, highest: 0.12 });
    expect(summary.places).toEqual({ cgn_hop: 2, private_hop: 1 });
  });
});

describe('groupsOf()', () => {
  const nameOf = ({ labels }: { labels: Labels }): string => labels['instance'] ?? '';
  const finding = fc.constantFrom<ModeFinding>(
    OPEN,
    SHORT,
    {},
    { upper: Infinity },
    { timeout: 9000, upper: 9010, compliant: 1 },
  );
  const story = fc.record({
    labels: fc.record({
      job: fc.constant('nat'),
      instance: fc.integer({ min: 0, max: 10_000 }).map(String),
      target: fc.constant('vps'),
      isp: fc.constantFrom('a', 'b', ''),
    }),
    modes: fc.record({ send: finding, recv: finding }),
    stale: fc.boolean(),
  });
  const stories = fc.uniqueArray(story, {
    minLength: 1,
    maxLength: 30,
    selector: ({ labels }) => labels.instance,
  });

  it('puts each path into exactly one group and counts it in exactly one state', () => {
    fc.assert(
      fc.property(stories, (world) => {
        const groups = groupsOf(pathsOf(answersOf(world)), ['isp'], 3, nameOf);
        const sum = (read: (summary: ReturnType<typeof summaryOf>) => number): number =>
          groups.reduce((total, group) => total + read(group), 0);
        expect(sum(({ paths }) => paths)).toBe(world.length);
        expect(sum(({ stale }) => stale)).toBe(world.filter(({ stale }) => stale).length);
        for (const { labels: own, worst, ...summary } of groups) {
          const mine = world.filter(({ labels }) => (labels.isp || null) === own['isp']);
          expect(summary.paths).toBe(mine.length);
          expect(summary.compliant + summary.not_compliant + summary.unknown).toBe(mine.length);
          const proven = mine.filter(
            ({ stale, modes }) => !stale && Object.values(modes).some((m) => m.compliant === 0),
          );
          expect(summary.not_compliant).toBe(proven.length);
          expect(summary.compliant_share).toBe(summary.compliant / mine.length);
          expect(summary.minimum === undefined).toBe(summary.timeouts === 0);
          expect(worst.length).toBeLessThanOrEqual(3);
          // Not 7795, above which nothing died.
          for (const each of worst) expect([300, 9000]).toContain(each.timeout_seconds);
        }
      }),
    );
  });

  it('gives the same whatever the order of the answers', () => {
    fc.assert(
      fc.property(stories, (world) => {
        const shuffled = [...world].reverse();
        expect(groupsOf(pathsOf(answersOf(shuffled)), ['isp'], 5, nameOf)).toEqual(
          groupsOf(pathsOf(answersOf(world)), ['isp'], 5, nameOf),
        );
      }),
    );
  });

  it('begins with the largest share of proven violations, and takes no unknown path for one', () => {
    const paths = pathsOf(
      answersOf([
        { labels: named('a', { isp: 'unknown' }), modes: { send: {} } },
        { labels: named('b', { isp: 'bad' }), modes: { send: SHORT } },
        { labels: named('c', { isp: 'bad' }), modes: { send: OPEN } },
        { labels: named('d', { isp: 'good' }), modes: { send: OPEN } },
      ]),
    );
    expect(groupsOf(paths, ['isp'], 5, nameOf).map(({ name }) => name)).toEqual(['bad', 'unknown', 'good']);
  });

  it('tells a missing label from every value, and combinations from each other', () => {
    const paths = pathsOf(
      answersOf([
        { labels: named('a', { isp: '(none)', site: 'x' }), modes: { send: OPEN } },
        { labels: named('b', { site: 'x' }), modes: { send: OPEN } },
        { labels: named('c', { isp: '(none)' }), modes: { send: OPEN } },
      ]),
    );
    expect(groupsOf(paths, ['isp', 'site'], 0, nameOf).map(({ labels }) => labels)).toEqual(
      expect.arrayContaining([
        { isp: '(none)', site: 'x' },
        { isp: null, site: 'x' },
        { isp: '(none)', site: null },
      ]),
    );
  });
});
