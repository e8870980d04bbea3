/** Whether advice is tried when it may be, what is said of it, and when that is taken back. */
import { describe, expect, it } from 'vitest';
import { PROOF_KINDS, verifiedBy } from '../../src/core/diagnosis/proof.js';
import type { TargetRunnerOptions } from '../../src/engine/target-runner.js';
import type { FakePath } from '../support/fake-path.js';
import { measureTarget, stateStore } from '../support/measured-target.js';

async function start(
  prepare: (path: FakePath) => void = () => undefined,
  more: Partial<TargetRunnerOptions> = {},
) {
  const scene = await measureTarget((path) => {
    path.holds = PROOF_KINDS;
    path.idleTimeout = 60;
    prepare(path);
  }, more);
  const { path, runner } = scene;
  const verified = () => verifiedBy(runner.snapshot().proving?.proofs ?? []);
  /** Connections that the search does not count. */
  const held = (): number =>
    path.probes.size - runner.snapshot().modes.reduce((sum, { connections }) => sum + connections, 0);
  return { ...scene, verified, held };
}

const BOTH = { keepalive: true, data: true };
const isTried = (scene: { verified: () => object }) => () => Object.keys(scene.verified()).length === 2;

describe('an AdviceProver', () => {
  it('proves keepalives and data behind a box that counts both, once', async () => {
    const scene = await start();
    const { runner, verified, events, until, live } = scene;
    await until(900, () => runner.snapshot().settings !== undefined);
    // Nothing is called proven before.
    expect(verified()).toEqual({});
    expect(new Set(runner.snapshot().settings?.snippets.map(({ tried }) => tried))).toEqual(
      new Set(['not_tried']),
    );
    await until(400, isTried(scene));
    expect(verified()).toEqual(BOTH);
    const { settings, keepaliveRecommended } = runner.snapshot();
    expect(settings?.snippets.filter(({ tried }) => tried === 'held')).toHaveLength(8);
    const [plan] = events(/^proving the advice/);
    expect(plan).toContain(`every ${keepaliveRecommended} s`);
    expect(
      events(/^tried here/)
        .map((text) => text.replace(/\d+/, 'N'))
        .sort(),
    ).toEqual([
      'tried here: TCP keepalives every N s kept a connection alive',
      'tried here: data every N s kept a connection alive',
    ]);
    await live(3600);
    expect(verified()).toEqual(BOTH);
    expect(events(/^proving the advice/)).toHaveLength(1);
  });

  it('tries after a day again what failed, and shows it until then', async () => {
    const scene = await start((path) => {
      path.counts = ['data'];
    });
    const { clock, path, verified, events } = scene;
    await scene.until(900, isTried(scene));
    path.counts = PROOF_KINDS;
    clock.sleep(86_400);
    await scene.until(300, () => events(/^proving the advice/).length > 1);
    expect(events(/^proving the advice/)[1]).toMatch(/: one connection is held by TCP keepalives, every/);
    expect(verified()).toEqual({ keepalive: false, data: true });
    await scene.until(300, () => verified().keepalive === true);
    expect(verified()).toEqual(BOTH);
  });

  it.each([
    ['eats keepalives or counts data alone', ['data'], { keepalive: false, data: true }],
    ['counts nothing', [], { keepalive: false, data: false }],
  ] as const)('refutes what does not help behind a box that %s', async (_, counts, expected) => {
    const scene = await start((path) => {
      path.counts = counts;
    });
    await scene.until(900, isTried(scene));
    expect(scene.verified()).toEqual(expected);
    const { snippets = [], leftOut = [] } = scene.runner.snapshot().settings ?? {};
    expect(snippets.some(({ text }) => text.includes('tcp_keepalive_time'))).toBe(false);
    expect(snippets.some(({ text }) => text.includes('ServerAliveInterval'))).toBe(expected.data);
    expect(leftOut.map(({ why }) => why)).toContainEqual(
      expect.stringMatching(/^tried here: TCP keepalives every \d+ s did not keep a connection alive$/),
    );
  });

  it('holds two connections at most, in the budget of all targets', async () => {
    const scene = await start();
    const { launches, held } = scene;
    let most = 0;
    await scene.until(900, () => {
      expect(held()).toBeLessThanOrEqual(launches.taken);
      most = Math.max(most, held());
      return isTried(scene)();
    });
    expect(most).toBe(2);
    await scene.clock.advance(1);
    expect(held()).toBe(0);
  });

  it('waits where the budget has no room', async () => {
    const scene = await start((path) => {
      path.counts = ['data'];
    });
    const { clock, path, launches, events, verified, held } = scene;
    await scene.until(900, isTried(scene));
    path.counts = PROOF_KINDS;
    launches.budget = 0;
    clock.sleep(86_400);
    await scene.until(300, () => events(/^proving the advice/).length > 1);
    await scene.live(20);
    expect(held()).toBe(0);
    launches.budget = 1000;
    await scene.until(400, () => verified().keepalive === true);
  });

  it('takes an outage for nothing, and tries again', async () => {
    const scene = await start();
    await scene.until(900, () => scene.events(/^proving the advice/).length > 0);
    await scene.live(20);
    scene.path.passes = false;
    await scene.live(200);
    scene.path.passes = true;
    scene.path.reboot();
    expect(scene.verified()).toEqual({});
    await scene.until(3600, isTried(scene));
    expect(scene.verified()).toEqual(BOTH);
    expect(scene.events(/did not keep/)).toEqual([]);
  });

  it('takes one death for an accident', async () => {
    const scene = await start();
    let before = new Set(scene.path.probes);
    await scene.until(900, () => {
      const isProving = scene.events(/^proving the advice/).length > 0;
      if (!isProving) before = new Set(scene.path.probes);
      return isProving;
    });
    await scene.clock.advance(2);
    for (const probe of scene.path.probes) if (!before.has(probe)) probe.forgotten = true;
    await scene.until(900, isTried(scene));
    expect(scene.verified()).toEqual(BOTH);
  });

  it('tries nothing where nothing died', async () => {
    const { live, verified, events, runner } = await start((path) => {
      path.idleTimeout = undefined;
    });
    await live(1800);
    expect(runner.snapshot().modes[0]?.finding.lower).toBeGreaterThan(190);
    expect(verified()).toEqual({});
    expect(events(/^proving/)).toEqual([]);
  });

  it('tries only what connections to the far end can be held by, and nothing where it is told not to', async () => {
    const scene = await start((path) => {
      path.holds = ['keepalive'];
    });
    await scene.until(900, () => scene.verified().keepalive !== undefined);
    await scene.live(600);
    expect(scene.verified()).toEqual({ keepalive: true });
    expect(scene.runner.snapshot().settings?.snippets[0]?.tried).toBe('not_tried');
    const off = await start(() => undefined, { proves: false });
    await off.live(900);
    expect(off.runner.snapshot().settings).toBeDefined();
    expect(off.runner.snapshot().proving).toBeUndefined();
    expect(off.events(/^proving/)).toEqual([]);
  });

  it.each([120, 20])(
    'withdraws what it showed when the timeout becomes %d s, and proves anew',
    async (next) => {
      const scene = await start();
      const { path, runner, verified, events } = scene;
      await scene.until(900, isTried(scene));
      const before = runner.snapshot().keepaliveRecommended;
      path.idleTimeout = next;
      await scene.until(7200, () => {
        const { keepaliveRecommended } = runner.snapshot();
        // Never beside advice that it was not shown for.
        if (keepaliveRecommended === undefined) expect(verified()).toEqual({});
        return keepaliveRecommended !== undefined && Math.abs(keepaliveRecommended - (before ?? 0)) > 5;
      });
      expect(verified()).toEqual({});
      await scene.until(3600, isTried(scene));
      expect(events(/^proving the advice/).length).toBeGreaterThan(1);
      expect(verified()).toEqual(BOTH);
    },
  );

  it('withdraws what it showed when our address changes, not when a box merely reboots', async () => {
    const scene = await start();
    const { path, verified } = scene;
    await scene.until(900, isTried(scene));
    path.reboot();
    await scene.live(60);
    expect(verified()).toEqual(BOTH);
    path.reboot();
    path.seenAddress = '198.51.100.2';
    await scene.until(60, () => Object.keys(verified()).length === 0);
    await scene.until(3600, isTried(scene));
    expect(verified()).toEqual(BOTH);
  });

  it('gives a try up when every mapping is lost, and begins anew', async () => {
    const scene = await start();
    const { path, verified, events, held } = scene;
    await scene.until(900, () => held() === 2);
    path.reboot();
    await scene.until(60, () => events(/^every mapping/).length > 0);
    expect(held()).toBe(0);
    await scene.until(900, isTried(scene));
    expect(verified()).toEqual(BOTH);
    expect(events(/^proving the advice/)).toHaveLength(2);
  });

  it('gives a try up while the finding is in doubt', async () => {
    const scene = await start();
    const { path, runner, verified, events, held } = scene;
    await scene.until(900, () => held() === 2);
    path.idleTimeout = 20;
    await scene.until(300, () => runner.snapshot().modes.some(({ finding }) => finding.suspect));
    await scene.live(2);
    expect(held()).toBe(0);
    expect(runner.snapshot().proving?.open).toEqual([]);
    expect(verified()).toEqual({});
    expect(events(/^tried here/)).toEqual([]);
  });

  it('keeps what it showed through a restart', async () => {
    const store = stateStore();
    const first = await start(undefined, { store });
    await first.until(900, isTried(first));
    await first.stop();
    const second = await start(undefined, { store });
    expect(second.verified()).toEqual(BOTH);
    await second.live(900);
    expect(second.verified()).toEqual(BOTH);
    expect(second.events(/^proving/)).toEqual([]);
    await second.stop();
    // Another address in the meantime.
    const third = await start(
      (path) => {
        path.seenAddress = '198.51.100.2';
      },
      { store },
    );
    await third.live(5);
    expect(third.verified()).toEqual({});
  });
});
