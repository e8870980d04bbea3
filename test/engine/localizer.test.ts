/** Whether a box is looked for when it may be, what is said of it, and when that is taken back. */
import { describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import { LocateTurns } from '../../src/engine/locate-turns.js';
import type { TargetRunnerOptions } from '../../src/engine/target-runner.js';
import type { FakeClock } from '../support/fake-clock.js';
import type { Seconds } from '../../src/units.js';
import type { FakePath } from '../support/fake-path.js';
import { HOME, measureTarget, stateStore } from '../support/measured-target.js';

const DAY = 86_400;
const TARGET: TargetConfig = {
  ...HOME,
  locate: { every: 7 * DAY, max_hops: 24, profile: false, refresh: 'auto', addresses: true },
};

async function start(
  prepare: (path: FakePath) => void = () => undefined,
  more: Partial<TargetRunnerOptions> | ((clock: FakeClock) => Partial<TargetRunnerOptions>) = {},
) {
  const tested: string[] = [];
  const scene = await measureTarget(
    (path) => {
      path.idleTimeout = 60;
      prepare(path);
    },
    (clock) => ({
      target: TARGET,
      observer: { localized: (_, mode, side, { kind }) => tested.push(`${mode} ${side} ${kind}`) },
      capability: () => ({ available: true }),
      ...(typeof more === 'function' ? more(clock) : more),
    }),
  );
  const { runner } = scene;
  const send = () => runner.snapshot().locating?.modes.find(({ mode }) => mode === 'send');
  const state = () => send()?.state;
  return { ...scene, tested, send, state };
}

describe('a Localizer', () => {
  it('finds a router, with both rows, the addresses that routers told, and says so once', async () => {
    const scene = await start();
    await scene.until(900, () => scene.state() === 'running');
    // Never before every mode has its finding.
    expect(scene.runner.snapshot().modes.every(({ finding }) => finding.timeout !== undefined)).toBe(true);
    const { left = 0 } = scene.send()?.running ?? {};
    expect(left).toBeGreaterThan(120);
    expect(left).toBeLessThan(250);
    await scene.until(left + 20, () => scene.state() === 'located');
    const { hops, addresses, modes } = scene.runner.snapshot().locating ?? {};
    expect(hops).toEqual({ client: 3, responder: 3 });
    expect(addresses).toEqual([
      { hop: 1, address: '10.0.1.1' },
      { hop: 3, address: '10.0.3.1' },
    ]);
    expect(scene.send()?.found).toMatchObject({
      hop: '2',
      place: 'unknown',
      result: { box: { kind: 'router', kc: 2, ks: 2 } },
    });
    expect(modes?.[1]).toMatchObject({
      state: 'idle',
      why: 'it forgets when send does, where it is looked for',
    });
    expect(scene.events(/^looking for the box/)).toHaveLength(1);
    expect(scene.events(/^send: The router at hop 2 forgets/)).toHaveLength(1);
    // What routers told is no business of a log's.
    expect(scene.events(/10\.0/)).toEqual([]);
    expect(new Set(scene.tested.map((text) => text.split(' ')[1]))).toEqual(
      new Set(['client', 'responder', 'both', 'none']),
    );
    await scene.live(3600);
    expect(scene.events(/^looking for the box/)).toHaveLength(1);
  });

  it('opens as many connections as one mode has, at most, all in the budget, and no bound counts them', async () => {
    const scene = await start();
    let most = 0;
    await scene.until(1500, () => {
      const own = scene.runner.snapshot().modes.reduce((sum, { connections }) => sum + connections, 0);
      most = Math.max(most, scene.path.probes.size - own);
      // Those that are being opened count as well.
      const { connections = 12 } = scene.send()?.running ?? {};
      expect(connections).toBeGreaterThanOrEqual(scene.path.probes.size - own);
      expect(connections).toBeLessThanOrEqual(12);
      expect(scene.launches.taken).toBeGreaterThanOrEqual(scene.path.probes.size - 1);
      return scene.state() === 'located';
    });
    expect(most).toBeGreaterThan(9);
    expect(most).toBeLessThanOrEqual(12);
  });

  it('bisects the rows with few connections', async () => {
    const target = { ...TARGET, search: { ...TARGET.search, connections: 3 } };
    const scene = await start(() => undefined, { target });
    await scene.until(4000, () => scene.state() === 'located');
    expect(scene.send()?.found?.hop).toBe('2');
  });

  it('tells the bridge in front of hop 1', async () => {
    const scene = await start((path) => {
      path.kc = 1;
      path.ks = 4;
    });
    await scene.until(1500, () => scene.state() === 'located');
    expect(scene.send()?.found).toMatchObject({ hop: '0-1', place: 'before_hop_1' });
  });

  it('reads its own row alone where the far end cannot refresh, and asks nobody where it shall not', async () => {
    const locate = { ...TARGET.locate!, addresses: false };
    const scene = await start((path) => (path.fresh = false), { target: { ...TARGET, locate } });
    await scene.until(1500, () => scene.state() === 'located');
    expect(scene.send()?.found).toMatchObject({ hop: '', result: { box: { kind: 'one_sided', kc: 2 } } });
    expect(scene.runner.snapshot().locating?.addresses).toEqual([]);
  });

  it('claims nothing where refreshes do harm', async () => {
    const scene = await start((path) => (path.harms = true));
    await scene.until(1500, () => scene.state() === 'not_located');
    expect(scene.send()?.found).toMatchObject({ result: { reason: 'harmful' } });
  });

  it('says so where there are more routers than are looked at', async () => {
    const locate = { ...TARGET.locate!, max_hops: 2 };
    const scene = await start(() => undefined, { target: { ...TARGET, locate } });
    await scene.until(1500, () => scene.state() === 'not_located');
    expect(scene.send()?.found).toMatchObject({
      result: { reason: 'too_far' },
      sentence: 'Not located: there are more routers on the path than are looked at.',
    });
  });

  it('is off with locate: off, and for who does not want it; says why it cannot', async () => {
    const { locate: _, ...off } = TARGET;
    for (const more of [{ target: off }, { locates: false }]) {
      const scene = await start(() => undefined, more);
      await scene.live(900);
      expect(scene.runner.snapshot().locating).toBeUndefined();
    }
    const scene = await start(() => undefined, {
      capability: () => ({ available: false, why: 'no_library' }),
    });
    await scene.live(900);
    expect(scene.send()?.why).toMatch(/^this end cannot keep connections fresh: the package koffi/);
    expect(scene.events(/^looking for/)).toEqual([]);
  });
});

describe('what was found', () => {
  it.each([
    ['drops', 25],
    ['rises', 110],
  ])('is gone at once when the timeout %s, and is looked for again', async (_, after) => {
    const scene = await start();
    await scene.until(1500, () => scene.state() === 'located');
    scene.path.idleTimeout = after;
    await scene.until(
      2000,
      () =>
        scene.events(/^send: .*(sooner|later|longer|shorter|drop|rise)/i).length > 0 ||
        scene.state() !== 'located',
    );
    expect(scene.state()).not.toBe('located');
    await scene.until(3000, () => scene.state() === 'located');
    expect(scene.send()?.found?.result.evidence.upper).toBeLessThan(after + 10);
    expect(scene.send()?.found?.result.evidence.upper).toBeGreaterThan(after - 10);
  });

  it('is gone at another address of ours', async () => {
    const scene = await start();
    await scene.until(1500, () => scene.state() === 'located');
    scene.path.seenAddress = '198.51.100.77';
    scene.path.reboot();
    await scene.until(300, () => scene.state() !== 'located');
    expect(scene.runner.snapshot().locating?.addresses).toEqual([]);
    await scene.until(1500, () => scene.state() === 'located');
  });

  it('is looked for once a day at most because something changed', async () => {
    const scene = await start();
    await scene.until(1500, () => scene.state() === 'located');
    for (const timeout of [30, 60]) {
      scene.path.idleTimeout = timeout;
      await scene.until(3000, () => scene.state() !== 'located');
      await scene.live(1500);
    }
    expect(scene.events(/^send: The router/)).toHaveLength(2);
    expect(scene.state()).toBe('idle');
    expect(scene.send()?.why).toMatch(/^it is looked for again in \d+ h/);
    scene.clock.sleep(DAY);
    await scene.until(3000, () => scene.state() === 'located');
    expect(scene.events(/^send: The router/)).toHaveLength(3);
  });

  it('is asked again after `every`, and stands meanwhile', async () => {
    const locate = { ...TARGET.locate!, every: 3600 };
    const scene = await start(() => undefined, { target: { ...TARGET, locate } });
    await scene.until(1500, () => scene.state() === 'located');
    const { at = 0 } = scene.send()?.found ?? {};
    await scene.until(3700, () => scene.state() === 'running');
    expect(scene.clock.wall() - at).toBeGreaterThan(3590);
    expect(scene.send()?.found?.at).toBe(at);
    await scene.until(300, () => scene.state() === 'located');
    expect(scene.send()?.found?.at).toBeGreaterThan(at);
  });

  describe('in a fleet whose turns are taken', () => {
    const EVERY = 900;
    const target = { ...TARGET, locate: { ...TARGET.locate!, every: EVERY } };

    /** Located so many times `every` ago, and then another target takes the only turn and keeps it. */
    async function overdue(times: number) {
      let turns: LocateTurns | undefined;
      const scene = await start(
        () => undefined,
        (clock) => {
          turns = new LocateTurns(clock);
          turns.fleet = [EVERY, EVERY];
          return { target, turns };
        },
      );
      await scene.until(1500, () => scene.state() === 'located');
      const { at = 0 } = scene.send()?.found ?? {};
      const leave = await turns!.turn(new AbortController().signal);
      await scene.until(3 * EVERY, () => scene.clock.wall() - at > times * EVERY);
      return { ...scene, at, leave, turns: turns! };
    }

    it('stands beyond twice `every` while it waits, and is asked again when its turn comes', async () => {
      const { at, leave, ...scene } = await overdue(2.5);
      expect(scene.send()).toMatchObject({ state: 'located', found: { at, hop: '2' } });
      leave?.();
      await scene.until(10, () => scene.state() === 'running');
      expect(scene.send()?.found?.at).toBe(at);
      await scene.until(300, () => scene.state() === 'located');
      expect(scene.send()?.found?.at).toBeGreaterThan(at);
    });

    it('is gone at once all the same when the timeout changes', async () => {
      const scene = await overdue(2.5);
      scene.path.idleTimeout = 25;
      await scene.until(600, () => scene.state() !== 'located');
      expect(scene.send()?.found).toBeUndefined();
    });

    it('comes before those of whom something is known once what was found of it is gone', async () => {
      const { leave, turns, ...scene } = await overdue(0.5);
      let others = 0;
      void turns.turn(new AbortController().signal).then(() => (others += 1));
      await scene.live(0.7 * EVERY);
      scene.path.idleTimeout = 25;
      await scene.until(600, () => scene.send()?.found === undefined);
      await scene.until(900, () => scene.send()?.why?.startsWith('it waits for its turn') === true);
      await scene.live(600);
      expect(scene.send()?.why).toMatch(/^it waits for its turn/);
      leave?.();
      await scene.until(120, () => scene.state() === 'running');
      expect(others).toBe(0);
    });

    it('keeps its place in the queue while a finding is in doubt, and comes first where its turn came in vain', async () => {
      const { leave, turns, ...scene } = await overdue(1.2);
      const isInDoubt = (): boolean => scene.runner.snapshot().modes.some(({ finding }) => finding.suspect);
      await scene.until(600, () => {
        const [oldest] = scene.path.probes;
        if (oldest !== undefined) oldest.forgotten = true;
        return isInDoubt();
      });
      const others: Seconds[] = [];
      const wait = (): void =>
        void turns.turn(new AbortController().signal).then((left) => {
          others.push(scene.clock.monotonic());
          scene.clock.after(300, () => left?.());
        });
      const before = scene.clock.monotonic();
      wait();
      wait();
      leave?.();
      await scene.until(900, () => scene.state() === 'running');
      expect(isInDoubt()).toBe(false);
      // Its turn came and was passed on; then it had to wait for the one that had it, and for nobody else.
      expect(others).toHaveLength(1);
      expect(others[0]! - before).toBeGreaterThan(1);
    });
  });

  it('survives a restart, until it is too old', async () => {
    const store = stateStore();
    const first = await start(() => undefined, { store });
    await first.until(1500, () => first.state() === 'located');
    const found = first.send()?.found;
    await first.stop();
    const second = await start(() => undefined, { store });
    expect(second.send()).toMatchObject({
      state: 'located',
      found: { at: found?.at, sentence: found?.sentence },
    });
    await second.live(900);
    expect(second.events(/^looking for the box/)).toEqual([]);
  });
});

describe('the idle timeout of every hop', () => {
  const PROFILED: TargetConfig = { ...TARGET, locate: { ...TARGET.locate!, profile: true } };
  /** Behind the router at hop 2 (60 s) one at hop 3. */
  const behind = (path: FakePath): void => {
    path.second = { timeout: 110, kc: 3, ks: 1 };
  };
  const profiled = (scene: Awaited<ReturnType<typeof start>>) => scene.send()?.found?.profile;
  const isWhole = (scene: Awaited<ReturnType<typeof start>>): boolean =>
    (profiled(scene)?.places.length ?? 0) > 0;

  it('is measured after the box was found, what is left first, within the same connections', async () => {
    const scene = await start(behind, { target: PROFILED });
    await scene.until(1500, () => scene.send()?.running?.stage === 'profile');
    expect(scene.send()?.found?.hop).toBe('2');
    let most = 0;
    await scene.until(3000, () => {
      const own = scene.runner.snapshot().modes.reduce((sum, { connections }) => sum + connections, 0);
      most = Math.max(most, scene.path.probes.size - own);
      expect(scene.launches.taken).toBeGreaterThanOrEqual(scene.path.probes.size - 1);
      return profiled(scene) !== undefined;
    });
    // The first of it is told before all of it is known.
    expect(isWhole(scene)).toBe(false);
    expect(profiled(scene)?.behind?.lower).toBeLessThan(110);
    expect(profiled(scene)?.behind?.upper).toBeGreaterThanOrEqual(110);
    await scene.until(3000, () => isWhole(scene));
    expect(scene.state()).toBe('located');
    const forgets = profiled(scene)?.places.filter(({ upper }) => upper !== undefined);
    expect(forgets).toMatchObject([
      { hop: '2', kind: 'router' },
      { hop: '3', kind: 'router' },
    ]);
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(12);
    expect(scene.events(/^measuring the idle timeout of every hop/)).toHaveLength(1);
    expect(scene.events(/^send: When that box is mended, another one forgets/)).toHaveLength(1);
    await scene.live(900);
    expect(scene.events(/^measuring/)).toHaveLength(1);
  });

  it('is gone with the box when the timeout changes', async () => {
    const scene = await start(behind, { target: PROFILED });
    await scene.until(5000, () => isWhole(scene));
    scene.path.idleTimeout = 25;
    await scene.until(2000, () => scene.state() !== 'located');
    expect(scene.send()?.found).toBeUndefined();
  });

  it('stands while box and hops are asked again, survives a restart, and is measured after one that cut it off', async () => {
    const store = stateStore();
    const first = await start(behind, { store, target: PROFILED });
    await first.until(1500, () => first.send()?.running?.stage === 'profile');
    await first.stop();
    const second = await start(behind, { store, target: PROFILED });
    expect(second.send()).toMatchObject({ state: 'located', found: { hop: '2' } });
    await second.until(5000, () => isWhole(second));
    expect(second.events(/^looking for the box/)).toEqual([]);
    const { at = 0 } = profiled(second) ?? {};
    await second.stop();
    const third = await start(behind, { store, target: PROFILED });
    expect(profiled(third)).toMatchObject({ at, places: profiled(second)?.places });
    third.clock.sleep(7 * DAY);
    await third.until(3000, () => third.send()?.running?.stage === 'rows');
    expect(profiled(third)?.at).toBe(at);
    await third.until(1500, () => third.send()?.running?.stage === 'profile');
    expect(profiled(third)?.at).toBe(at);
    await third.until(5000, () => third.state() === 'located');
    expect(profiled(third)?.at).toBeGreaterThan(at);
  });

  it('says nothing where the route changes meanwhile, and is tried again', async () => {
    const scene = await start(behind, { target: PROFILED });
    await scene.until(1500, () => scene.send()?.running?.stage === 'profile');
    scene.path.strays = true;
    await scene.until(1500, () => scene.events(/not known: refreshes came farther/).length > 0);
    expect(scene.state()).toBe('located');
    expect(profiled(scene)).toBeUndefined();
    scene.path.strays = false;
    await scene.until(5000, () => isWhole(scene));
  });

  it('is ended by a timeout that changes, and by a restart of the far end is not', async () => {
    const scene = await start(behind, { target: PROFILED });
    await scene.until(1500, () => scene.send()?.running?.stage === 'profile');
    scene.path.restart();
    await scene.until(5000, () => isWhole(scene));
    expect(scene.events(/^looking for the box/)).toHaveLength(1);
    const other = await start(behind, { target: PROFILED });
    await other.until(1500, () => other.send()?.running?.stage === 'profile');
    other.path.idleTimeout = 20;
    await other.until(
      1500,
      () => other.events(/^the idle timeouts along the path are not measured/).length > 0,
    );
    expect(profiled(other)).toBeUndefined();
  });

  it('is not asked for on a path of which one end alone tells, nor unless it is wanted', async () => {
    for (const [prepare, target] of [
      [(path: FakePath) => (path.fresh = false), PROFILED],
      [behind, TARGET],
    ] as const) {
      const scene = await start(prepare, { target });
      await scene.until(1500, () => scene.state() === 'located');
      await scene.live(900);
      expect(scene.events(/^measuring/)).toEqual([]);
    }
  });
});

describe('a far end that lies', () => {
  /** This end's row, which nobody else has a part in. */
  const OWN_ROW = { kind: 'one_sided', kc: 2 };

  it.each<[string, FakePath['lies']]>([
    ['that every keepalive of its own was acknowledged', { reached: () => true }],
    ['that none was', { reached: () => false }],
    ['that it stands one router nearer', { reached: (ttl) => ttl > 2 }],
    ['that it stands one router farther', { reached: (ttl) => ttl > 4 }],
    ['that it refreshes, and does not', { ttl: () => 0 }],
    ['that it refreshes up to a hop, and does so all the way', { ttl: () => 64 }],
    ['that it refreshes up to a hop, and does so one farther', { ttl: (asked) => asked + 1 }],
    ['that it refreshes up to a hop, and comes one less far', { ttl: (asked) => asked - 1 }],
  ])('%s, has nothing claimed but what this end saw', async (_, lies) => {
    const scene = await start((path) => (path.lies = lies));
    const seen: unknown[] = [];
    await scene.until(3000, () => {
      const result = scene.send()?.found?.result;
      if (result?.kind === 'located') seen.push(result.box);
      return scene.state() === 'located';
    });
    expect(seen).toEqual([OWN_ROW]);
    expect(scene.send()?.found).toMatchObject({ hop: '', place: 'unknown' });
  });

  it("so that all of it fits, is taken for one behind a rewritten TTL: its row is told beside this end's, no sum is made", async () => {
    const scene = await start(
      (path) => (path.lies = { reached: (ttl) => ttl > 1, ttl: (asked) => asked + 2 }),
    );
    await scene.until(3000, () => scene.state() === 'located');
    expect(scene.send()?.found).toMatchObject({ hop: '', result: { box: { ...OWN_ROW, ks: 1 } } });
  });
});

describe('a fault in between', () => {
  it.each([
    ['a reboot of the box', (path: FakePath) => path.reboot()],
    ['a restart of the far end', (path: FakePath) => path.restart()],
    [
      'another address of ours',
      (path: FakePath) => {
        path.seenAddress = '198.51.100.77';
        path.reboot();
      },
    ],
  ])('%s makes no claim, and it is begun anew', async (_, happen) => {
    const scene = await start();
    await scene.until(900, () => scene.send()?.running?.stage === 'rows');
    await scene.live(30);
    happen(scene.path);
    const seen = new Set<string | undefined>();
    await scene.until(3000, () => {
      seen.add(scene.send()?.found?.hop);
      return scene.state() === 'located';
    });
    expect([...seen]).toEqual([undefined, '2']);
  });

  it('an outage makes no claim, and it is tried again', async () => {
    const scene = await start();
    await scene.until(900, () => scene.send()?.running?.stage === 'rows');
    scene.path.passes = false;
    await scene.live(200);
    scene.path.passes = true;
    await scene.until(5000, () => scene.state() === 'located');
    expect(scene.send()?.found?.hop).toBe('2');
  });

  it('a timeout that changes in mid-run ends it', async () => {
    const scene = await start();
    await scene.until(900, () => scene.send()?.running?.stage === 'rows');
    scene.path.idleTimeout = 20;
    await scene.until(
      3000,
      () => scene.events(/^the box that forgets is not looked for any more/).length > 0,
    );
    expect(scene.state()).not.toBe('located');
    await scene.until(5000, () => scene.state() === 'located');
    expect(scene.send()?.found?.result.evidence.upper).toBeLessThan(30);
  });

  it('connections of the search that have to make room move no bound', async () => {
    const scene = await start();
    await scene.until(900, () => scene.state() === 'running');
    // Room for the searches' own, and no more: whoever idles longest is forgotten.
    const own = scene.runner.snapshot().modes.reduce((sum, { connections }) => sum + connections, 0);
    const { lower, upper } = scene.runner.snapshot().modes[0]?.finding ?? {};
    scene.path.quota = own + 2;
    await scene.until(900, () => scene.state() !== 'running');
    expect(scene.events(/perhaps to make room/).length + scene.events(/Not located/).length).toBeGreaterThan(
      0,
    );
    expect(scene.state()).not.toBe('located');
    const { finding } = scene.runner.snapshot().modes[0] ?? {};
    expect(finding?.lower).toBeGreaterThanOrEqual(lower ?? 0);
    expect(finding?.upper).toBeLessThanOrEqual(upper ?? 0);
    expect(finding?.suspect).toBe(false);
  });
});
