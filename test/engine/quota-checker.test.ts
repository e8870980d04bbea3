/** No path is accused before it is known whether its deaths depend on how many connections are open. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import { defined } from '../../src/defined.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { exitCode } from '../../src/measure/result.js';
import { isComplete } from '../../src/report/build.js';
import type { Seconds } from '../../src/units.js';
import type { FakePath } from '../support/fake-path.js';
import { startEngine } from '../support/running-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface World {
  readonly stateDir?: string;
  readonly farEnd?: TargetConfig['far_end'];
}

/** An engine over one fake path, three modes that share it. */
function start(prepare: (path: FakePath) => void, { stateDir, farEnd }: World = {}) {
  return startEngine({
    target: { modes: ['send', 'recv', 'keepalive'], ...defined({ far_end: farEnd }) },
    config: defined({ state_dir: stateDir }),
    prepare,
    options: {
      openEmbedded: () =>
        Promise.resolve({ address: '127.0.0.1', port: () => 1, close: () => Promise.resolve() }),
      askRouter: () => Promise.resolve(undefined),
    },
  });
}

/** Lets time pass until something holds. @returns how long it took, seconds */
async function until(
  { clock, only }: Pick<Awaited<ReturnType<typeof start>>, 'clock' | 'only'>,
  longest: Seconds,
  holds: (snapshot: TargetSnapshot) => boolean,
): Promise<Seconds> {
  const began = clock.monotonic();
  while (!holds(only())) {
    if (clock.monotonic() - began > longest)
      throw new Error(`not within ${longest} s: ${only().verdict.sentence}`);
    await clock.advance(1);
  }
  return clock.monotonic() - began;
}

const isChecking = ({ verdict }: TargetSnapshot): boolean => verdict.check !== undefined;
const isAccused = ({ verdict }: TargetSnapshot): boolean => verdict.result === 'not_compliant';
const open = ({ modes }: TargetSnapshot): number => modes.reduce((sum, mode) => sum + mode.connections, 0);
const told = ({ events }: TargetSnapshot): string => events.map(({ text }) => text).join('\n');

describe('an honest path', () => {
  it('is accused after one more T; the timeout is published before', async () => {
    const world = await start((path) => (path.idleTimeout = 600));
    const known = await until(world, 900, (snapshot) => isChecking(snapshot) && open(snapshot) === 18);
    const snapshot = world.only();
    for (const { finding } of snapshot.modes) {
      expect(finding.timeout).toBeDefined();
      expect(finding.compliant).toBeUndefined();
    }
    expect(snapshot.verdict.sentence).toMatch(
      /^No verdict: an idle connection died after .*; checking whether it depends on how many connections are open \(about 11 min left\); /,
    );
    expect([exitCode(snapshot), isComplete(snapshot), snapshot.explanations]).toEqual([3, false, []]);
    expect(snapshot.keepaliveRecommended).toBeGreaterThan(280);
    expect(known).toBeLessThan(800);
    const more = await until(world, 700, isAccused);
    expect(more).toBeGreaterThan(590);
    expect(more).toBeLessThan(640);
    expect(isComplete(world.only())).toBe(true);
    expect(world.only().explanations.map(({ id }) => id)).toContain('mapping_forgotten');
    expect(told(world.only())).toContain('with 18 connections instead of 72 they die as well');
    // Those that need not be asked any more are no tests that were interrupted.
    const tests = world.only().modes.flatMap((mode) => mode.tests);
    expect(tests.length).toBeGreaterThan(0);
    expect(tests.filter(({ verdict }) => verdict.kind === 'inconclusive')).toEqual([]);
  });
});

describe('a path with a quota', () => {
  it('is never accused: that it depends on how many connections are open is the finding', async () => {
    const world = await start((path) => (path.quota = 40));
    await until(world, 4000, (snapshot) => {
      expect(snapshot.modes.map(({ finding }) => finding.compliant)).not.toContain(false);
      return snapshot.verdict.conditions.includes('connection_quota');
    });
    const snapshot = world.only();
    expect([exitCode(snapshot), isComplete(snapshot)]).toEqual([3, true]);
    expect(snapshot.verdict.sentence).toContain(
      'depends on how many connections are open (about 72 are too many, 18 are not)',
    );
    expect(snapshot.explanations.map(({ id }) => id)).toEqual(['connection_quota']);
    expect(told(snapshot)).toContain('with 18 connections instead of 72 they survive');
    // What was refuted is gone; a few go on, and never say more than that they survive.
    expect(snapshot.modes.map(({ finding }) => finding.upper)).toEqual([undefined, undefined, undefined]);
    await world.clock.advance(12_000);
    const later = world.only();
    expect(open(later)).toBeLessThanOrEqual(18);
    for (const { finding } of later.modes) {
      expect(finding.lower).toBeGreaterThan(7435);
      expect([finding.upper, finding.compliant]).toEqual([undefined, undefined]);
    }
    expect([later.verdict.result, later.verdict.conditions]).toEqual(['unknown', ['connection_quota']]);
  });

  it('is looked at again after a week, and with all connections: the box may have been replaced', {
    timeout: 180_000,
  }, async () => {
    const world = await start((path) => (path.quota = 40));
    await until(world, 4000, ({ verdict }) => verdict.conditions.includes('connection_quota'));
    world.path.quota = undefined;
    for (let day = 0; day < 6; day++) await world.clock.advance(86_400);
    expect(world.only().verdict.conditions).toEqual(['connection_quota']);
    await world.clock.advance(2 * 86_400);
    expect(world.only().verdict).toMatchObject({ result: 'compliant', conditions: [] });
  });
});

describe('a path that was compliant with as many connections', () => {
  it('is accused of a drop at once', async () => {
    const world = await start(() => undefined);
    await until(world, 12_000, ({ verdict }) => verdict.result === 'compliant');
    await world.clock.advance(3600);
    world.path.idleTimeout = 600;
    const took = await until(world, 3600, isAccused);
    expect(took).toBeLessThan(1200);
    expect(told(world.only())).not.toContain('checking whether');
  });
});

describe('while a check runs', () => {
  const begun = (snapshot: TargetSnapshot): boolean => isChecking(snapshot) && open(snapshot) === 18;

  it('an outage has it tried again; nobody is accused meanwhile', async () => {
    const world = await start((path) => (path.idleTimeout = 600));
    await until(world, 900, begun);
    await world.clock.advance(300);
    world.path.reboot();
    const lost = world.clock.monotonic();
    await until(world, 300, ({ events }) => events.some(({ text }) => text.includes('vanished at once')));
    expect(world.only().verdict.result).toBe('unknown');
    await until(world, 1000, isAccused);
    expect(world.clock.monotonic() - lost).toBeGreaterThan(600);
    expect(told(world.only())).not.toContain('could not be checked');
  });

  it('where it cannot be decided the searches go on, and it is tried again later', async () => {
    const world = await start((path) => (path.idleTimeout = 600));
    await until(world, 900, begun);
    for (let times = 0; times < 2; times++) {
      await world.clock.advance(200);
      world.path.reboot();
      await world.clock.advance(100);
    }
    const snapshot = world.only();
    expect(told(snapshot)).toContain('could not be checked; it is tried again');
    expect([snapshot.verdict.result, isChecking(snapshot)]).toEqual(['unknown', true]);
    expect(snapshot.modes.filter(({ connections }) => connections > 0).length).toBeGreaterThan(1);
    await until(world, 3000, isAccused);
  });

  it('another address of ours has an accusation checked anew, one that was told as well', async () => {
    const world = await start((path) => (path.idleTimeout = 600));
    await until(world, 2000, isAccused);
    world.path.seenAddress = '198.51.100.2';
    world.path.reboot();
    await until(world, 300, isChecking);
    expect(world.only().verdict.result).toBe('unknown');
    const took = await until(world, 2000, isAccused);
    expect(took).toBeGreaterThan(590);
  });
});

describe('a built-in far end', () => {
  it('is not checked: what it forgets is known', async () => {
    const world = await start((path) => (path.idleTimeout = 60), {
      farEnd: { kind: 'embedded', idle_timeout: 60 },
    });
    await until(world, 120, isAccused);
    expect(told(world.only())).not.toContain('checking whether');
  });

  it('is where it rehearses a quota', async () => {
    const world = await start((path) => (path.quota = 40), {
      farEnd: { kind: 'embedded', idle_timeout: 86_400, quota: 40 },
    });
    await until(world, 4000, (snapshot) => {
      expect(isAccused(snapshot)).toBe(false);
      return snapshot.verdict.conditions.includes('connection_quota');
    });
  });
});

describe('with a state directory', () => {
  let directory: string;

  beforeEach(() => {
    directory = temporaryFolder();
  });

  it('what came of a check is remembered', async () => {
    const world = await start((path) => (path.idleTimeout = 600), { stateDir: directory });
    await until(world, 2000, isAccused);
    await world.engine.stop();
    const again = await start((path) => (path.idleTimeout = 600), { stateDir: directory });
    expect(isAccused(again.only())).toBe(true);
    await again.clock.advance(30);
    expect([isAccused(again.only()), isChecking(again.only())]).toEqual([true, false]);
  });

  it('a quota is remembered, and the searches go on with few connections', async () => {
    const world = await start((path) => (path.quota = 40), { stateDir: directory });
    await until(world, 4000, ({ verdict }) => verdict.conditions.includes('connection_quota'));
    await world.clock.advance(400);
    await world.engine.stop();
    const again = await start((path) => (path.quota = 40), { stateDir: directory });
    expect(again.only().verdict.conditions).toEqual(['connection_quota']);
    await again.clock.advance(400);
    expect(open(again.only())).toBeLessThanOrEqual(18);
    for (const { finding } of again.only().modes) expect(finding.upper).toBeUndefined();
  });

  it('a check that a restart interrupts is made anew', async () => {
    const world = await start((path) => (path.idleTimeout = 600), { stateDir: directory });
    await until(world, 900, (snapshot) => isChecking(snapshot) && open(snapshot) === 18);
    await world.clock.advance(400);
    await world.engine.stop();
    const again = await start((path) => (path.idleTimeout = 600), { stateDir: directory });
    expect([isAccused(again.only()), isChecking(again.only())]).toEqual([false, true]);
    const took = await until(again, 900, isAccused);
    expect(took).toBeGreaterThan(590);
  });
});
