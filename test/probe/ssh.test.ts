/** An SSH server as far end in virtual time: what real servers do is tested in `netns` and `e2e`. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPath } from '../../src/probe/far-ends/index.js';
import type { Path, ProbeConnection } from '../../src/probe/path.js';
import type { Observation } from '../../src/probe/observe.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import type { LinkEnd } from '../../src/net/errors.js';
import type { Mode } from '../../src/core/modes.js';
import { FakeClock } from '../support/fake-clock.js';
import { type FakeLink, FakeNetwork } from '../support/fake-link.js';
import { FakeSsh } from '../support/fake-ssh.js';
import { makeConfig } from '../support/fake-view.js';

const FAR_END = '203.0.113.9';
const stops: AbortController[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

class SshScene {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock);
  readonly server = new FakeSsh(FAR_END);
  readonly stop = new AbortController();
  readonly spoken: number[] = [];
  readonly welcomes: string[] = [];
  readonly path: Path;

  constructor(identityFile = this.server.identityFile) {
    stops.push(this.stop);
    this.network.listen(22, this.server.serve);
    this.path = openPath({
      target: makeConfig('vps', {
        far_end: {
          kind: 'ssh',
          host: FAR_END,
          port: 22,
          user: 'me',
          identity_file: identityFile,
          known_hosts_file: this.server.knownHostsFile,
        },
        search: { ...DEFAULT_SEARCH, deadline: 3 },
      }),
      address: FAR_END,
      clock: this.clock,
      openLink: this.network.openLink,
      speaks: (after) => this.spoken.push(after),
      welcomed: ({ instance }) => this.welcomes.push(instance),
    });
  }

  /** Keys are read from files first, which takes real time. */
  async #settle<T>(begin: () => Promise<T>): Promise<T> {
    const { timers } = this.clock;
    let over = false;
    const result = begin();
    const done = (): void => {
      over = true;
    };
    result.then(done, done);
    await vi.waitFor(() => expect(over || this.clock.timers > timers).toBe(true), { timeout: 20_000 });
    return this.clock.settle(result, 60);
  }

  open(mode: Mode): Promise<ProbeConnection> {
    return this.#settle(() => this.path.open(mode, undefined, this.stop.signal));
  }

  canary() {
    return this.#settle(() => this.path.openCanary(this.stop.signal));
  }

  check() {
    return this.#settle(() => this.path.check(this.stop.signal));
  }

  context(deadline = 3) {
    return { clock: this.clock, deadline, signal: this.stop.signal };
  }

  test(connection: ProbeConnection, deadline = 3): Promise<Observation> {
    return this.clock.settle(connection.test(this.context(deadline)), 60);
  }

  get newest(): FakeLink {
    return this.network.opened.at(-1)!;
  }

  get program() {
    return this.server.programs.at(-1)!;
  }
}

/** What a test came to, in a word or two. */
function word(observation: Observation): string {
  if (observation.kind === 'answered') return 'answered';
  return observation.kind === 'died' ? observation.evidence : observation.reason;
}

describe('a session with an SSH server', () => {
  it.each(['send', 'keepalive'] as const)(
    'is answered in mode %s, and dies where it is forgotten',
    async (mode) => {
      const scene = new SshScene();
      const connection = await scene.open(mode);
      const { earliest, latest } = connection.opened;
      expect(latest - earliest).toBeLessThan(0.5);
      expect(connection).toMatchObject({ seen: '198.51.100.7:40001', remote: `${FAR_END}:22` });
      expect(connection.local).toMatch(/^192\.0\.2\.2:\d+$/);
      await scene.clock.advance(300);
      expect(word(await scene.test(connection))).toBe('answered');
      connection.close();
      const other = await scene.open(mode);
      await scene.clock.advance(300);
      scene.newest.forget();
      expect(word(await scene.test(other))).toBe('silence');
    },
  );

  it('is met by a far end whose boot is told by a name that does not tell it', async () => {
    const scene = new SshScene();
    const { instance } = await scene.open('send');
    expect(instance).toMatch(/^[0-9a-f]{16}$/);
    expect(scene.welcomes).toEqual([instance]);
    const other = new SshScene();
    other.server.ready = '2001:db8::7 40001 another-boot';
    const connection = await other.open('send');
    expect(connection.instance).not.toBe(instance);
    expect(connection.seen).toBe('[2001:db8::7]:40001');
    const silent = new SshScene();
    silent.server.ready = '- - -';
    const unknown = await silent.open('send');
    expect([unknown.instance, unknown.seen, silent.welcomes]).toEqual([undefined, undefined, []]);
  });

  it.each<[LinkEnd['kind'], string]>([
    ['reset', 'reset'],
    ['closed', 'closed'],
    ['silence', 'silence'],
  ])('that ends by %s while it is tested died of it', async (kind, evidence) => {
    const scene = new SshScene();
    const connection = await scene.open('send');
    const ends: LinkEnd[] = [];
    connection.whenEnded((end) => ends.push(end));
    scene.network.passes = false;
    const tested = connection.test(scene.context(60));
    await scene.clock.advance(1);
    scene.newest.finish({ kind, detail: kind });
    expect(word(await scene.clock.settle(tested, 5))).toBe(evidence);
    expect(ends).toEqual([{ kind, detail: kind }]);
  });

  it('whose program has ended says nothing of the path', async () => {
    const scene = new SshScene();
    const connection = await scene.open('send');
    const ends: LinkEnd[] = [];
    connection.whenEnded((end) => ends.push(end));
    const tested = connection.test(scene.context(60));
    scene.program.exit();
    expect(word(await scene.clock.settle(tested, 5))).toBe('interrupted');
    expect(ends).toEqual([{ kind: 'local', detail: 'the program at the far end has ended' }]);
  });

  it('on which the server was heard before its test says nothing, nor does its end', async () => {
    const scene = new SshScene();
    const connection = await scene.open('send');
    const ends: LinkEnd[] = [];
    connection.whenEnded((end) => ends.push(end));
    await scene.clock.advance(100);
    scene.program.say('wall: going down\n');
    await scene.clock.advance(1);
    expect(scene.spoken).toHaveLength(1);
    expect(scene.spoken[0]).toBeGreaterThan(99);
    expect(scene.spoken[0]).toBeLessThan(101);
    expect(word(await scene.test(connection))).toBe('disturbed');
    scene.newest.finish({ kind: 'reset', detail: 'connection reset' });
    expect(ends.map(({ kind }) => kind)).toEqual(['local']);
    // Nothing longer can be measured from now on; what is spoken later is no news.
    const other = await scene.open('send');
    await scene.clock.advance(99);
    expect(word(await scene.test(other))).toBe('answered');
    const late = await scene.open('send');
    await scene.clock.advance(101);
    expect(word(await scene.test(late))).toBe('disturbed');
    scene.program.say('wall: again\n');
    await scene.clock.advance(1);
    expect(scene.spoken).toHaveLength(1);
  });

  it('may be held by data, and idles from the last answer on', async () => {
    const scene = new SshScene();
    const connection = await scene.open('send');
    for (let times = 0; times < 3; times++) {
      await scene.clock.advance(3000);
      const heard = await scene.clock.settle(connection.refresh!(scene.context()), 5);
      expect(heard.kind).toBe('message');
    }
    expect(scene.spoken).toEqual([]);
    await scene.clock.advance(3000);
    expect(word(await scene.test(connection))).toBe('answered');
    connection.keepAlive!(10);
    expect(scene.newest.keepAlive).toBe(true);
  });

  it('that idled for as long as servers are silent at most says nothing', async () => {
    const scene = new SshScene();
    const connection = await scene.open('send');
    await scene.clock.advance(7201);
    expect(word(await scene.test(connection))).toBe('disturbed');
  });
});

describe('sessions of one server', () => {
  it('log in one after the other, what shows whether the path works before all others', async () => {
    const scene = new SshScene();
    const { signal } = scene.stop;
    const order: string[] = [];
    const note =
      (name: string) =>
      (result: unknown): unknown => {
        order.push(name);
        return result;
      };
    const all = Promise.all([
      scene.path.open('send', undefined, signal).then(note('first')),
      scene.path.open('send', undefined, signal).then(note('second')),
      scene.path.openCanary(signal).then(note('canary')),
      scene.path.check(signal).then(note('check')),
    ]);
    // Keys are read in real time before each of them.
    await vi.waitFor(
      async () => {
        await scene.clock.advance(1);
        expect(order).toHaveLength(4);
      },
      { timeout: 20_000, interval: 1 },
    );
    await all;
    expect(order.indexOf('second')).toBe(3);
    expect(order.indexOf('first')).toBeLessThan(3);
  });

  it('are none where the far end does not answer on a new one', async () => {
    const scene = new SshScene();
    scene.server.answers = false;
    await expect(scene.open('send')).rejects.toThrow(`${FAR_END}:22 does not answer on a new session`);
    expect(scene.newest.end).toBeDefined();
  });
});

describe('the canary of an SSH server', () => {
  it('beats, and knows what the far end says of itself', async () => {
    const scene = new SshScene();
    const canary = await scene.canary();
    expect(canary.introduction).toEqual({
      localAddress: '192.0.2.2',
      seenAddress: '198.51.100.7',
      conntrack: 300,
      instance: scene.welcomes[0],
      speaksAfter: 7200,
    });
    expect(canary.greeted).toBe(true);
    expect(canary.end).toBeUndefined();
    const beat = (): Promise<boolean> => scene.clock.settle(canary.beat(3, scene.stop.signal), 10);
    expect(await beat()).toBe(true);
    scene.network.passes = false;
    expect(await beat()).toBe(false);
    canary.close();
    expect(canary.end?.kind).toBe('closed');
  });

  it.each([
    ['300 7200 02', 1, { conntrack: 300, speaksAfter: 7200 }],
    ['- 600 02', 1, { conntrack: undefined, speaksAfter: 600 }],
    ['300 7200 00', 1, { conntrack: 300, speaksAfter: undefined }],
    ['300 900 01', 4, { conntrack: 300, speaksAfter: 900 }],
    ['x1 1234567890 ', 4, { conntrack: undefined, speaksAfter: 7200 }],
  ])(
    'that hears the facts "%s" has asked %d times and believes what makes sense',
    async (facts, times, told) => {
      const scene = new SshScene();
      scene.server.facts = [facts];
      const { conntrack, speaksAfter } = await scene.check();
      expect({ conntrack, speaksAfter }).toEqual(told);
      expect(scene.program.told.filter((line) => line === 'facts')).toHaveLength(times);
      // They are the host's: nobody else asks.
      await scene.check();
      expect(scene.program.told).not.toContain('facts');
    },
  );

  it('whose program is ended there is closed, as by a FIN', async () => {
    const scene = new SshScene();
    const canary = await scene.canary();
    const ends: LinkEnd[] = [];
    canary.whenEnded((end) => ends.push(end));
    scene.program.exit();
    await scene.clock.advance(1);
    expect(ends.map(({ kind }) => kind)).toEqual(['closed']);
    expect(canary.end?.kind).toBe('closed');
    const other = await scene.canary();
    scene.newest.finish({ kind: 'silence', detail: 'given up' });
    expect(other.end?.kind).toBe('silence');
  });

  it('needs a box, and says where none can be made', async () => {
    const scene = new SshScene();
    scene.server.makesBoxes = false;
    await expect(scene.canary()).rejects.toThrow('can make no FIFO in TMPDIR or /tmp: mode recv needs one');
    await expect(scene.open('recv')).rejects.toThrow('can make no FIFO');
    expect(scene.network.opened.every(({ end }) => end !== undefined)).toBe(true);
    const { opened } = await scene.open('send');
    expect(opened.earliest).toBeGreaterThan(0);
  });
});

describe('mode recv of an SSH server', () => {
  it('has the youngest canary’s program write into the box of the session', async () => {
    const scene = new SshScene();
    await scene.canary();
    await scene.canary();
    const control = scene.program;
    const connection = await scene.open('recv');
    await scene.clock.advance(300);
    expect(word(await scene.test(connection))).toBe('answered');
    expect(control.told.filter((line) => line.startsWith('post '))).toHaveLength(1);
  });

  it('dies where what is written never arrives', async () => {
    const scene = new SshScene();
    await scene.canary();
    const connection = await scene.open('recv');
    await scene.clock.advance(300);
    scene.newest.forget();
    expect(word(await scene.test(connection))).toBe('silence');
  });

  it('says control_failed where its session hangs, whether the far end can read its queues or not', async () => {
    for (const queue of ['empty', '-'] as const) {
      const scene = new SshScene();
      scene.server.queue = queue;
      await scene.canary();
      const connection = await scene.open('recv');
      scene.program.hangs = true;
      await scene.clock.advance(300);
      expect(word(await scene.test(connection)), queue).toBe('control_failed');
    }
  });

  it('dies where only what was written does not come through, whether the far end can read its queues or not', async () => {
    for (const queue of ['full', '-'] as const) {
      const scene = new SshScene();
      scene.server.queue = queue;
      await scene.canary();
      const connection = await scene.open('recv');
      scene.server.arrives = false;
      await scene.clock.advance(300);
      expect(word(await scene.test(connection)), queue).toBe('silence');
    }
  });

  it('says canary_lost where nobody can be asked to write, or nobody answers', async () => {
    const scene = new SshScene();
    const alone = await scene.open('recv');
    expect(word(await scene.test(alone))).toBe('canary_lost');
    const canary = await scene.canary();
    const control = scene.newest;
    const connection = await scene.open('recv');
    control.forget();
    expect(word(await scene.test(connection))).toBe('canary_lost');
    canary.close();
    const left = await scene.open('recv');
    expect(word(await scene.test(left))).toBe('canary_lost');
  });

  it('says control_failed where the program of the session is gone at the far end', async () => {
    const scene = new SshScene();
    await scene.canary();
    const connection = await scene.open('recv');
    scene.server.posts = false;
    expect(word(await scene.test(connection))).toBe('control_failed');
  });

  it('says interrupted where it is called off, and late where our own process stood still', async () => {
    const scene = new SshScene();
    await scene.canary();
    const [stood, off] = [await scene.open('recv'), await scene.open('recv')];
    scene.network.passes = false;
    const late = stood.test(scene.context(3));
    scene.clock.stall(6);
    expect(word(await scene.clock.settle(late, 10))).toBe('late');
    const calledOff = new AbortController();
    const tested = off.test({ ...scene.context(3), signal: calledOff.signal });
    calledOff.abort();
    expect(word(await scene.clock.settle(tested, 10))).toBe('interrupted');
  });
});

describe('a session whose test was not answered', () => {
  it('has its program ended by a canary, and one that was answered has not', async () => {
    const scene = new SshScene();
    await scene.canary();
    const control = scene.program;
    const [good, bad] = [await scene.open('send'), await scene.open('send')];
    const ended = (): string[] => control.told.filter((line) => line.startsWith('end '));
    await scene.test(good);
    good.close();
    await scene.clock.advance(1);
    expect(ended()).toEqual([]);
    scene.newest.forget();
    await scene.test(bad);
    bad.close();
    await scene.clock.advance(1);
    expect(ended()).toEqual([`end ${scene.program.pid}`]);
  });
});

describe('a server that runs no program', () => {
  it.each(['nothing', 'silence', 'end'] as const)(
    'but %s answers by itself, and is not asked to again',
    async (runs) => {
      const scene = new SshScene();
      scene.server.runs = runs;
      const canary = await scene.canary();
      expect(canary.introduction).toEqual({
        localAddress: '192.0.2.2',
        speaksAfter: 7200,
        cannotBeAsked: ['recv'],
      });
      expect(await scene.clock.settle(canary.beat(3, scene.stop.signal), 10)).toBe(true);
      expect(scene.server.asked).toBe(1);
      const connection = await scene.open('send');
      expect(scene.server.asked).toBe(1);
      expect(connection.instance).toBeUndefined();
      await scene.clock.advance(300);
      expect(word(await scene.test(connection))).toBe('answered');
      await expect(scene.open('recv')).rejects.toThrow('runs no program, which mode recv needs');
      expect(scene.newest.end).toBeDefined();
    },
  );
});

describe('a server that does not let us in', () => {
  it('says which key of the target has to be set right', async () => {
    const scene = new SshScene();
    scene.server.letsIn = false;
    await expect(scene.check()).rejects.toMatchObject({
      name: 'FarEndError',
      cause: { remedy: 'identity_file' },
    });
    expect(scene.newest.end).toBeDefined();
    const stranger = new SshScene();
    const { path } = new SshScene();
    stranger.network.listen(22, new FakeSsh(FAR_END).serve);
    expect(path.holds).toEqual(['keepalive', 'data']);
    await expect(stranger.check()).rejects.toMatchObject({ cause: { remedy: 'known_hosts_file' } });
  });

  it('may hang up before the login', async () => {
    const scene = new SshScene();
    scene.network.listen(22, (link) => link.destroy());
    await expect(scene.check()).rejects.toMatchObject({ name: 'FarEndError' });
    expect(scene.newest.end).toBeDefined();
  });
});
