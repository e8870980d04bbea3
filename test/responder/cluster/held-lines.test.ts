/** Whom a worker makes wait and whom it ends, rule by rule; what that comes to on sockets is in flow-control.test.ts. */
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FlowControl } from '../../../src/responder/cluster/flow-control.js';
import { NativeConnection, type NativeOwner } from '../../../src/responder/native-connection.js';
import type { Hello } from '../../../src/wire/messages.js';

const CALL = 'CALL probe=1 nonce=0123456789abcdef';
const MIB = 2 ** 20;

/** A flow control of a worker, whose primary is behind when the test says so. */
function start(maxLinesPerSweep = 1e6) {
  const primary = { full: false, taken: (): void => undefined };
  const flow = new FlowControl(
    {
      get full() {
        return primary.full;
      },
      whenTaken: (run) => (primary.taken = run),
    },
    maxLinesPerSweep,
  );
  return { primary, flow };
}

/** A connection that is on no network, and what becomes of it. */
function connection(fields: Partial<NativeConnection> = {}) {
  const story: string[] = [];
  const socket = new Socket();
  socket.pause = () => {
    story.push('paused');
    return socket;
  };
  const owner: NativeOwner = {
    maxUnread: 0,
    drop: () => undefined,
    shutDown: () => undefined,
    turnAway: (_, reason, detail) => story.push(`${reason}: ${detail}`),
    readHeld: (_, lines) => story.push(`read ${lines.length}`),
  };
  const made = new NativeConnection(socket, owner, 'limit_total', 0);
  return Object.assign(made, { kind: 'control' as const, story }, fields);
}

describe('a line has to wait', () => {
  it('while so many requests of its connection are unanswered, or were made in one turn', () => {
    const { flow } = start();
    const caller = connection();
    for (let each = 0; each < 63; each++) flow.asked(caller, true);
    expect(flow.mustWait(caller, CALL)).toBe(false);
    flow.asked(caller, true);
    expect(flow.mustWait(caller, CALL)).toBe(true);
    flow.turn(caller);
    expect(flow.mustWait(caller, CALL)).toBe(true);
    flow.answered(caller);
    expect(flow.mustWait(caller, CALL)).toBe(false);
    const dropper = connection();
    for (let each = 0; each < 64; each++) flow.asked(dropper, false);
    expect(flow.mustWait(dropper, CALL)).toBe(true);
    flow.turn(dropper);
    expect(flow.mustWait(dropper, CALL)).toBe(false);
  });

  it('while the primary is behind, unless it asks nobody anything', () => {
    const { flow, primary } = start();
    primary.full = true;
    const waits = (fields: Partial<NativeConnection>, line: string): boolean =>
      flow.mustWait(connection(fields), line);
    expect(waits({}, CALL)).toBe(true);
    expect(waits({}, 'PING nonce=1')).toBe(false);
    expect(waits({ kind: 'probe' }, 'ANSWER nonce=1')).toBe(false);
    expect(waits({ kind: 'check' }, 'PING nonce=1')).toBe(false);
    const pending = (role: 'check' | 'control'): Partial<NativeConnection> => ({
      kind: 'pending',
      opening: { hello: { role } as Hello, challenge: '' },
    });
    expect(waits(pending('check'), 'AUTH mac=1')).toBe(false);
    expect(waits(pending('control'), 'AUTH mac=1')).toBe(true);
    expect(waits({ kind: 'pending' }, 'HELLO 1 role=check nonce=1')).toBe(false);
    expect(waits({ kind: 'pending' }, 'HELLO 1 role=probe nonce=1')).toBe(true);
    primary.full = false;
    expect(waits({}, CALL)).toBe(false);
  });

  it('no longer for answers of a worker that has died', () => {
    const { flow } = start();
    const caller = connection();
    for (let each = 0; each < 64; each++) flow.asked(caller, true);
    flow.turn(caller);
    flow.forgive();
    expect(flow.mustWait(caller, CALL)).toBe(false);
    flow.answered(caller);
    expect(flow.mustWait(caller, CALL)).toBe(false);
  });
});

describe('lines that wait', () => {
  it('are kept with their terminators while the connection is not read, and read when there is room', () => {
    const { flow, primary } = start();
    const caller = connection();
    flow.hold(caller, ['ab', 'c']);
    expect(caller.story).toEqual(['paused']);
    primary.full = true;
    primary.taken();
    expect(caller.story).toHaveLength(1);
    primary.full = false;
    primary.taken();
    primary.taken();
    expect(caller.story).toEqual(['paused', 'read 5']);
  });

  it('are read once half of what was asked before is answered', () => {
    const { flow, primary } = start();
    const caller = connection();
    for (let each = 0; each < 33; each++) flow.asked(caller, true);
    flow.hold(caller, [CALL]);
    primary.taken();
    expect(caller.story).toEqual(['paused']);
    flow.answered(caller);
    primary.taken();
    expect(caller.story).toEqual(['paused', `read ${CALL.length + 1}`]);
  });

  it('are no more than a connection may send between two sweeps', () => {
    const { flow } = start(100);
    const [few, many] = [connection({ lines: 98 }), connection({ lines: 99 })];
    flow.hold(few, ['a', 'b']);
    flow.hold(many, ['a', 'b']);
    expect(few.story).toEqual(['paused']);
    expect(many.story).toEqual(['rate: too many lines']);
  });

  it('have their room in all, beyond which only a small backlog is kept, until some have gone', () => {
    const { flow } = start();
    const [first, second, small, later] = [connection(), connection(), connection(), connection()];
    flow.hold(first, ['x'.repeat(8 * MIB - 4098)]);
    flow.hold(second, ['x'.repeat(4096)]);
    expect(second.story).toEqual(['paused']);
    flow.hold(later, ['x'.repeat(4096)]);
    expect(later.story).toEqual(['rate: too many requests are unanswered']);
    flow.hold(small, ['x'.repeat(4095)]);
    expect(small.story).toEqual(['paused']);
    flow.left(first);
    const last = connection();
    flow.hold(last, ['x'.repeat(4096)]);
    expect(last.story).toEqual(['paused']);
  });

  it('of who has left are not read', () => {
    const { flow, primary } = start();
    const caller = connection();
    flow.hold(caller, ['a']);
    flow.left(caller);
    flow.left(caller);
    primary.taken();
    expect(caller.story).toEqual(['paused']);
  });
});

describe('a connection that is never served', () => {
  const ENDED = 'rate: too many requests are unanswered';
  const swept = (times: number, prepare: (flow: FlowControl, caller: NativeConnection) => void): string[] => {
    const { flow } = start();
    const caller = connection();
    prepare(flow, caller);
    for (let time = 0; time < times; time++) flow.sweep();
    return caller.story.filter((each) => each !== 'paused');
  };
  const holdsMuch = (flow: FlowControl, caller: NativeConnection): void =>
    flow.hold(caller, ['x'.repeat(4096)]);

  it('ends with the fifth sweep in a row', () => {
    expect(swept(4, holdsMuch)).toEqual([]);
    expect(swept(5, holdsMuch)).toEqual([ENDED]);
  });

  it('stays where it has but a little waiting, in our buffers and the kernel’s together', () => {
    const holdsLittle = (flow: FlowControl, caller: NativeConnection): void =>
      flow.hold(caller, ['x'.repeat(4095)]);
    expect(swept(9, holdsLittle)).toEqual([]);
    const andOneByte = (flow: FlowControl, caller: NativeConnection): void => {
      holdsLittle(flow, caller);
      caller.socket.push('x');
    };
    expect(swept(5, andOneByte)).toEqual([ENDED]);
  });

  it('ends with little waiting where more than half of the unanswered are its', () => {
    const asks = (count: number) => (flow: FlowControl, caller: NativeConnection) => {
      for (let each = 0; each < count; each++) flow.asked(caller, true);
      flow.hold(caller, ['a']);
    };
    expect(swept(5, asks(32))).toEqual([]);
    expect(swept(5, asks(33))).toEqual([ENDED]);
  });

  it('stays where it was given all that it asked for in between', () => {
    const { flow, primary } = start();
    const caller = connection();
    for (let time = 0; time < 12; time++) {
      holdsMuch(flow, caller);
      if (time % 4 === 3) primary.taken();
      flow.sweep();
      if (time % 4 !== 3) continue;
      flow.asked(caller, true);
      flow.answered(caller);
    }
    expect(caller.story).not.toContain(ENDED);
  });
});
