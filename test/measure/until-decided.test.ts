/** What a measurement waits for, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import { DEFAULT_SCHEDULE, DEFAULT_SEARCH } from '../../src/config/schema.js';
import { nearness } from '../../src/core/search/tally.js';
import { untilDecided } from '../../src/measure/until-decided.js';
import { isComplete } from '../../src/report/build.js';
import { forgetful, lasting, target } from '../report/snapshots.js';
import { FakeClock } from '../support/fake-clock.js';
import type { FakePath } from '../support/fake-path.js';
import { randomFrom } from '../support/prng.js';
import { startEngine } from '../support/running-engine.js';

const VIEW = { show: () => undefined, print: () => undefined, close: () => undefined };

const TARGET: TargetConfig = {
  name: 'vps',
  far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
  modes: ['send', 'recv', 'keepalive'],
  family: 'any',
  labels: {},
  search: { ...DEFAULT_SEARCH, min_idle: 15, max_idle: 80, resolution: 1, deadline: 3 },
};

/** Measures over a path that `bend` has bent, beginning so many seconds after a round of the schedule. */
async function measured(bend: (path: FakePath) => void, afterRound = 0, config = TARGET) {
  const { clock, engine } = await startEngine({
    config: { schedule: DEFAULT_SCHEDULE, targets: [config] },
    prepare: (path, clock) => {
      clock.stepWall(afterRound - (clock.wall() % 300));
      bend(path);
    },
    options: { proves: false },
  });
  const began = clock.monotonic();
  const { signal } = new AbortController();
  const [ending, snapshot] = await clock.settle(untilDecided(engine, VIEW, clock, { signal }), 20_000);
  return { ending, snapshot, took: clock.monotonic() - began };
}

describe('untilDecided()', () => {
  it.each([0, 120, 210, 240])(
    'tells at every moment of the schedule that keepalives are answered in between, %i s after a round',
    async (afterRound) => {
      const { ending, snapshot, took } = await measured((path) => {
        path.idleTimeout = 17;
        path.answersKeepalives = true;
      }, afterRound);
      expect(ending).toBe('complete');
      expect(isComplete(snapshot)).toBe(true);
      expect(snapshot.verdict.conditions).toEqual(['keepalives_answered_between']);
      expect(snapshot.explanations.map(({ id, certainty }) => `${id}: ${certainty}`)).toEqual([
        'keepalives_answered_between: likely',
        'mapping_forgotten: measured',
      ]);
      expect(took).toBeLessThan(120);
    },
  );

  it('does so with the idle times of the shipped configuration, long before keepalives have reached the longest', async () => {
    const config = { ...TARGET, search: { ...DEFAULT_SEARCH, max_idle: 7800 } };
    const { ending, snapshot, took } = await measured(
      (path) => {
        path.idleTimeout = 120;
        path.answersKeepalives = true;
      },
      120,
      config,
    );
    expect(ending).toBe('complete');
    expect(snapshot.verdict.conditions).toEqual(['keepalives_answered_between']);
    expect(took).toBeLessThan(900);
  });

  // With seed 5 three keepalives in a row die that are bad by chance: a bracket that only rounds refute.
  it.each([1, 5])('narrows a share of bad nodes down until all modes tell it, seed %i', async (seed) => {
    const random = randomFrom(seed);
    const config = { ...TARGET, search: { ...TARGET.search, max_idle: 40, connections: 40 } };
    const { ending, snapshot } = await measured(
      (path) => {
        path.idleTimeout = 18;
        path.meetsBadNode = () => random() < 0.5;
      },
      0,
      config,
    );
    expect(ending).toBe('complete');
    expect(snapshot.verdict).toMatchObject({ result: 'not_compliant', conditions: ['mixture'] });
    for (const { finding } of snapshot.modes) {
      expect(finding.mixture).toBeDefined();
      // Idle times of seconds are told apart by a second.
      expect(finding.lower).toBeLessThan(18 + nearness(18));
      expect(finding.upper).toBeGreaterThan(18 - nearness(18));
    }
  });

  it('gives up a contradiction that nothing resolves, and says of it that it is no complete answer', async () => {
    const clock = new FakeClock();
    let rounds = 0;
    const snapshot = target([forgetful('send', 300), forgetful('recv', 300), lasting('keepalive')]);
    expect(snapshot.verdict.contradicting).toEqual(['keepalive']);
    const engine = { targets: () => [snapshot], round: () => (rounds += 1) };
    const began = clock.monotonic();
    const { signal } = new AbortController();
    const [ending] = await clock.settle(untilDecided(engine, VIEW, clock, { signal }), 20_000);
    expect(ending).toBe('complete');
    expect(isComplete(snapshot)).toBe(false);
    const took = clock.monotonic() - began;
    expect(took).toBeGreaterThan(4 * 300);
    expect(took).toBeLessThan(7 * 300);
    expect(rounds).toBeGreaterThan(100);
  });
});
