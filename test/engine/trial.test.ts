/** Whatever happens to a connection, its socket is closed and its place in the budget given back, once. */
import { describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import { Launches } from '../../src/engine/launches.js';
import { Trial, type TrialResult } from '../../src/engine/trial.js';
import { makeConfig } from '../support/fake-view.js';
import { watchPath } from '../support/watched-path.js';

const SEARCH: TargetConfig['search'] = makeConfig('vps').search;

/** A trial over a fake path whose canaries live, and what it told. */
async function start(budget = 1) {
  const { clock, path, watched } = await watchPath({ survives: 7440 });
  const launches = new Launches({ clock, budget });
  const told: string[] = [];
  const results: TrialResult[] = [];
  const trial = new Trial(
    7,
    {
      target: 'vps',
      mode: 'send',
      search: SEARCH,
      clock,
      launches,
      stood: () => 0,
      opened: () => told.push('opened'),
      failed: () => told.push('failed'),
      concluded: (_trial, result) => {
        told.push('concluded');
        results.push(result);
        // Whoever is told may use the place at once.
        expect([launches.taken, path.probes.size]).toEqual([0, 0]);
      },
    },
    watched,
  );
  const freed = (): void => expect([launches.taken, path.probes.size]).toEqual([0, 0]);
  return { clock, path, launches, trial, told, results, freed };
}

describe('a Trial', () => {
  it('takes a place and a socket while it idles, and gives both back with its verdict', async () => {
    const { clock, path, launches, trial, told, results, freed } = await start();
    void trial.launch(undefined);
    await clock.advance(600);
    expect([launches.taken, path.probes.size, trial.open]).toEqual([1, 1, true]);
    void trial.test();
    await clock.advance(1);
    expect(told).toEqual(['opened', 'concluded']);
    expect(results[0]).toMatchObject({ id: 7, verdict: { kind: 'alive' }, local: '192.0.2.2:40000' });
    expect(trial.open).toBe(false);
    freed();
  });

  it('gives both back when it dies, once its controls have run', async () => {
    const { clock, path, launches, trial, results, freed } = await start();
    path.idleTimeout = 300;
    void trial.launch(undefined);
    await clock.advance(600);
    void trial.test();
    await clock.advance(SEARCH.deadline);
    expect([launches.taken, results.length]).toEqual([1, 0]);
    await clock.advance(5);
    expect(results[0]?.verdict).toEqual({ kind: 'dead', evidence: 'silence' });
    freed();
  });

  it('has one verdict, however many things happen to it', async () => {
    const { clock, path, trial, told } = await start();
    void trial.launch(undefined);
    await clock.advance(600);
    const [probe] = path.probes;
    void trial.test();
    void trial.test();
    trial.missed();
    probe?.finish({ kind: 'reset', detail: 'connection reset' });
    await clock.advance(60);
    expect(told).toEqual(['opened', 'concluded']);
    expect(trial.giveUp()).toBeUndefined();
  });

  it('gives its place back when the connection cannot be opened', async () => {
    const { clock, path, trial, told, freed } = await start();
    path.passes = false;
    void trial.launch(undefined);
    await clock.advance(10);
    expect(told).toEqual(['failed']);
    freed();
  });

  it.each([
    ['before its turn came', 0, 0],
    ['while its connection is opened', 1, 0.01],
  ])('that is ended %s tells nothing and leaves nothing behind', async (_when, budget, after) => {
    const { clock, launches, trial, told, freed } = await start(budget);
    void trial.launch(undefined);
    await clock.advance(after);
    expect(launches.taken).toBe(budget);
    expect(trial.giveUp()).toBeUndefined();
    launches.budget = 1;
    await clock.advance(10);
    expect(told).toEqual([]);
    freed();
  });

  it('that is ended while it is tested or judged tells nothing', async () => {
    for (const after of [0.01, SEARCH.deadline + 0.01]) {
      const { clock, path, trial, told, freed } = await start();
      path.idleTimeout = 300;
      void trial.launch(undefined);
      await clock.advance(600);
      void trial.test();
      await clock.advance(after);
      trial.end();
      await clock.advance(60);
      expect(told).toEqual(['opened']);
      freed();
    }
  });

  it('that is given up counts as a test that could not be held', async () => {
    const { clock, trial, told, freed } = await start();
    void trial.launch(undefined);
    await clock.advance(600);
    const result = trial.giveUp();
    expect(result).toMatchObject({ id: 7, verdict: { kind: 'inconclusive', reason: 'interrupted' } });
    expect(result?.idle).toBeCloseTo(600, 0);
    expect(told).toEqual(['opened']);
    freed();
  });
});
