import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Doors, rankedRoom } from '../../../src/responder/cluster/doors.js';

const ROOM = 1000;

/** Carries changes out until there are none; `step` is called after each. */
function settle(doors: Doors, step: () => void = () => {}): void {
  for (let round = 0; round < 10; round += 1) {
    const changes = doors.changes();
    if (changes.length === 0) return;
    for (const { worker, open } of changes) {
      doors.attends(worker, open);
      step();
    }
  }
  throw new Error('the doors do not come to rest');
}

function start(workers: number, width = 2): { doors: Doors; open: () => number[] } {
  const doors = new Doors({ width, room: ROOM });
  const attending = new Set<number>();
  const attends = doors.attends.bind(doors);
  doors.attends = (worker, open) => {
    if (open) attending.add(worker);
    else attending.delete(worker);
    attends(worker, open);
  };
  for (let worker = 1; worker <= workers; worker += 1) doors.attends(worker, true);
  return { doors, open: () => [...attending].sort((a, b) => a - b) };
}

describe('Doors', () => {
  it('leaves as many workers at the door as there are processors', () => {
    const { doors, open } = start(6);
    settle(doors);
    expect(open()).toHaveLength(2);
  });

  it('lets an emptier worker take over, and does not flap before', () => {
    const { doors, open } = start(3);
    settle(doors);
    expect(open()).toEqual([1, 2]);
    doors.loaded(1, 49);
    expect(doors.changes()).toEqual([]);
    doors.loaded(1, 51);
    // The new one opens first: at no moment does nobody wait at the socket.
    expect(doors.changes()).toEqual([{ worker: 3, open: true }]);
    doors.attends(3, true);
    expect(doors.changes()).toEqual([{ worker: 1, open: false }]);
  });

  it('keeps connections away from a worker that is nearly full while another has room', () => {
    const { doors, open } = start(2);
    doors.loaded(1, 960);
    settle(doors);
    expect(open()).toEqual([2]);
    // Where all are nearly full, they fill up.
    doors.loaded(2, 960);
    settle(doors);
    expect(open()).toEqual([1, 2]);
  });

  it('shares what comes between all workers, however many connections each of them could hold', () => {
    const limits = { maxConnections: 6000, maxConnectionsPerProcess: 1_000_000 };
    const doors = new Doors({ width: 2, room: rankedRoom(6, limits) });
    const loads = new Map<number, number>();
    const attending = new Set<number>();
    const turn = (): void => {
      for (let changes = doors.changes(); changes.length > 0; changes = doors.changes()) {
        for (const { worker, open } of changes) {
          if (open) attending.add(worker);
          else attending.delete(worker);
          doors.attends(worker, open);
        }
      }
    };
    for (let worker = 1; worker <= 6; worker += 1) {
      attending.add(worker);
      doors.attends(worker, true);
    }
    turn();
    for (let connection = 0; connection < limits.maxConnections; connection += 1) {
      const [worker = 0] = [...attending].slice(connection % attending.size);
      const load = (loads.get(worker) ?? 0) + 1;
      loads.set(worker, load);
      doors.loaded(worker, load);
      turn();
    }
    for (let worker = 1; worker <= 6; worker += 1) {
      expect(loads.get(worker)).toBeGreaterThan(800);
      expect(loads.get(worker)).toBeLessThan(1200);
    }
  });

  it('rankedRoom() is never more than a worker can hold', () => {
    expect(rankedRoom(2, { maxConnections: 100_000, maxConnectionsPerProcess: 20_000 })).toBe(20_000);
    expect(rankedRoom(4, { maxConnections: 1000, maxConnectionsPerProcess: 20_000 })).toBe(313);
  });

  it('opens another door when a worker has died', () => {
    const { doors } = start(3);
    settle(doors);
    doors.forget(1);
    doors.forget(2);
    expect(doors.changes()).toEqual([{ worker: 3, open: true }]);
  });

  it('never closes the last door, whatever the loads', () => {
    const loads = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: ROOM })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(loads, fc.integer({ min: 1, max: 4 }), (steps, width) => {
        const { doors, open } = start(5, width);
        for (const [worker, load] of steps) {
          doors.loaded(worker, load);
          settle(doors, () => expect(open().length).toBeGreaterThan(0));
          expect(open().length).toBeGreaterThan(0);
          expect(open().length).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});
