/** What the ends of a wait say about a mapping. */
import { describe, expect, it } from 'vitest';
import { LONGEST_STALL, observeEnd, observeFailure, observeIdleEnd } from '../../src/probe/observe.js';
import { FakeClock } from '../support/fake-clock.js';
import { Scene } from './scene.js';

const clock = new FakeClock();
const broken = { earliest: 900, latest: 901 };
/** A death that came as an end is dated no earlier than its arrival. */
const arrived = { earliest: 900, latest: clock.monotonic() };

describe('an end while a test runs', () => {
  it.each([
    ['reset', { kind: 'died', evidence: 'reset', broken: arrived }],
    ['refused', { kind: 'died', evidence: 'reset', broken: arrived }],
    ['closed', { kind: 'died', evidence: 'closed', broken: arrived }],
    ['silence', { kind: 'died', evidence: 'silence', broken }],
    ['unreachable', { kind: 'unclear', reason: 'unreachable' }],
    ['local', { kind: 'unclear', reason: 'interrupted' }],
  ] as const)('by %s says %j', (kind, observation) => {
    expect(observeEnd({ kind, detail: '' }, broken, clock)).toEqual(observation);
  });
});

describe('an end while a connection idles', () => {
  const now = { earliest: clock.monotonic(), latest: clock.monotonic() };
  it.each([
    ['reset', { kind: 'died', evidence: 'reset_idle', broken: now }],
    ['closed', { kind: 'died', evidence: 'closed', broken: now }],
    ['unreachable', { kind: 'unclear', reason: 'unreachable' }],
  ] as const)('by %s says %j', (kind, observation) => {
    expect(observeIdleEnd({ kind, detail: '' }, clock)).toEqual(observation);
  });
});

describe('a deadline', () => {
  it('that passed in silence is a death', () => {
    for (const stalled of [0, LONGEST_STALL])
      expect(observeFailure({ kind: 'deadline', stalled }, broken, clock)).toEqual({
        kind: 'died',
        evidence: 'silence',
        broken,
      });
  });

  it('that our own process noticed late is no death, for the answer may have come and gone', () => {
    expect(observeFailure({ kind: 'deadline', stalled: LONGEST_STALL + 0.01 }, broken, clock)).toEqual({
      kind: 'unclear',
      reason: 'late',
    });
  });

  it.each(['send', 'recv', 'keepalive'] as const)(
    'of %s says nothing when our own process stood still meanwhile',
    async (mode) => {
      const scene = new Scene();
      await scene.canary();
      const connection = await scene.open(mode);
      const { clock: now, stop, network } = scene;
      await now.advance(600);
      network.passes = false;
      const test = connection.test({ clock: now, deadline: 2, signal: stop.signal });
      await now.advance(1);
      now.stall(60);
      expect(await now.settle(test, 60)).toEqual({ kind: 'unclear', reason: 'late' });
    },
  );
});

it('a wait that was called off says nothing', () => {
  expect(observeFailure({ kind: 'aborted' }, broken, clock)).toEqual({
    kind: 'unclear',
    reason: 'interrupted',
  });
});

describe('an answer that is not the one that was asked for', () => {
  it.each(['send', 'recv'] as const)('is no silence in %s: the path passes', async (mode) => {
    const scene = new Scene();
    await scene.canary();
    const probe = await scene.open(mode);
    await scene.clock.advance(60);
    scene.responder.lies = true;
    expect(await scene.test(probe)).toEqual({ kind: 'unclear', reason: 'control_failed' });
  });
});
