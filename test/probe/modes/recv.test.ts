/** The far end breaks the silence: what each way of not hearing it says. */
import { describe, expect, it } from 'vitest';
import { FakeResponder, serveSilence } from '../../support/fake-far-ends.js';
import { Scene } from '../scene.js';

/** A native connection that has idled for ten minutes beside a canary. */
async function idle() {
  const scene = new Scene();
  const canary = await scene.canary();
  const control = scene.newest;
  const connection = await scene.open('recv');
  const probe = scene.newest;
  // As a canary does, lest its own mapping be forgotten.
  for (let beat = 0; beat < 10; beat++) {
    await scene.clock.advance(60);
    expect(await scene.beat(canary)).toBe(true);
  }
  return { scene, canary, control, connection, probe };
}

/** Two far ends that take the connections to one address in turns. */
function behindOneAddress(): Scene {
  const scene = new Scene();
  const second = new FakeResponder();
  second.instance = '8899aabbccddeeff';
  let turn = 0;
  scene.serve('native', (link) => (turn++ % 2 === 0 ? scene.responder : second).serve(link));
  return scene;
}

describe('recv over the native protocol', () => {
  it('is answered when the ring, the answer and the word of it arrive', async () => {
    const { scene, connection } = await idle();
    expect(await scene.test(connection)).toMatchObject({ kind: 'answered' });
    expect(scene.responder.heard.map(({ kind }) => kind).slice(-2)).toEqual(['call', 'answer']);
  });

  it('dies of silence when the ring never arrives', async () => {
    const { scene, connection, probe } = await idle();
    probe.forget();
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('dies of silence when our answer to the ring never arrives', async () => {
    const { scene, connection } = await idle();
    scene.responder.withholds.add('heard');
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('dies of a RST that a box sends to the far end only', async () => {
    const { scene, connection, probe } = await idle();
    scene.network.forgetfulness = 'reset';
    probe.forget();
    const before = scene.clock.monotonic();
    expect(await scene.test(connection, 8)).toMatchObject({ kind: 'died', evidence: 'reset' });
    expect(scene.clock.monotonic() - before).toBeLessThan(1);
  });

  it('died while it idled when the far end knows the connection no more', async () => {
    const { scene, connection, probe } = await idle();
    probe.forget();
    scene.responder.forget();
    expect(await scene.test(connection)).toMatchObject({ kind: 'died', evidence: 'reset_idle' });
  });

  it('does not ask another far end about a connection where the one that welcomed it can be asked', async () => {
    const scene = behindOneAddress();
    await scene.canary();
    await scene.canary();
    const connection = await scene.open('recv');
    await scene.clock.advance(5);
    expect(await scene.test(connection)).toMatchObject({ kind: 'answered' });
  });

  it('learns nothing from another far end that does not know the connection', async () => {
    const scene = behindOneAddress();
    await scene.canary();
    const connection = await scene.open('recv');
    await scene.clock.advance(5);
    expect(await scene.test(connection)).toEqual({ kind: 'unclear', reason: 'other_instance' });
  });

  it('says canary_lost when no control connection lives', async () => {
    const { scene, canary, connection } = await idle();
    canary.close();
    expect(await scene.test(connection)).toEqual({ kind: 'unclear', reason: 'canary_lost' });
  });

  it.each(['rung', 'heard'] as const)(
    'says canary_lost when the control connection ends before its %s',
    async (word) => {
      const { scene, control, connection } = await idle();
      scene.responder.withholds.add(word);
      const { clock, stop } = scene;
      const test = connection.test({ clock, deadline: 8, signal: stop.signal });
      await clock.advance(0.5);
      control.finish({ kind: 'reset', detail: 'connection reset' });
      expect(await clock.settle(test, 1)).toEqual({ kind: 'unclear', reason: 'canary_lost' });
    },
  );

  it('says canary_lost when the far end does not say that it rang', async () => {
    const { scene, connection } = await idle();
    scene.responder.withholds.add('rung');
    expect(await scene.test(connection)).toEqual({ kind: 'unclear', reason: 'canary_lost' });
  });

  it('says nothing when it is called off before the far end rang', async () => {
    const { scene, connection } = await idle();
    scene.responder.withholds.add('rung');
    const { clock, stop } = scene;
    const test = connection.test({ clock, deadline: 8, signal: stop.signal });
    await clock.advance(0.5);
    stop.abort();
    expect(await test).toEqual({ kind: 'unclear', reason: 'interrupted' });
  });
});

describe('recv over the legacy protocol', () => {
  const open = async (scene: Scene) => ({ connection: await scene.open('recv', 300), link: scene.newest });

  it('is answered at the idle time that was asked for at launch', async () => {
    const scene = new Scene('legacy');
    const { connection } = await open(scene);
    const observed = await scene.clock.settle(
      connection.test({ clock: scene.clock, deadline: 2, signal: scene.stop.signal }),
      310,
    );
    expect(observed).toMatchObject({ kind: 'answered' });
    const { earliest, latest } = observed.kind === 'answered' ? observed.broken : connection.opened;
    expect(earliest - connection.opened.latest).toBeCloseTo(300, 6);
    expect(latest - connection.opened.earliest).toBeCloseTo(301, 6);
  });

  it('dies of silence when the far end never writes', async () => {
    const scene = new Scene('legacy');
    scene.serve('sleep', serveSilence);
    const { connection } = await open(scene);
    const test = connection.test({ clock: scene.clock, deadline: 2, signal: scene.stop.signal });
    expect(await scene.clock.settle(test, 310)).toMatchObject({ kind: 'died', evidence: 'silence' });
  });

  it('dies while it idles when a RST comes before the time that was asked for', async () => {
    const scene = new Scene('legacy');
    Object.assign(scene.network, { idleTimeout: 100, forgetfulness: 'reset_idle' });
    const { connection } = await open(scene);
    const test = connection.test({ clock: scene.clock, deadline: 2, signal: scene.stop.signal });
    const observed = await scene.clock.settle(test, 310);
    expect(observed).toMatchObject({ kind: 'died', evidence: 'reset_idle' });
    if (observed.kind === 'died')
      expect(observed.broken.latest - connection.opened.earliest).toBeLessThan(101);
  });

  it('says nothing when the far end wrote much earlier than it was asked to', async () => {
    const scene = new Scene('legacy');
    scene.serve('sleep', (link) =>
      link.own({
        data: (bytes) => {
          const request = Buffer.from(bytes);
          scene.clock.after(200, () => link.write(request));
        },
        ended: () => undefined,
      }),
    );
    const { connection } = await open(scene);
    const test = connection.test({ clock: scene.clock, deadline: 2, signal: scene.stop.signal });
    expect(await scene.clock.settle(test, 310)).toEqual({ kind: 'unclear', reason: 'late' });
  });

  it('says nothing when the far end wrote something else: the path passes', async () => {
    const scene = new Scene('legacy');
    scene.serve('sleep', (link) =>
      link.own({
        data: () => scene.clock.after(300, () => link.write('busy')),
        ended: () => undefined,
      }),
    );
    const { connection } = await open(scene);
    const test = connection.test({ clock: scene.clock, deadline: 2, signal: scene.stop.signal });
    expect(await scene.clock.settle(test, 310)).toEqual({ kind: 'unclear', reason: 'control_failed' });
  });
});
