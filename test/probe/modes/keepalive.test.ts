import { describe, expect, it } from 'vitest';
import type { Link, OpenLink } from '../../../src/net/link.js';
import type { UnansweredProbes } from '../../../src/net/tcp-table.js';
import { Conversation } from '../../../src/probe/conversation.js';
import { keepalive } from '../../../src/probe/modes/keepalive.js';
import type { Observation } from '../../../src/probe/observe.js';
import { FakeClock } from '../../support/fake-clock.js';
import { serveSilence } from '../../support/fake-far-ends.js';
import { type FakeLink, FakeNetwork } from '../../support/fake-link.js';
import { Scene } from '../scene.js';

const DEADLINE = 3;
const signal = new AbortController().signal;

async function connect(network: FakeNetwork, clock: FakeClock): Promise<Link> {
  network.listen(1, serveSilence);
  const opening: ReturnType<OpenLink> = network.openLink({ address: '203.0.113.9', port: 1 }, 2, signal);
  return clock.settle(opening, 5);
}

/** What the test says when the kernel says `counts`, one a look, the last one for ever; and how long it took. */
function observe(...counts: UnansweredProbes[]): ReturnType<typeof observeSlowly> {
  return observeSlowly(0, ...counts);
}

/** The same where the first reading of the table takes that long, seconds. */
async function observeSlowly(
  reading: number,
  ...counts: UnansweredProbes[]
): Promise<{ seen: Observation['kind']; delayed: boolean; took: number }> {
  const clock = new FakeClock();
  const link = await connect(new FakeNetwork(clock), clock);
  link.unansweredProbes = () => {
    const [next] = counts;
    if (counts.length > 1) counts.shift();
    const takes = reading;
    reading = 0;
    return takes === 0
      ? Promise.resolve(next)
      : new Promise((answer) => void clock.after(takes, () => answer(next)));
  };
  const conversation = new Conversation(link, { push: () => ({ messages: [] }) });
  const began = clock.monotonic();
  let took = 0;
  const test = keepalive({ conversation }, { clock, deadline: DEADLINE, signal }).then((observation) => {
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

describe('keepalive()', () => {
  it('is answered once nothing is outstanding on two looks in a row', async () => {
    expect(await observe(0, 0)).toEqual({ seen: 'answered', delayed: false, took: 0.15 });
  });

  it('dies at the deadline when two probes and more are unanswered', async () => {
    expect(await observe(1, 1, 2)).toMatchObject({
      seen: 'died',
      took: expect.closeTo(DEADLINE, 0) as number,
    });
  });

  it('does not die of one lost probe', async () => {
    const { seen, took } = await observe(...Array.from({ length: 40 }, () => 1), 2);
    expect(seen).toBe('died');
    expect(took).toBeGreaterThan(DEADLINE + 1);
  });

  it('says nothing where the first probe was answered and later ones were not', async () => {
    // The mapping was alive after the silence, and was forgotten while the test went on.
    expect(await observe(0, 1, 2)).toMatchObject({ seen: 'unclear' });
    // Of two probes that had left by the first look one was answered.
    expect(await observeSlowly(1.2, 1, 2)).toMatchObject({ seen: 'unclear' });
    expect(await observeSlowly(1.2, 2)).toMatchObject({ seen: 'died' });
    expect(await observeSlowly(0.8, 1, 2)).toMatchObject({ seen: 'died' });
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

describe('keepalive', () => {
  const idle = async (bend: (network: FakeNetwork) => void = () => undefined) => {
    const scene = new Scene();
    bend(scene.network);
    const connection = await scene.open('keepalive');
    const link: FakeLink = scene.newest;
    await scene.clock.advance(600);
    return { scene, connection, link };
  };

  it('is off while a connection idles, on during its test and off again, for each probe refreshes the mapping', async () => {
    const { scene, connection, link } = await idle();
    expect(link.keepAlive).toBe(false);
    const { clock, stop } = scene;
    const test = connection.test({ clock, deadline: 2, signal: stop.signal });
    await clock.advance(0.01);
    expect(link.keepAlive).toBe(true);
    expect(await clock.settle(test, 5)).toMatchObject({ kind: 'answered' });
    expect(link.keepAlive).toBe(false);
  });

  it.each<[string, (network: FakeNetwork) => void]>([
    ['dies of silence', (network) => (network.idleTimeout = 300)],
    ['is reset', (network) => Object.assign(network, { idleTimeout: 300, forgetfulness: 'reset' })],
  ])('is off again after a test that %s', async (_how, bend) => {
    const { scene, connection, link } = await idle(bend);
    expect(await scene.test(connection)).toMatchObject({ kind: 'died' });
    expect(link.keepAlive).toBe(false);
  });

  it('is off again after a test that was called off', async () => {
    const { scene, connection, link } = await idle((network) => (network.passes = true));
    scene.network.passes = false;
    const { clock, stop } = scene;
    const test = connection.test({ clock, deadline: 2, signal: stop.signal });
    await clock.advance(0.5);
    stop.abort();
    expect(await test).toEqual({ kind: 'unclear', reason: 'interrupted' });
    expect(link.keepAlive).toBe(false);
  });
});
