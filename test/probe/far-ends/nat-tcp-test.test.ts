import { describe, expect, it } from 'vitest';
import { serveSilence } from '../../support/fake-far-ends.js';
import { Scene } from '../scene.js';

const HOUR = 3600;

describe('a legacy path', () => {
  it.each(['send', 'keepalive'] as const)('%s is answered after any idle time', async (mode) => {
    const scene = new Scene('legacy');
    const connection = await scene.open(mode);
    await scene.clock.advance(2 * HOUR);
    expect(await scene.test(connection)).toMatchObject({ kind: 'answered' });
  });

  it.each(['send', 'keepalive'] as const)('%s dies of silence behind a NAT that drops', async (mode) => {
    const scene = new Scene('legacy');
    scene.network.idleTimeout = 300;
    const connection = await scene.open(mode);
    await scene.clock.advance(400);
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('send says nothing where the far end hangs, whose kernel acknowledges', async () => {
    const scene = new Scene('legacy');
    scene.serve('echo', serveSilence);
    const connection = await scene.open('send');
    await scene.clock.advance(400);
    expect(await scene.test(connection)).toEqual({ kind: 'unclear', reason: 'control_failed' });
  });

  it('asks the sleep server for whole seconds of a day at most', async () => {
    const scene = new Scene('legacy');
    for (const idle of [0.2, 59.6, 100_000]) await scene.open('recv', idle);
    expect(scene.network.opened.map(({ written }) => written)).toEqual(['1\n', '60\n', '86400\n']);
  });

  it('a canary gives signs of life again and again on one connection', async () => {
    const scene = new Scene('legacy');
    const canary = await scene.canary();
    expect(canary.greeted).toBe(false);
    for (let beats = 0; beats < 60; beats++) {
      await scene.clock.advance(60);
      expect(await scene.beat(canary)).toBe(true);
    }
    expect(scene.network.opened).toHaveLength(1);
    scene.newest.forget();
    expect(await scene.beat(canary)).toBe(false);
  });

  it('a canary whose answer was held up by an outage gives no sign of life', async () => {
    const scene = new Scene('legacy');
    const canary = await scene.canary();
    await scene.clock.advance(60);
    scene.network.passes = false;
    const { clock, stop } = scene;
    const beat = canary.beat(2, stop.signal);
    await clock.advance(1.5);
    expect(await clock.settle(beat, 10)).toBe(false);
  });

  it('a fresh connection proves that the path works', async () => {
    const scene = new Scene('legacy');
    expect(await scene.check()).toEqual({ localAddress: '192.0.2.2' });
    expect(scene.newest.end).toBeDefined();
  });

  it('says that a server which answers something else is no echo server', async () => {
    const scene = new Scene('legacy');
    scene.serve('echo', (link) =>
      link.own({ data: () => link.write('220 welcome'), ended: () => undefined }),
    );
    await expect(scene.check()).rejects.toThrow('203.0.113.9:31415 does not echo');
  });
});
