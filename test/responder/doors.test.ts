import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Doors } from '../../src/responder/doors.js';

const ROOM = 1000;

/** Carries changes out until there are none. */
function settle(doors: Doors): void {
  for (let round = 0; round < 10; round += 1) {
    const changes = doors.changes();
    if (changes.length === 0) return;
    for (const { worker, open } of changes) doors.attends(worker, open);
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
          settle(doors);
          expect(open().length).toBeGreaterThan(0);
          expect(open().length).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});
