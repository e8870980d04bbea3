/** Modes of one target count a minority of nodes together where they see the same, and for themselves where they do not. */
import { describe, expect, test } from 'vitest';
import { wellBeyond } from '../../../src/core/search/bracket.js';
import type { SearchOptions } from '../../../src/core/search/contract.js';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { isEnough } from '../../../src/core/search/minority-evidence.js';
import { NOTHING_POOLED, pooledWith, shared } from '../../../src/core/search/pooled.js';
import { toldToSiblings } from '../../../src/core/search/siblings.js';
import { watchQuestion } from '../../../src/core/search/questions.js';
import { createSearch, step } from '../../../src/core/search/step.js';
import { randomFrom } from '../../support/prng.js';
import { type Regime, SimulatedPath } from '../../support/simulated-nat.js';
import { driveTogether } from '../../support/virtual-driver.js';
import { deathsAt, draftWith, SHIPPED } from './drafts.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const FEW: SearchOptions = { ...SHIPPED, connections: 8 };

function pool(share: number, timeout: number, from = 0): Regime {
  return {
    from,
    nodes: [
      { timeout, share },
      { timeout: Infinity, share: 1 - share },
    ],
  };
}

/** Modes that each meet a path of their own; when each first showed a minority, and first 0. */
function watched(
  paths: readonly (readonly Regime[])[],
  {
    until,
    seed,
    search = FEW,
    strangers = false,
    eviction = 0.005,
    untilMixed = false,
    rounds = 300,
    applies = 'existing',
  }: {
    until: number;
    seed: number;
    search?: SearchOptions;
    strangers?: boolean;
    eviction?: number;
    untilMixed?: boolean;
    rounds?: number;
    applies?: 'existing' | 'refreshed';
  },
) {
  const random = randomFrom(seed);
  const seen = paths.map(() => ({ mixed: Infinity, zero: Infinity }));
  const runs = driveTogether(
    paths.map((regimes, mode) => ({
      search,
      path: new SimulatedPath({ regimes, eviction, applies }, random),
      rounds,
      until,
      observe: (state, at) => {
        const of = seen[mode];
        if (of === undefined) return false;
        if (state.census.mixed !== null) of.mixed = Math.min(of.mixed, at);
        if (state.compliant === false) of.zero = Math.min(of.zero, at);
        return untilMixed && seen.every(({ mixed }) => mixed < Infinity);
      },
    })),
    strangers,
  );
  return runs.map(({ state, announced }, mode) => ({
    finding: findingOf(state),
    announced,
    ...(seen[mode] ?? { mixed: Infinity, zero: Infinity }),
  }));
}

const alike = (...regimes: readonly Regime[]) => [regimes, regimes, regimes];

describe('modes of one target', () => {
  test('recognise a minority with few connections sooner together than alone', () => {
    const hours = (strangers: boolean): number =>
      [1, 2, 3, 4, 5, 6, 7, 8]
        .flatMap((seed) =>
          watched(alike(pool(0.1, 900)), { until: 4 * DAY, seed, strangers, untilMixed: true }),
        )
        .map(({ mixed }) => Math.min(mixed, 4 * DAY) / HOUR)
        .reduce((sum, each) => sum + each, 0) / 24;
    expect(hours(false)).toBeLessThan(0.8 * hours(true));
  });

  test('tell one share and one bracket', () => {
    for (const { finding } of watched(alike(pool(0.3, 900)), { until: 2 * DAY, seed: 3 })) {
      expect(finding).toMatchObject({ compliant: false });
      expect(finding.mixture?.shareLower).toBeLessThan(0.3);
      expect(finding.mixture?.shareUpper).toBeGreaterThan(0.3);
      expect(finding.lower).toBeLessThan(901);
      expect(finding.upper).toBeGreaterThanOrEqual(900);
    }
  });

  test('of which one alone dies accuse nobody else: a loose box with evictions', () => {
    const [send, recv, keepalive] = watched([[pool(0, 300)], [pool(1, 300)], [pool(0, 300)]], {
      until: 3 * DAY,
      seed: 4,
      eviction: 0.02,
    });
    for (const mode of [send, keepalive]) expect(mode).toMatchObject({ mixed: Infinity, zero: Infinity });
    expect(recv).toMatchObject({ mixed: Infinity, announced: [], finding: { compliant: false } });
    expect(recv?.finding.timeout).toBeCloseTo(300, -1);
  });

  test('of which one alone meets the minority measure it there, undiluted', () => {
    const [send, recv, keepalive] = watched([[pool(0, 300)], [pool(0.3, 300)], [pool(0, 300)]], {
      until: 2 * DAY,
      seed: 5,
    });
    for (const mode of [send, keepalive]) expect(mode).toMatchObject({ mixed: Infinity, zero: Infinity });
    expect(recv?.finding.mixture?.shareLower).toBeLessThan(0.3);
    expect(recv?.finding.mixture?.shareUpper).toBeGreaterThan(0.3);
  });

  test('take a drop that all see for a drop, also after evictions', () => {
    for (const seed of [1, 2, 3])
      for (const mode of watched(alike(pool(0, 7440), pool(1, 3600, DAY)), {
        until: 1.5 * DAY,
        seed,
        search: SHIPPED,
        eviction: 0.02,
      })) {
        expect(mode).toMatchObject({ mixed: Infinity, finding: { compliant: false } });
        expect(mode.announced.map(({ change }) => change)).toEqual(['drop']);
      }
  });

  test('take a rise that all see for a rise, with old connections that still die', () => {
    const search: SearchOptions = {
      ...SHIPPED,
      ...{ minIdle: 5, maxIdle: 40, resolution: 1, deadline: 2, guard: 0.5 },
    };
    const path = alike(pool(1, 20), pool(1, 10, 100), pool(1, 20, 150));
    const mixed = Array.from({ length: 3 }, (_, seed) =>
      watched(path, { until: 400, seed, search, eviction: 0, rounds: 5, applies: 'refreshed' }),
    ).flatMap((modes) => modes.map((mode) => mode.mixed));
    expect(mixed.filter((at) => at < Infinity)).toEqual([]);
  });

  test('take a rise that one of them sees for a rise, though the others survive for ever: a loose box', () => {
    const search: SearchOptions = {
      ...SHIPPED,
      ...{ minIdle: 5, maxIdle: 40, resolution: 1, deadline: 2, guard: 0.5 },
    };
    const rises = [pool(1, 30), pool(1, 10, 100), pool(1, 30, 150)];
    const [, recv] = watched([[pool(0, 30)], rises, [pool(0, 30)]], {
      until: 300,
      seed: 1,
      search,
      eviction: 0,
      rounds: 1,
      applies: 'refreshed',
    });
    expect(recv).toMatchObject({ mixed: Infinity, finding: { compliant: false } });
    expect(recv?.finding.timeout).toBeCloseTo(30, 0);
  });

  test('with a timeout of seconds show hardly ever a bracket that holds no timeout of the path', () => {
    const search = { ...FEW, minIdle: 2, maxIdle: 20 };
    let [wrong, total] = [0, 0];
    for (const seed of [1, 2, 3, 4, 5, 13]) {
      const random = randomFrom(seed);
      let [last, was] = [0, false];
      driveTogether([
        {
          search,
          path: new SimulatedPath({ regimes: [pool(0.3, 5)] }, random),
          rounds: 300,
          until: 2 * HOUR,
          observe: (state, at) => {
            if (was) wrong += at - last;
            total += at - last;
            last = at;
            const { timeout, lower = 0, mixture } = findingOf(state);
            was = mixture === undefined && timeout !== undefined && lower > 5;
            return false;
          },
        },
      ]);
    }
    expect(wrong / total).toBeLessThan(0.01);
  });
});

describe('a bracket near the longest idle time that may be asked', () => {
  test('can be divided by tests beyond it', () => {
    const options = { ...FEW, minIdle: 2, maxIdle: 20 };
    const draft = draftWith({ options, lower: 12.6 });
    draft.deaths = deathsAt(draft, 18.5, 18.6, 19);
    expect(wellBeyond(draft, 18.5)).toBeLessThan(watchQuestion(draft, 'upper'));
    expect(wellBeyond({ options: FEW }, 300)).toBe(322);
    expect(wellBeyond({ options: FEW }, 5000)).toBe(5100);
  });
});

describe('toldToSiblings()', () => {
  const opened = step(step(createSearch(SHIPPED), 0, { kind: 'start' }).state, 10, { kind: 'opened', id: 1 });
  const verdict = { kind: 'verdict', id: 1, idle: 20 } as const;

  test('tells what is conclusive, and how long ago the connection started', () => {
    const alive = { ...verdict, verdict: { kind: 'alive' } as const };
    expect(toldToSiblings(opened.state, 31, alive)).toEqual({ alive: true, idle: 20, age: 21 });
    expect(toldToSiblings(opened.state, 31, { ...alive, id: 999 })).toBeUndefined();
    const unclear = { kind: 'inconclusive', reason: 'canary_lost' } as const;
    expect(toldToSiblings(opened.state, 31, { ...verdict, verdict: unclear })).toBeUndefined();
  });

  test('does not tell an orderly close', () => {
    const dead = (evidence: 'closed' | 'silence') =>
      toldToSiblings(opened.state, 31, { ...verdict, verdict: { kind: 'dead', evidence } });
    expect(dead('closed')).toBeUndefined();
    expect(dead('silence')).toMatchObject({ alive: false });
  });
});

describe('what is counted of all modes', () => {
  const death = (since: number) => ({ idle: 300, since, alive: false });

  test('a death counts once a connection that is as young and as old lives', () => {
    let pooled = pooledWith(NOTHING_POOLED, { idle: 300, since: 900, alive: true });
    for (let count = 0; count < 12; count++) pooled = pooledWith(pooled, death(1000 + count));
    expect(pooled.scores.every((score) => score === 0)).toBe(true);
    // One that is older than they are says nothing: after a drop there are such.
    pooled = pooledWith(pooled, { idle: 7000, since: 950, alive: true });
    pooled = pooledWith(pooled, { idle: 200, since: 2000, alive: true });
    expect(pooled.unanswered).toHaveLength(12);
    expect(isEnough(pooledWith(pooled, { idle: 310, since: 2000, alive: true }).scores)).toBe(true);
  });

  test('deaths before which nobody as old was opened that lives prove nothing: the timeout has risen since', () => {
    let pooled = pooledWith(NOTHING_POOLED, { idle: 200, since: 900, alive: true });
    for (let count = 0; count < 12; count++) pooled = pooledWith(pooled, death(1000 + count));
    pooled = pooledWith(pooled, { idle: 310, since: 2000, alive: true });
    expect(pooled.between).toBe(0);
    expect(pooledWith(pooled, death(2100)).between).toBe(1);
  });

  test('a sibling that survived before says nothing about a rise here', () => {
    const before = { idle: 300, since: 900, alive: true };
    const told = (whose: 'own' | 'sibling') =>
      pooledWith(pooledWith(NOTHING_POOLED, before, whose), death(1000)).between;
    expect(told('own')).toBe(1);
    expect(told('sibling')).toBe(0);
  });

  test('siblings that die at another share are left out', () => {
    const tally = [
      { idle: 290, alive: 40, dead: 0 },
      { idle: 305, alive: 90, dead: 10 },
    ];
    const told = (alive: number, dead: number) =>
      shared({ tally, pooled: { others: [{ idle: 306, alive, dead }] } });
    expect(told(180, 22)).toMatchObject({ agrees: true, minority: { share: 32 / 302 } });
    expect(told(200, 0)).toMatchObject({ agrees: false, tally, minority: { share: 0.1 } });
    expect(told(0, 30)).toMatchObject({ agrees: false, tally });
  });
});
