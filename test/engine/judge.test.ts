import { describe, expect, it } from 'vitest';
import type { DeathEvidence } from '../../src/core/verdict.js';
import { idleTime, isRefusal, neverIdled, searchOptions, verdictOf } from '../../src/engine/judge.js';
import { ConnectError } from '../../src/net/link.js';
import { FarEndError, type ProbeConnection } from '../../src/probe/path.js';
import type { Observation } from '../../src/probe/observe.js';
import { FakeClock } from '../support/fake-clock.js';
import { makeConfig } from '../support/fake-view.js';

/** A connection that was opened between two seconds. */
function openedAt(earliest: number, latest: number): ProbeConnection {
  return { opened: { earliest, latest } } as ProbeConnection;
}

function died(evidence: DeathEvidence, earliest: number, latest = earliest): Observation {
  return { kind: 'died', evidence, broken: { earliest, latest } };
}

describe('a connection that was ended', () => {
  const connection = openedAt(10, 10.5);

  it('was never idle where it may have lived for less than a second, by either of its ends', () => {
    expect(neverIdled(connection, died('closed', 10.9), 1)).toBe(true);
    expect(neverIdled(connection, died('reset', 10.9, 11.2), 1)).toBe(true);
    expect(neverIdled(connection, died('reset', 11, 11), 1)).toBe(false);
    expect(neverIdled(connection, died('reset', 10.99, 20), 1)).toBe(true);
    expect(neverIdled(connection, died('reset', 20), 1)).toBe(false);
  });

  it('by silence was idle', () => {
    expect(neverIdled(connection, died('silence', 10.6), 1)).toBe(false);
    expect(neverIdled(connection, { kind: 'answered', broken: { earliest: 10.6, latest: 10.6 } }, 1)).toBe(
      false,
    );
  });
});

describe('the idle time of a verdict', () => {
  const clock = new FakeClock();
  const connection = openedAt(clock.monotonic() - 300, clock.monotonic() - 299);
  const earliest = clock.monotonic() - 20;
  const latest = clock.monotonic() - 15;

  it('is the longest that it can have been when dead, and the shortest when alive', () => {
    const dead = died('silence', earliest, latest);
    expect(idleTime(connection, dead, { kind: 'dead', evidence: 'silence' }, clock)).toBe(285);
    expect(idleTime(connection, dead, { kind: 'inconclusive', reason: 'disturbed' }, clock)).toBe(279);
    const answered: Observation = { kind: 'answered', broken: { earliest, latest } };
    expect(idleTime(connection, answered, { kind: 'alive' }, clock)).toBe(279);
  });

  it('lasts until now where nothing broke it', () => {
    const unclear: Observation = { kind: 'unclear', reason: 'late' };
    expect(idleTime(connection, unclear, { kind: 'inconclusive', reason: 'late' }, clock)).toBe(299);
  });

  it('is never below zero', () => {
    const later = openedAt(clock.monotonic() + 1, clock.monotonic() + 2);
    const dead = died('silence', earliest, latest);
    expect(idleTime(later, dead, { kind: 'dead', evidence: 'silence' }, clock)).toBe(0);
    expect(idleTime(later, dead, { kind: 'inconclusive', reason: 'late' }, clock)).toBe(0);
    expect(
      idleTime(later, { kind: 'unclear', reason: 'late' }, { kind: 'inconclusive', reason: 'late' }, clock),
    ).toBe(0);
  });
});

describe('an observation', () => {
  it('says what its verdict is once the controls agree', () => {
    const broken = { earliest: 1, latest: 1 };
    expect(verdictOf({ kind: 'answered', broken })).toEqual({ kind: 'alive' });
    expect(verdictOf(died('reset', 1))).toEqual({ kind: 'dead', evidence: 'reset' });
    expect(verdictOf({ kind: 'unclear', reason: 'late' })).toEqual({ kind: 'inconclusive', reason: 'late' });
  });
});

describe('a connection that could not be opened', () => {
  it('was turned away where somebody ended it or answered wrongly, not where nothing came through', () => {
    const isTurnedAway = (kind: ConnectError['end']['kind']): boolean =>
      isRefusal(new ConnectError({ address: '203.0.113.9', port: 1 }, { kind, detail: kind }));
    expect((['refused', 'reset', 'closed'] as const).map(isTurnedAway)).toEqual([true, true, true]);
    expect((['silence', 'unreachable'] as const).map(isTurnedAway)).toEqual([false, false]);
    expect(isRefusal(new FarEndError('no'))).toBe(true);
    expect(isRefusal(new Error('no'))).toBe(false);
  });
});

describe('what a search is asked', () => {
  it('is the configuration, and its share of a ladder where several modes climb late', () => {
    const target = makeConfig('vps', { modes: ['send', 'recv', 'keepalive'] });
    const { search } = target;
    expect(searchOptions(target, 'recv', 'late')).toEqual({
      minIdle: search.min_idle,
      maxIdle: search.max_idle,
      resolution: search.resolution,
      connections: search.connections,
      deadline: search.deadline,
      guard: search.guard,
      required: 7440,
      timing: 'late',
      share: { rungs: [1], of: 3 },
    });
    const share = (modes: typeof target.modes, mode: (typeof modes)[number]): unknown =>
      searchOptions(makeConfig('vps', { modes }), mode, 'late').share;
    expect(share(['send'], 'send')).toBeUndefined();
    expect(share(['send', 'recv'], 'keepalive')).toBeUndefined();
    expect(share(['send', 'recv'], 'send')).toEqual({ rungs: [0], of: 2 });
  });

  it('leaves modes whose moment is fixed at launch out of the ladder', () => {
    const target = makeConfig('vps', {
      modes: ['recv', 'send', 'keepalive'],
      far_end: { kind: 'nat-tcp-test', host: 'far.example', port: 5382 } as never,
    });
    expect(searchOptions(target, 'recv', 'at_launch').share).toBeUndefined();
    expect(searchOptions(target, 'keepalive', 'late').share).toEqual({ rungs: [1], of: 2 });
  });
});
