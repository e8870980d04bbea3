import { describe, expect, it } from 'vitest';
import type { ProbeConnection } from '../../src/probe/path.js';
import type { FakeClock } from '../support/fake-clock.js';
import { watchPath } from '../support/watched-path.js';

const DEADLINE = 8;
async function start() {
  const { clock, path, controls } = await watchPath({ survives: 7440 });
  const connection = openedAt(clock.monotonic());
  return { clock, path, controls, connection };
}

function openedAt(moment: number, instance?: string): ProbeConnection {
  return { opened: { earliest: moment, latest: moment }, instance } as ProbeConnection;
}

/** Settles a promise by letting time pass. */
async function after<T>(clock: FakeClock, duration: number, promise: Promise<T>): Promise<T> {
  await clock.advance(duration);
  return promise;
}

describe('Controls.confirm', () => {
  it('passes when a fresh connection works and a canary lived through the idle time', async () => {
    const { clock, controls, connection } = await start();
    await clock.advance(600);
    expect(await after(clock, 20, controls.confirm(connection, false))).toBeUndefined();
  });

  it('says unreachable when nothing works', async () => {
    const { clock, path, controls, connection } = await start();
    path.passes = false;
    expect(await after(clock, 20, controls.confirm(connection, false))).toBe('unreachable');
  });

  it('says canary_lost when only fresh connections work', async () => {
    const { clock, path, controls, connection } = await start();
    for (const canary of path.canaries) canary.forgotten = true;
    expect(await after(clock, 20, controls.confirm(connection, false))).toBe('canary_lost');
  });

  it('says canary_lost for a connection that is older than every canary', async () => {
    const { clock, controls } = await start();
    expect(await after(clock, 20, controls.confirm(openedAt(clock.monotonic() - 100), false))).toBe(
      'canary_lost',
    );
  });

  it('waits for things to settle where the connection was ended: a canary may end a moment later', async () => {
    const { clock, path, controls, connection } = await start();
    const first = controls.confirm(connection, true);
    await clock.advance(1.5);
    for (const canary of path.canaries) canary.forgotten = true;
    expect(await after(clock, 20, first)).toBe('canary_lost');
    const other = await start();
    const second = other.controls.confirm(other.connection, true);
    expect(await after(other.clock, 20, second)).toBeUndefined();
  });

  it('shares one fresh connection between deaths of the same moment', async () => {
    const { clock, path, controls, connection } = await start();
    const before = path.checks;
    const both = Promise.all([controls.confirm(connection, false), controls.confirm(connection, false)]);
    expect(await after(clock, 20, both)).toEqual([undefined, undefined]);
    expect(path.checks - before).toBe(1);
  });
});

describe('Controls of a connection that one of several far ends welcomed', () => {
  it('pass where both meet the same far end', async () => {
    const { clock, controls } = await start();
    const connection = openedAt(clock.monotonic(), 'a');
    expect(await after(clock, 20, controls.confirm(connection, false))).toBeUndefined();
  });

  it('say other_instance, and open nothing, where every canary is with another one', async () => {
    const { clock, path, controls } = await start();
    const before = path.checks;
    const connection = openedAt(clock.monotonic(), 'b');
    expect(await after(clock, 20, controls.confirm(connection, false))).toBe('other_instance');
    expect(path.checks).toBe(before);
  });

  it('try fresh connections until one meets it, and give up after some', async () => {
    const { clock, path, controls } = await start();
    const connection = openedAt(clock.monotonic(), 'a');
    const before = path.checks;
    path.turns = ['b', 'b', 'a'];
    expect(await after(clock, 20, controls.confirm(connection, false))).toBeUndefined();
    expect(path.checks - before).toBe(3);
    path.turns = Array.from({ length: 20 }, () => 'b');
    expect(await after(clock, 20, controls.confirm(connection, false))).toBe('other_instance');
    expect(path.turns.length).toBeGreaterThan(10);
  });

  it('have no canary watch over a silent test that is with another one', async () => {
    const { clock, controls } = await start();
    const watch = controls.watch(openedAt(clock.monotonic(), 'b'), DEADLINE);
    await clock.advance(DEADLINE);
    expect(await watch.finish()).toBe('other_instance');
  });
});

describe('a fresh connection of Controls', () => {
  it('speaks for its own moment only: the next death has one of its own', async () => {
    const { clock, path, controls, connection } = await start();
    const before = path.checks;
    expect(await after(clock, 1, controls.confirm(connection, false))).toBeUndefined();
    expect(path.checks - before).toBe(1);
    path.checkable = false;
    expect(await after(clock, 20, controls.confirm(connection, false))).toBe('control_failed');
    expect(path.checks - before).toBe(2);
    path.checkable = true;
    expect(await after(clock, 20, controls.confirm(connection, false))).toBeUndefined();
  });
});

describe('Controls.watch', () => {
  it('is content when the test ends before it begins', async () => {
    const { clock, controls, connection } = await start();
    const watch = controls.watch(connection, DEADLINE);
    await clock.advance(0.06);
    expect(await watch.finish()).toBeUndefined();
  });

  it('is content when a canary answers in the middle of a silent test', async () => {
    const { clock, controls, connection } = await start();
    const watch = controls.watch(connection, DEADLINE);
    await clock.advance(DEADLINE);
    expect(await watch.finish()).toBeUndefined();
  });

  it('waits for the moment that was fixed at launch', async () => {
    const { clock, path, controls, connection } = await start();
    const watch = controls.watch(connection, DEADLINE, 100);
    path.passes = false;
    await clock.advance(50);
    path.passes = true;
    await clock.advance(60);
    expect(await watch.finish()).toBeUndefined();
  });

  it('notices an outage that swallowed the test and ended just before its deadline', async () => {
    const { clock, path, controls, connection } = await start();
    path.passes = false;
    const watch = controls.watch(connection, DEADLINE);
    await clock.advance(DEADLINE - 0.5);
    path.passes = true;
    await clock.advance(0.5);
    expect(await watch.finish()).toBe('disturbed');
    expect(await after(clock, 20, controls.confirm(connection, false))).toBeUndefined();
  });
});
