import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Directory, type Dispatch } from '../../../src/responder/cluster/directory.js';
import type { PeerOrder } from '../../../src/responder/cluster/peers.js';

const S = 'a'.repeat(32);
const X = '0123456789abcdef';

function join(directory: Directory, from: number, probe?: number): PeerOrder[] {
  const where = probe === undefined ? {} : { probe };
  return directory.handle(from, { kind: 'join', ticket: 1, session: S, ...where }).map(({ order }) => order);
}

describe('Directory', () => {
  it('gives a probe number to one worker only', () => {
    const directory = new Directory();
    expect(join(directory, 1, 7)[0]).toEqual({ kind: 'joined', ticket: 1, accepted: true });
    expect(join(directory, 2, 7)).toEqual([{ kind: 'joined', ticket: 1, accepted: false }]);
    // Who does not hold it cannot free it.
    directory.handle(2, { kind: 'leave', session: S, probe: 7 });
    expect(join(directory, 2, 7)).toEqual([{ kind: 'joined', ticket: 1, accepted: false }]);
    directory.handle(1, { kind: 'leave', session: S, probe: 7 });
    expect(join(directory, 2, 7)[0]).toMatchObject({ accepted: true });
  });

  it('routes a call to the worker of the probe and the word about it back', () => {
    const directory = new Directory();
    join(directory, 1);
    join(directory, 2, 7);
    const origin = { worker: 1, caller: 5 };
    expect(directory.handle(1, { kind: 'call', session: S, probe: 7, nonce: X, caller: 5 })).toEqual([
      { to: 2, order: { kind: 'ring', session: S, probe: 7, nonce: X, origin } },
    ]);
    const message = { kind: 'rung', probe: 7, nonce: X } as const;
    expect(directory.handle(2, { kind: 'tell', origin, message })).toEqual([
      { to: 1, order: { kind: 'tell', caller: 5, message } },
    ]);
    expect(directory.handle(1, { kind: 'call', session: S, probe: 8, nonce: X, caller: 5 })).toEqual([
      {
        to: 1,
        order: { kind: 'tell', caller: 5, message: { kind: 'error', code: 'unknown_probe', probe: 8 } },
      },
    ]);
    expect(directory.handle(1, { kind: 'drop', session: S, probe: 7 })).toEqual([
      { to: 2, order: { kind: 'drop', session: S, probe: 7 } },
    ]);
  });

  it('routes a refresh likewise', () => {
    const directory = new Directory();
    join(directory, 1);
    join(directory, 2, 7);
    const request = { kind: 'fresh', probe: 7, ttl: 3, interval: 30 } as const;
    expect(directory.handle(1, { kind: 'tend', session: S, request, caller: 5 })).toEqual([
      { to: 2, order: { kind: 'tend', session: S, request, origin: { worker: 1, caller: 5 } } },
    ]);
    const message = { kind: 'error', code: 'unknown_probe', probe: 8 } as const;
    const other = { kind: 'reach', probe: 8, ttl: 3 } as const;
    expect(directory.handle(1, { kind: 'tend', session: S, request: other, caller: 5 })).toEqual([
      { to: 1, order: { kind: 'tell', caller: 5, message } },
    ]);
    expect(directory.handle(2, { kind: 'tend', session: 'b'.repeat(32), request, caller: 6 })).toMatchObject([
      { to: 2, order: { message: { code: 'unknown_probe', probe: 7 } } },
    ]);
  });

  it('tells the workers that hold probes when the last control elsewhere goes and the first comes', () => {
    const directory = new Directory();
    expect(join(directory, 2, 7)[1]).toEqual({ kind: 'controls', session: S, elsewhere: false });
    const told = (orders: readonly Dispatch[]) => orders.filter(({ order }) => order.kind === 'controls');
    const came = { to: 2, order: { kind: 'controls', session: S, elsewhere: true } };
    const went = { to: 2, order: { kind: 'controls', session: S, elsewhere: false } };
    expect(told(directory.handle(1, { kind: 'join', ticket: 2, session: S }))).toEqual([came]);
    expect(told(directory.handle(1, { kind: 'join', ticket: 3, session: S }))).toEqual([]);
    expect(told(directory.handle(2, { kind: 'join', ticket: 4, session: S }))).toEqual([]);
    expect(told(directory.handle(1, { kind: 'leave', session: S }))).toEqual([]);
    expect(told(directory.handle(1, { kind: 'leave', session: S }))).toEqual([went]);
  });

  it('tells the controls of other workers that a probe is gone, and ends those of a session that lost a worker', () => {
    const directory = new Directory();
    join(directory, 1);
    join(directory, 2, 7);
    join(directory, 2, 8);
    const gone = (probe: number, cause: 'reset' | 'closed') => ({
      to: 1,
      order: { kind: 'gone', session: S, probe, cause },
    });
    expect(directory.handle(2, { kind: 'leave', session: S, probe: 7, cause: 'reset' })).toEqual([
      gone(7, 'reset'),
    ]);
    directory.handle(1, { kind: 'join', ticket: 3, session: 'b'.repeat(32) });
    expect(directory.forget(2)).toEqual([{ to: 1, order: { kind: 'end', session: S } }]);
    directory.handle(1, { kind: 'leave', session: 'b'.repeat(32) });
    directory.forget(1);
    expect(directory.size).toBe(0);
  });

  it('tells every worker how many connections the others hold', () => {
    const directory = new Directory();
    const load = (from: number, connections: number) =>
      directory.handle(from, { kind: 'load', connections }).map(({ to, order }) => [to, order]);
    for (const worker of [1, 2, 3]) load(worker, 0);
    expect(load(1, 10)).toEqual([
      [2, { kind: 'elsewhere', connections: 10 }],
      [3, { kind: 'elsewhere', connections: 10 }],
    ]);
    expect(load(2, 5)).toEqual([
      [1, { kind: 'elsewhere', connections: 5 }],
      [3, { kind: 'elsewhere', connections: 15 }],
    ]);
    expect(directory.forget(1)).toEqual([
      { to: 2, order: { kind: 'elsewhere', connections: 0 } },
      { to: 3, order: { kind: 'elsewhere', connections: 5 } },
    ]);
  });

  it('is empty again after everybody has left, whatever happened', () => {
    const step = fc.record({ worker: fc.integer({ min: 1, max: 3 }), probe: fc.option(fc.nat({ max: 4 })) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), (steps, dead) => {
        const directory = new Directory();
        const open: { worker: number; probe: number | null }[] = [];
        for (const { worker, probe } of steps) {
          if (join(directory, worker, probe ?? undefined).some((o) => o.kind === 'joined' && o.accepted)) {
            open.push({ worker, probe });
          }
        }
        directory.forget(dead);
        for (const { worker, probe } of open.filter((entry) => entry.worker !== dead)) {
          directory.handle(worker, { kind: 'leave', session: S, ...(probe === null ? {} : { probe }) });
        }
        expect(directory.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
