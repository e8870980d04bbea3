import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Link, openLink } from '../../src/net/link.js';
import type { UnansweredProbes } from '../../src/net/tcp-table.js';
import { Conversation } from '../../src/probe/conversation.js';
import { keepaliveTest } from '../../src/probe/keepalive.js';
import type { Observation } from '../../src/probe/prober.js';
import { FakeClock } from '../support/fake-clock.js';

const DEADLINE = 3;
const signal = new AbortController().signal;
let server: Server;
let link: Link;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  link = await openLink(
    { address: '127.0.0.1', port: (server.address() as { port: number }).port },
    2,
    signal,
  );
});

afterEach(() => {
  link.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** What the test says when the kernel says `counts`, one a look, the last one for ever; and how long it took. */
async function observe(
  ...counts: UnansweredProbes[]
): Promise<{ seen: Observation['kind']; delayed: boolean; took: number }> {
  const clock = new FakeClock();
  const conversation = new Conversation(link, { push: () => ({ messages: [] }) });
  const began = clock.monotonic();
  let took = 0;
  const test = keepaliveTest(conversation, { clock, deadline: DEADLINE, signal }, () => {
    const [next] = counts;
    if (counts.length > 1) counts.shift();
    return Promise.resolve(next);
  }).then((observation) => {
    took = clock.monotonic() - began;
    return observation;
  });
  await clock.advance(20);
  const observation = await test;
  return {
    seen: observation.kind,
    delayed: observation.kind === 'answered' && observation.delayed === true,
    took: Math.round(took * 100) / 100,
  };
}

describe('keepaliveTest()', () => {
  it('is answered once nothing is outstanding on two looks in a row', async () => {
    expect(await observe(0, 0)).toEqual({ seen: 'answered', delayed: false, took: 0.15 });
  });

  it('dies at the deadline when two probes and more are unanswered', async () => {
    expect(await observe(1, 1, 2)).toMatchObject({
      seen: 'died',
      took: expect.closeTo(DEADLINE, 0) as number,
    });
  });

  it('looks on when a row slipped through readings of the table now and then', async () => {
    expect(await observe('gone', 0, 'gone', 'gone', 0)).toEqual({
      seen: 'answered',
      delayed: false,
      took: 0.45,
    });
  });

  it.each([[['gone', 'gone', 'gone']], [[undefined]]] as const)(
    'waits blindly where the kernel says %j',
    async (counts) => {
      const { seen, took } = await observe(...counts);
      expect([seen, took > 12]).toEqual(['answered', true]);
    },
  );

  it('says that an answer was delayed when TCP repeated itself until after the deadline', async () => {
    const held = Array.from({ length: 40 }, () => 1);
    expect(await observe(...held, 0)).toMatchObject({ seen: 'answered', delayed: true });
    expect(await observe(1, 0)).toMatchObject({ seen: 'answered', delayed: false });
  });
});
