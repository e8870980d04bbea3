import names from 'node:dns/promises';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config, TargetConfig } from '../../src/config/config.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import type { Mode } from '../../src/core/modes.js';
import type { Engine } from '../../src/engine/engine.js';
import { TargetRunner } from '../../src/engine/target-runner.js';
import type { ModeSnapshot } from '../../src/engine/snapshot.js';
import type { Seconds } from '../../src/units.js';
import type { FakeClock } from '../support/fake-clock.js';
import type { FakePath } from '../support/fake-path.js';
import { startEngine, vps } from '../support/running-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function target(name: string, search: Partial<TargetConfig['search']> = {}): TargetConfig {
  return vps({ name, modes: ['send'], search: { ...DEFAULT_SEARCH, ...search } });
}

function configOf(...targets: TargetConfig[]): Config {
  return { schedule: '*/5 * * * *', targets };
}

/** An engine over one fake path with a NAT that forgets after `idleTimeout`. */
function start(
  idleTimeout: Seconds | undefined,
  config = configOf(target('vps')),
  before?: (clock: FakeClock) => void,
) {
  const prepare = (path: FakePath, clock: FakeClock): void => {
    before?.(clock);
    path.idleTimeout = idleTimeout;
  };
  return startEngine({ config, prepare });
}

function modeOf(engine: Engine, mode: Mode = 'send'): ModeSnapshot {
  const found = engine.targets()[0]?.modes.find((each) => each.mode === mode);
  if (found === undefined) throw new Error(`no ${mode}`);
  return found;
}

describe('Engine', () => {
  it('finds the idle timeout of a path and says that it is not compliant', async () => {
    const { clock, engine } = await start(600);
    await clock.advance(1000);
    expect(modeOf(engine).finding.timeout).toBeDefined();
    // The first accusation is checked with fewer connections, which takes as long again.
    await clock.advance(700);
    const { finding } = modeOf(engine);
    expect(finding.compliant).toBe(false);
    expect(finding.lower).toBeLessThanOrEqual(600);
    expect(finding.upper).toBeGreaterThanOrEqual(600);
    expect(Math.abs((finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    expect(engine.targets()[0]!.keepaliveRecommended).toBe(Math.floor((finding.lower ?? 0) / 2));
  });

  it('measures again on request, once a minute, and tells it', async () => {
    const { clock, engine } = await start(600);
    expect(engine.askAgain('nobody')).toBeUndefined();
    expect(engine.askAgain('vps')).toEqual({ kind: 'no_answer' });
    await clock.advance(60);
    expect(engine.askAgain('vps')).toEqual({ kind: 'searching' });
    await clock.advance(3000);
    const before = modeOf(engine).finding;
    expect(before.phase).toBe('track');
    const asked = engine.askAgain('vps');
    expect(asked).toEqual({ kind: 'asked', within: Math.ceil((before.upper ?? 0) + 8) });
    expect(engine.targets()[0]!.events.at(-1)?.text).toMatch(
      /^measured again on request: answers within 10 min \d+ s$/,
    );
    expect(engine.askAgain('vps')).toEqual({ kind: 'too_soon', wait: 60 });
    await clock.advance(59);
    expect(engine.askAgain('vps')).toEqual({ kind: 'too_soon', wait: 1 });
    await clock.advance(1);
    expect(engine.askAgain('vps')).toMatchObject({ kind: 'asked' });
    await clock.advance(1000);
    expect(modeOf(engine).finding.timeout).toBeCloseTo(before.timeout ?? 0, -1);
  });

  it('discards what is in flight after the host slept: boot time ran on while monotonic time stood still', async () => {
    const { clock, path, engine, reasons } = await start(undefined);
    await clock.advance(400);
    const before = modeOf(engine).finding;
    expect(before.lower).toBeGreaterThan(200);
    // While the host slept, the NAT forgot everybody; monotonic time noticed nothing.
    clock.sleep(3600);
    for (const each of path.probes) each.forgotten = true;
    await clock.advance(5);
    expect(reasons.filter((reason) => reason === 'interrupted').length).toBeGreaterThan(0);
    expect(reasons).not.toContain('silence');
    expect(modeOf(engine).finding).toMatchObject({ lower: before.lower });
    expect(modeOf(engine).finding.upper).toBeUndefined();
    expect(engine.targets()[0]!.events.map(({ text }) => text)).toContain('this host slept for 3600 s');
    await clock.advance(1500);
    expect(modeOf(engine).finding.lower).toBeGreaterThan(before.lower ?? 0);
    expect(reasons).not.toContain('silence');
  });

  it('tells of a sleep after which the wall clock was set, too', async () => {
    const { clock, engine } = await start(undefined);
    await clock.advance(400);
    clock.sleep(3600);
    clock.stepWall(-7200);
    await clock.advance(5);
    expect(engine.targets()[0]!.events.map(({ text }) => text)).toContain('this host slept for 3600 s');
  });

  it('is moved by no step of the wall clock', async () => {
    const { clock, engine, reasons } = await start(600);
    await clock.advance(300);
    clock.stepWall(40 * 86_400);
    await clock.advance(300);
    clock.stepWall(-2 * 86_400);
    await clock.advance(600);
    const { finding } = modeOf(engine);
    expect(Math.abs((finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    expect(reasons.filter((reason) => reason !== 'answered' && reason !== 'silence')).toEqual([]);
  });

  it('takes no death for one of the NAT where a virtual machine may have stood still meanwhile', async () => {
    for (const before of [6000, 40_000]) {
      const { clock, path, engine, reasons, changes } = await start(8000);
      await clock.advance(before);
      const { lower } = modeOf(engine).finding;
      // None of its clocks ran on for an hour, those of the NAT did. Then it is told the time.
      for (const probe of path.probes) probe.stood = 3600;
      clock.stepWall(3600);
      reasons.length = 0;
      for (let hour = 0; hour < 4; hour++) {
        await clock.advance(3600);
        expect(modeOf(engine).finding.compliant).not.toBe(false);
        expect(modeOf(engine).finding.upper ?? Infinity).toBeGreaterThanOrEqual(8000 - 5);
      }
      expect(reasons).toContain('interrupted');
      expect(modeOf(engine).finding.lower).toBeGreaterThanOrEqual(lower ?? 0);
      expect(changes).toEqual([]);
      await clock.advance(3 * 8000);
      expect(modeOf(engine).finding.compliant).toBe(true);
      await engine.stop();
    }
  });

  it('goes on judging where the wall clock was set forward by no more than the guard', async () => {
    const { clock, engine, reasons } = await start(600);
    await clock.advance(300);
    clock.stepWall(4);
    await clock.advance(900);
    expect(Math.abs((modeOf(engine).finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    expect(reasons.filter((reason) => reason !== 'answered' && reason !== 'silence')).toEqual([]);
  });

  it('keeps its schedule when the wall clock is set back or forward by years', async () => {
    const year = 365 * 86_400;
    for (const step of [-10 * year, 10 * year, -53 * year, 56 * year]) {
      const { clock, engine } = await start(600);
      const rounds = vi.spyOn(TargetRunner.prototype, 'round');
      await clock.advance(10);
      clock.stepWall(step);
      await clock.advance(5);
      rounds.mockClear();
      await clock.advance(900);
      expect(rounds).toHaveBeenCalledTimes(3);
      rounds.mockRestore();
      await engine.stop();
    }
  });

  it('starts a round each second right after the host woke, and makes up for none', async () => {
    const { clock, engine } = await start(600, { ...configOf(target('vps')), schedule: '* * * * * *' });
    const rounds = vi.spyOn(TargetRunner.prototype, 'round');
    await clock.advance(5);
    clock.sleep(365 * 86_400);
    rounds.mockClear();
    await clock.advance(10);
    expect(rounds.mock.calls.length).toBeGreaterThanOrEqual(9);
    expect(rounds.mock.calls.length).toBeLessThanOrEqual(11);
    rounds.mockRestore();
    await engine.stop();
  });

  it('lets what it noted keep its age when the wall clock is set, forth and back', async () => {
    const year = 365 * 86_400;
    const { clock, engine } = await start(600);
    await clock.advance(2600);
    const ages = () => ({
      confirmed: clock.wall() - (modeOf(engine).confirmedTimestamp ?? NaN),
      test: clock.wall() - (modeOf(engine).tests.at(-1)?.at ?? NaN),
      event: clock.wall() - (engine.targets()[0]!.events.at(-1)?.at ?? NaN),
    });
    const before = ages();
    expect(before.confirmed).toBeLessThan(1000);
    for (const step of [10 * year, -10 * year, -2 * 86_400]) {
      clock.stepWall(step);
      const { finding } = modeOf(engine);
      expect([step, finding.compliant]).toEqual([step, false]);
      const after = ages();
      for (const key of ['confirmed', 'test', 'event'] as const)
        expect(after[key]).toBeCloseTo(before[key], 3);
    }
    // Nobody can tell when something was confirmed by a clock that begins in 1970.
    clock.stepWall(100 - clock.wall());
    expect(modeOf(engine).confirmedTimestamp).toBeUndefined();
    expect(modeOf(engine).finding.compliant).toBe(false);
    clock.stepWall(1_800_000_000);
    for (const key of ['confirmed', 'test', 'event'] as const)
      expect(ages()[key]).toBeCloseTo(before[key], 3);
  });

  it('counts one mapping loss when the NAT is rebooted, and moves no bound', async () => {
    const { clock, path, engine, reasons, losses } = await start(undefined);
    await clock.advance(400);
    const before = modeOf(engine).finding.lower ?? 0;
    path.reboot();
    await clock.advance(300);
    expect(losses()).toBe(1);
    expect(reasons).not.toContain('silence');
    expect(modeOf(engine).finding.upper).toBeUndefined();
    expect(modeOf(engine).finding.lower).toBeGreaterThanOrEqual(before);
  });

  it('does not ask a far end that closes every connection at once in a tight loop', async () => {
    const { clock, path, reasons } = await start(undefined);
    await clock.advance(60);
    path.turnsAway = true;
    const before = path.opened;
    await clock.advance(60);
    expect(path.opened - before).toBeGreaterThan(0);
    expect(path.opened - before).toBeLessThan(60);
    expect(reasons).not.toContain('closed');
  });

  it.each([5, 30, 300])('learns nothing from a silent outage of %d s', async (duration) => {
    const { clock, path, engine, reasons, losses } = await start(undefined);
    await clock.advance(400);
    path.passes = false;
    await clock.advance(duration);
    path.passes = true;
    await clock.advance(600);
    expect(reasons).not.toContain('silence');
    expect(losses()).toBe(0);
    expect(modeOf(engine).finding.upper).toBeUndefined();
    expect(engine.targets()[0]!.up).toBe(true);
  });

  it('keeps a running target through a reload that does not touch it', async () => {
    const { clock, path, engine, reasons } = await start(undefined);
    await clock.advance(300);
    const before = modeOf(engine).finding.lower;
    const opened = path.opened;
    await engine.apply(configOf(target('vps'), target('other')));
    expect(modeOf(engine).finding.lower).toBe(before);
    expect(reasons).not.toContain('interrupted');
    await clock.advance(20);
    expect(path.opened).toBeGreaterThan(opened);
    expect(engine.targets().map(({ config }) => config.name)).toEqual(['vps', 'other']);
    await engine.apply(configOf(target('vps', { connections: 8 })));
    expect(engine.targets()).toHaveLength(1);
    expect(modeOf(engine).finding.lower).toBeUndefined();
  });

  it('shows a finding no longer once its newest evidence is a week old', async () => {
    const { clock, path, engine } = await start(600);
    await clock.advance(1000);
    expect(modeOf(engine).finding.timeout).toBeDefined();
    path.passes = false;
    await clock.advance(60);
    clock.stepWall(7 * 86_400);
    const { finding } = modeOf(engine);
    expect([finding.timeout, finding.compliant, finding.lower, finding.upper]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  describe('with a state directory', () => {
    let directory: string;
    beforeEach(() => {
      directory = temporaryFolder();
    });

    async function run(duration: Seconds, before?: (clock: FakeClock) => void) {
      const running = await start(600, { ...configOf(target('vps')), state_dir: directory }, before);
      await running.clock.advance(duration);
      return running;
    }

    it.each([
      null,
      7,
      { searches: [null] },
      { searches: ['x'] },
      { searches: {} },
      { searches: [{ name: { mode: 'send' }, search: {}, at: 'now' }] },
      { searches: [{ name: null, search: {}, at: 1 }] },
    ])('starts without a saved state that makes no sense: %j', async (state) => {
      const first = await run(1);
      await first.engine.stop();
      const file = join(directory, (await readdir(directory))[0] ?? '');
      const saved = JSON.parse(await readFile(file, 'utf8')) as { state: object };
      const changed = typeof state === 'object' && state !== null ? { ...saved.state, ...state } : state;
      await writeFile(file, JSON.stringify({ ...saved, state: changed }));
      const second = await run(1000);
      expect(Math.abs((modeOf(second.engine).finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    });

    it.each([
      ['savedAt', undefined],
      ['savedAt', 'yesterday'],
      ['at', null],
      ['tests', [null]],
      ['tests', 'none'],
      ['belowLower', [null]],
      ['confirmedTimestamp', 'now'],
    ])('goes on without a saved %s of %j', async (key, value) => {
      const first = await run(300);
      await first.engine.stop();
      const file = join(directory, (await readdir(directory))[0] ?? '');
      const saved = JSON.parse(await readFile(file, 'utf8')) as {
        state: { savedAt: number; searches: [object] };
      };
      const { state } = saved;
      const changed =
        key === 'savedAt'
          ? { ...state, savedAt: value }
          : { ...state, searches: [{ ...state.searches[0], [key]: value }] };
      await writeFile(file, JSON.stringify({ ...saved, state: changed }));
      const second = await run(1000);
      const { finding } = modeOf(second.engine);
      expect(Math.abs((finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    });

    it('goes on with what it knew, and shows bounds no longer once they are a week old', async () => {
      const first = await run(300);
      const { lower } = modeOf(first.engine).finding;
      expect(lower).toBeGreaterThan(100);
      await first.engine.stop();
      const soon = await run(0, (clock) => clock.stepWall(3600));
      expect(modeOf(soon.engine).finding.lower).toBe(lower);
      await soon.engine.stop();
      const late = await run(0, (clock) => clock.stepWall(8 * 86_400));
      expect(modeOf(late.engine).finding.lower).toBeUndefined();
      await late.clock.advance(1000);
      expect(Math.abs((modeOf(late.engine).finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    });

    it('never claims that a finding was confirmed in the future', async () => {
      const first = await run(1000, (clock) => clock.stepWall(10 * 365 * 86_400));
      expect(modeOf(first.engine).finding.timeout).toBeDefined();
      await first.engine.stop();
      const second = await run(0);
      const { confirmedTimestamp = Infinity } = modeOf(second.engine);
      expect(confirmedTimestamp).toBeLessThanOrEqual(second.clock.wall());
      expect(confirmedTimestamp).toBeGreaterThan(second.clock.wall() - 1000);
    });

    it('goes on with what it knew after a boot in 1970, and tells its real age once the clock is set', async () => {
      const first = await run(2000);
      const known = modeOf(first.engine);
      const { tests } = known;
      await first.engine.stop();
      const second = await run(20, (clock) => clock.stepWall(10 - clock.wall()));
      const { finding, confirmedTimestamp } = modeOf(second.engine);
      expect(finding).toMatchObject({ compliant: false, lower: known.finding.lower });
      expect(confirmedTimestamp).toBeUndefined();
      expect(modeOf(second.engine).tests.slice(0, tests.length)).toEqual(tests);
      second.path.passes = false;
      // The clock is set an hour after the saving.
      second.clock.stepWall(first.clock.wall() + 3600 - second.clock.wall());
      expect(modeOf(second.engine).confirmedTimestamp).toBe(known.confirmedTimestamp);
      expect(modeOf(second.engine).tests.slice(0, tests.length)).toEqual(tests);
      for (const { at } of second.only().events) expect(second.clock.wall() - at).toBeLessThan(60);
    });

    it('tells no age after a boot with a clock that is days behind, and the real one once it is set', async () => {
      const first = await run(2000);
      const { confirmedTimestamp: known } = modeOf(first.engine);
      await first.engine.stop();
      const second = await run(20, (clock) => clock.stepWall(-2 * 86_400));
      expect(modeOf(second.engine).finding.compliant).toBe(false);
      expect(modeOf(second.engine).confirmedTimestamp).toBeUndefined();
      second.path.passes = false;
      second.clock.stepWall(2 * 86_400 + 3600);
      expect(modeOf(second.engine).confirmedTimestamp).toBe(known);
    });

    it('goes on with what it learnt by a clock that was never set, after a boot with one that is', async () => {
      const first = await run(1000, (clock) => clock.stepWall(10 - clock.wall()));
      const { lower } = modeOf(first.engine).finding;
      await first.engine.stop();
      const second = await run(0);
      expect(modeOf(second.engine).finding.lower).toBe(lower);
      expect(second.clock.wall() - (modeOf(second.engine).confirmedTimestamp ?? NaN)).toBeLessThan(1000);
    });
  });

  it('stops at once while the name of a far end is looked up in vain', async () => {
    const asked = vi.spyOn(names, 'lookup').mockReturnValue(new Promise(() => undefined) as never);
    syncBuiltinESMExports();
    try {
      const far_end = { kind: 'native', host: 'responder.example', port: 5382 } as const;
      const { engine } = await start(600, configOf({ ...target('vps'), far_end }));
      expect(asked).toHaveBeenCalled();
      const stopped = engine.stop().then(() => 'stopped');
      const patience = new Promise((resolve) => setTimeout(() => resolve('still waiting'), 500));
      expect(await Promise.race([stopped, patience])).toBe('stopped');
    } finally {
      asked.mockRestore();
      syncBuiltinESMExports();
    }
  });

  it('says of a path that survives everything up to the limit that it is compliant', async () => {
    const { clock, engine } = await start(undefined);
    await clock.advance(7300);
    expect(modeOf(engine).finding.compliant).toBeUndefined();
    expect(modeOf(engine).finding.timeout).toBeUndefined();
    await clock.advance(300);
    expect(modeOf(engine).finding.compliant).toBe(true);
    expect(modeOf(engine).finding.timeout).toBeGreaterThanOrEqual(7440);
  });
});
