/** What a search does in the situations that a user meets. */
import { describe, expect, test, vi } from 'vitest';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { reviveSearch } from '../../../src/core/search/revive.js';
import { createSearch, connectionsOf, step } from '../../../src/core/search/step.js';
import type { SearchState } from '../../../src/core/search/state.js';
import type { SearchAction, SearchOptions } from '../../../src/core/search/contract.js';
import { randomFrom } from '../../support/prng.js';
import { SimulatedPath, steadyPath } from '../../support/simulated-nat.js';
import type { PathOptions } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';

vi.setConfig({ testTimeout: 60_000 });

const shipped: SearchOptions = {
  minIdle: 15,
  maxIdle: 7800,
  resolution: 10,
  connections: 24,
  deadline: 8,
  guard: 5,
  required: 7440,
  timing: 'late',
};
const embedded: SearchOptions = { ...shipped, deadline: 2 };
const lab: SearchOptions = { ...shipped, minIdle: 2, maxIdle: 40, resolution: 0.5, deadline: 2 };
const kernelLike = { alive: 0.25, dead: 0.05 };

function settle(search: SearchOptions, timeout: number, more: Partial<PathOptions> = {}): SearchState {
  return drive({
    search,
    path: steadyPath(timeout, randomFrom(7), more),
    rounds: 300,
    until: 4 * Math.min(timeout, search.maxIdle) + 1000,
  }).state;
}

/** When a timeout was first published. */
function firstPublished(search: SearchOptions, timeout: number, more: Partial<PathOptions> = {}): number {
  return drive({
    search,
    path: steadyPath(timeout, randomFrom(7), more),
    rounds: 300,
    until: 10_000,
    inexactness: kernelLike,
    observe: (state) => {
      const finding = findingOf(state);
      return finding.timeout !== undefined && finding.compliant !== undefined;
    },
  }).at;
}

describe('a first search', () => {
  test('finds the embedded NAT of 60 s within 85 s, by silence', () => {
    expect(firstPublished(embedded, 60)).toBeLessThan(85);
  });

  test('finds the embedded NAT of 60 s within 70 s, by a RST at expiry', () => {
    expect(firstPublished(embedded, 60, { expiry: 'reset_idle' })).toBeLessThan(70);
  });

  for (const resolution of [0.5, 1])
    for (const minIdle of [2, 5, 15])
      test(`closes the bracket of 20 s at a resolution of ${resolution} s from ${minIdle} s on, though verdicts are inexact`, () => {
        const search = { ...lab, minIdle, resolution };
        expect(firstPublished(search, 20)).toBeLessThan(45);
        const run = drive({
          search,
          path: steadyPath(20, randomFrom(7)),
          rounds: 5,
          until: 300,
          inexactness: kernelLike,
        });
        expect(Math.abs((findingOf(run.state).timeout ?? 0) - 20)).toBeLessThanOrEqual(0.5);
      });

  test('does not take slow survivors for deaths (a keepalive judged by 12 s of silence)', () => {
    const run = drive({
      search: shipped,
      path: steadyPath(7440, randomFrom(7)),
      rounds: 300,
      until: 20_000,
      answerTime: 12,
      observe: (state) => findingOf(state).phase === 'track',
    });
    expect(findingOf(run.state)).toMatchObject({ compliant: true });
    expect(run.at).toBeLessThan(1.35 * 7440);
  });

  test('shows a lower bound from the first survivor on and nothing that it does not know', () => {
    const run = drive({ search: shipped, path: steadyPath(3600, randomFrom(7)), until: 60 });
    const finding = findingOf(run.state);
    expect(finding.phase).toBe('climb');
    expect(finding.lower).toBeGreaterThan(40);
    expect(finding).not.toHaveProperty('upper');
    expect(finding).not.toHaveProperty('timeout');
    expect(finding).not.toHaveProperty('compliant');
    expect(finding).not.toHaveProperty('confirmedAt');
  });

  test('claims neither a timeout nor compliance when max_idle survives below 7440 s', () => {
    const finding = findingOf(settle({ ...shipped, maxIdle: 3000 }, 86_400));
    expect(finding).toMatchObject({ phase: 'track', lower: expect.closeTo(3000, 0) as number });
    expect(finding).not.toHaveProperty('timeout');
    expect(finding).not.toHaveProperty('compliant');
  });

  test('judges by what is required of it, whatever that is', () => {
    const brief = { ...shipped, required: 240 };
    expect(findingOf(settle(brief, 300))).toMatchObject({ phase: 'track', compliant: true });
    expect(Math.abs((findingOf(settle(brief, 300)).timeout ?? 0) - 300)).toBeLessThanOrEqual(5);
    expect(findingOf(settle(brief, 200))).toMatchObject({ phase: 'track', compliant: false });
    const never = findingOf(settle({ ...brief, maxIdle: 250 }, 86_400));
    expect(never).toMatchObject({ phase: 'track', compliant: true });
    expect(never.timeout).toBeGreaterThanOrEqual(240);
  });

  test('claims non-compliance but no timeout when nothing survives min_idle', () => {
    const finding = findingOf(settle({ ...shipped, minIdle: 120 }, 60));
    expect(finding).toMatchObject({ phase: 'track', compliant: false });
    expect(finding).not.toHaveProperty('timeout');
    expect(finding).not.toHaveProperty('lower');
  });

  test('takes a false death back when its siblings survive longer', () => {
    let deaths = 0;
    let state = createSearch(shipped);
    const run = drive({
      search: shipped,
      path: steadyPath(3600, randomFrom(11), { eviction: 0.02 }),
      rounds: 300,
      until: 30_000,
      observe: (now, _, __, event) => {
        deaths += Number(event.kind === 'verdict' && event.verdict.kind === 'dead' && event.idle < 3500);
        state = now;
        return false;
      },
    });
    expect(deaths).toBeGreaterThan(0);
    expect(findingOf(state).timeout).toBeCloseTo(3600, -1);
    expect(run.announced).toEqual([]);
  });
});

describe('the verdict on REQ-5', () => {
  for (const timeout of [7436, 7440, 7445, 86_400])
    test(`${timeout} s reads compliant, as soon as 7440 s less the guard survived`, () => {
      const run = drive({
        search: shipped,
        path: steadyPath(timeout, randomFrom(7)),
        rounds: 300,
        until: 20_000,
        observe: (state) => findingOf(state).compliant !== undefined,
      });
      expect(findingOf(run.state).compliant).toBe(true);
      expect(run.at).toBeLessThan(7437);
      expect(findingOf(settle(shipped, timeout)).compliant).toBe(true);
    });

  for (const timeout of [300, 7200, 7429, 7430, 7434])
    test(`${timeout} s does not`, () => {
      const finding = findingOf(settle(shipped, timeout));
      expect(finding.compliant).toBe(false);
      expect(finding.timeout).toBeLessThan(7440);
    });

  test('is asked once, not for ever, when there is no guard and verdicts are inexact', () => {
    for (const [timeout, compliant] of [
      [86_400, true],
      [6998.6, false],
    ] as const) {
      const run = drive({
        search: { ...shipped, minIdle: 2, resolution: 0.5, deadline: 1, guard: 0, connections: 64 },
        path: steadyPath(timeout, randomFrom(1)),
        rounds: 300,
        until: 10_000,
        inexactness: { alive: 0.2, dead: 0.05 },
        observe: (state) => findingOf(state).phase === 'track',
      });
      expect(findingOf(run.state)).toMatchObject({ phase: 'track', compliant });
    }
  });

  test('holds with any budget', () => {
    for (const connections of [2, 3, 8, 130])
      for (const [timeout, compliant] of [
        [7440, true],
        [7430, false],
      ] as const) {
        const run = drive({
          search: { ...shipped, connections },
          path: steadyPath(timeout, randomFrom(7)),
          rounds: 300,
          until: 150_000,
          observe: (state) => findingOf(state).phase === 'track',
        });
        expect(findingOf(run.state).compliant).toBe(compliant);
      }
  });
});

describe('a search in the steady state', () => {
  const changing = (applies: 'existing' | 'refreshed'): SimulatedPath =>
    new SimulatedPath(
      {
        applies,
        regimes: [
          { from: 0, nodes: [{ timeout: 20, share: 1 }] },
          { from: 100, nodes: [{ timeout: 10, share: 1 }] },
          { from: 400, nodes: [{ timeout: 20, share: 1 }] },
        ],
      },
      randomFrom(3),
    );

  for (const applies of ['existing', 'refreshed'] as const)
    for (const rounds of [1, 5])
      test(`follows 20 → 10 → 20 s (${applies} mappings, rounds every ${rounds} s) and announces both changes once`, () => {
        const published: number[] = [];
        const run = drive({
          search: lab,
          path: changing(applies),
          rounds,
          until: 700,
          inexactness: kernelLike,
          observe: (state, at) => {
            if (at < 100) published[0] = findingOf(state).timeout ?? 0;
            if (at > 350 && at < 400) published[1] = findingOf(state).timeout ?? 0;
            published[2] = findingOf(state).timeout ?? 0;
            return false;
          },
        });
        expect(published.map((value) => Math.round(value))).toEqual([20, 10, 20]);
        expect(run.announced.map(({ change }) => change)).toEqual(['drop', 'rise']);
        expect(run.earlyDeaths).toBeGreaterThanOrEqual(4);
      });

  test('opens only on a round', () => {
    const state = settle(shipped, 300);
    expect(findingOf(state).phase).toBe('track');
    const opens = (actions: readonly SearchAction[]): number =>
      actions.filter(({ kind }) => kind === 'open').length;
    const later = state.now + 10_000;
    expect(opens(step(state, later, { kind: 'tick' }).actions)).toBe(0);
    expect(opens(step(state, later, { kind: 'round' }).actions)).toBeGreaterThan(0);
  });

  test('keeps its finding through a mapping loss and an interruption, and starts no alarm', () => {
    const before = findingOf(settle(shipped, 3600));
    for (const kind of ['mapping_loss', 'interrupted'] as const) {
      const state = settle(shipped, 3600);
      const after = step(state, state.now + 1, { kind }).state;
      expect(connectionsOf(after)).toEqual([]);
      expect(findingOf(after)).toEqual(before);
    }
    const run = drive({
      search: shipped,
      path: steadyPath(3600, randomFrom(7), { reboots: [{ from: 20_000, to: 20_060 }] }),
      rounds: 300,
      until: 60_000,
    });
    expect(run.announced).toEqual([]);
    expect(findingOf(run.state).timeout).toBeCloseTo(3600, 0);
  });

  test('asks nothing beyond a limit, gives up what was known there, and goes on when the limit is gone', () => {
    const settled = settle(shipped, 3600);
    const limited = step(settled, settled.now + 1, { kind: 'limit', maxIdle: 290 });
    expect(limited.actions.filter(({ kind }) => kind === 'discard')).toHaveLength(settled.connections.length);
    expect(findingOf(limited.state)).toMatchObject({ phase: 'track', lower: 290, deaths: 0 });
    expect(findingOf(limited.state).upper).toBeUndefined();
    expect(findingOf(limited.state).compliant).toBeUndefined();
    const asked: number[] = [];
    const run = drive({
      search: shipped,
      from: limited.state,
      path: steadyPath(3600, randomFrom(7)),
      rounds: 300,
      until: limited.state.now + 20_000,
      observe: (state, _at, actions) => {
        for (const action of actions)
          if (action.kind === 'test')
            asked.push(state.connections.find(({ id }) => id === action.id)?.testAt ?? 0);
        return false;
      },
    });
    expect(asked.length).toBeGreaterThan(20);
    expect(Math.max(...asked)).toBeLessThanOrEqual(291);
    const { state } = step(run.state, run.state.now + 1, { kind: 'limit', maxIdle: shipped.maxIdle });
    const again = drive({
      search: shipped,
      from: state,
      path: steadyPath(3600, randomFrom(7)),
      rounds: 300,
      until: state.now + 20_000,
    });
    expect(findingOf(again.state)).toMatchObject({ phase: 'track', compliant: false });
    expect(findingOf(again.state).timeout).toBeCloseTo(3600, -1);
  });

  test('keeps what it knows below a limit', () => {
    const settled = settle(shipped, 100);
    const { state } = step(settled, settled.now + 1, { kind: 'limit', maxIdle: 290 });
    expect(findingOf(state)).toMatchObject({ phase: 'track', deaths: findingOf(settled).deaths });
    expect(findingOf(state).upper).toBe(findingOf(settled).upper);
  });

  test('tries a far end that is down ever more slowly, and is quick again once it is up', () => {
    const opens: number[] = [];
    const run = drive({
      search: shipped,
      path: steadyPath(300, randomFrom(7), { outages: [{ from: 0, to: 7200 }] }),
      rounds: 300,
      until: 8000,
      observe: (_, at, actions) => {
        for (const action of actions) if (action.kind === 'open') opens.push(at);
        return false;
      },
    });
    const tries = (from: number, to: number): number => opens.filter((at) => at >= from && at < to).length;
    expect(tries(0, 300)).toBeGreaterThan(2 * tries(3000, 3300));
    expect(tries(3000, 3300)).toBeGreaterThanOrEqual(shipped.connections);
    expect(findingOf(run.state)).toMatchObject({ phase: 'track', timeout: expect.closeTo(300, 0) as number });
  });

  test('spends at most 3000 packets a day at 7440 s', () => {
    const search = shipped;
    const path = steadyPath(7440, randomFrom(7));
    const from = drive({ search, path, rounds: 300, until: 40_000 });
    const to = drive({ search, path, rounds: 300, until: 40_000 + 86_400 });
    expect((to.opened - from.opened) * 10).toBeLessThanOrEqual(3000);
  });
});

describe('reviveSearch()', () => {
  const saved: unknown = JSON.parse(JSON.stringify(settle(shipped, 3600)));

  test('takes a saved search back with its finding, which goes on being checked', () => {
    const state = reviveSearch(saved, shipped);
    if (state === undefined) throw new Error('the state was refused');
    expect(findingOf(state).timeout).toBeCloseTo(3600, 0);
    const run = drive({
      search: shipped,
      path: steadyPath(3600, randomFrom(9)),
      rounds: 300,
      until: state.now + 20_000,
      from: state,
    });
    expect(findingOf(run.state).confirmedAt).toBeGreaterThan(state.now);
  });

  test('invents nothing for a search that was saved while it climbed', () => {
    const climbing = drive({ search: shipped, path: steadyPath(3600, randomFrom(7)), until: 100 }).state;
    const state = reviveSearch(JSON.parse(JSON.stringify(climbing)), shipped);
    if (state === undefined) throw new Error('the state was refused');
    const after = step(state, 5000, { kind: 'interrupted' });
    expect(findingOf(after.state)).toEqual(findingOf(climbing));
    expect(after.actions.some(({ kind }) => kind === 'open')).toBe(true);
  });

  test('accepts another budget and another deadline', () => {
    expect(reviveSearch(saved, { ...shipped, connections: 8, deadline: 3 })).toBeDefined();
  });

  const foreign: [string, unknown, SearchOptions][] = [
    ['nothing', undefined, shipped],
    ['a number', 5, shipped],
    ['an empty object', {}, shipped],
    ['another format', { ...(saved as object), format: 0 }, shipped],
    ['a bound that is no number', { ...(saved as object), lower: 'long' }, shipped],
    ['deaths that are none', { ...(saved as object), deaths: [{ idle: null }] }, shipped],
    ['another longest idle time', saved, { ...shipped, maxIdle: 600 }],
    ['another resolution', saved, { ...shipped, resolution: 1 }],
    ['another requirement', saved, { ...shipped, required: 240 }],
    ['another timing', saved, { ...shipped, timing: 'at_launch' }],
  ];
  for (const [what, json, options] of foreign)
    test(`refuses ${what}`, () => {
      expect(reviveSearch(json, options)).toBeUndefined();
    });
});

describe('a search whose tests are appointed at launch', () => {
  const appointed: SearchOptions = { ...shipped, timing: 'at_launch' };

  test('gives every connection its idle time and never asks for a test', () => {
    const asked: SearchAction[] = [];
    const run = drive({
      search: appointed,
      path: steadyPath(350, randomFrom(7)),
      rounds: 300,
      until: 3000,
      observe: (_, __, actions) => {
        asked.push(...actions);
        return false;
      },
    });
    expect(asked.some(({ kind }) => kind === 'test')).toBe(false);
    for (const action of asked)
      if (action.kind === 'open') expect(action.testAt).toBeGreaterThanOrEqual(appointed.minIdle);
    expect(findingOf(run.state)).toMatchObject({ phase: 'track', compliant: false });
    expect(Math.abs((findingOf(run.state).timeout ?? 0) - 350)).toBeLessThanOrEqual(5);
  });

  test('reads 7440 s compliant and 7430 s not', () => {
    expect(findingOf(settle(appointed, 7440)).compliant).toBe(true);
    expect(findingOf(settle(appointed, 7430)).compliant).toBe(false);
  });
});
