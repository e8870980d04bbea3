import { describe, expect, it } from 'vitest';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import type { SiblingTest } from '../../src/core/search/contract.js';
import { reasonOf } from '../../src/core/verdict.js';
import { Crowd } from '../../src/engine/crowd.js';
import { defined } from '../../src/defined.js';
import { Launches } from '../../src/engine/launches.js';
import { ModeRunner, type ModeRunnerOptions } from '../../src/engine/mode-runner.js';
import type { TestRecord } from '../../src/engine/snapshot.js';
import { createLogger } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';
import { makeConfig } from '../support/fake-view.js';
import { watchPath } from '../support/watched-path.js';

const DAY = 86_400;

/** One mode over a fake path whose canaries live, with nobody but itself to notice what happens to this host. */
async function start(options: Partial<ModeRunnerOptions> = {}) {
  const { clock, path, watched } = await watchPath({
    ...defined({ clock: options.clock as FakeClock | undefined }),
    survives: 7440,
  });
  const target = makeConfig('vps', { modes: ['send'], search: DEFAULT_SEARCH });
  const tests: TestRecord[] = [];
  const runner = new ModeRunner({
    target,
    mode: 'send',
    timing: 'late',
    clock,
    log: createLogger({ level: 'error', format: 'logfmt' }),
    observer: { tested: (_target, _mode, test) => void tests.push(test) },
    testsKept: 500,
    launches: new Launches({ clock }),
    changed: () => undefined,
    told: () => undefined,
    tested: () => undefined,
    stepped: () => undefined,
    learnt: () => undefined,
    ...options,
  });
  runner.begin(watched);
  return {
    clock,
    path,
    runner,
    watched,
    tests,
    reasons: () => tests.map(({ verdict }) => reasonOf(verdict)),
  };
}

describe('a ModeRunner', () => {
  it('learns nothing from a connection that idled while the host slept, whatever its test shows', async () => {
    const { clock, runner, tests } = await start();
    await clock.advance(400);
    const open = new Set(runner.waiting.map(({ id }) => id));
    const before = tests.length;
    expect(open.size).toBeGreaterThan(10);
    clock.sleep(60);
    await clock.advance(2000);
    const reasons = (slept: boolean): Set<string> =>
      new Set(
        tests
          .slice(before)
          .filter(({ id }) => open.has(id) === slept)
          .map(({ verdict }) => reasonOf(verdict)),
      );
    expect(reasons(true)).toEqual(new Set(['interrupted']));
    expect(reasons(false)).toEqual(new Set(['answered']));
  });

  it('tells the other modes what its tests show, and counts theirs beside its own', async () => {
    const told: SiblingTest[] = [];
    const { clock, runner, tests } = await start({ tested: (test) => told.push(test) });
    await clock.advance(600);
    expect(told).toHaveLength(tests.length);
    expect(told[0]).toMatchObject({ alive: true, idle: tests[0]?.idle });
    const { finding } = runner;
    runner.hear({ alive: false, idle: 100, age: 108 });
    runner.hear({ alive: true, idle: 101, age: 101 });
    expect(runner.save().search).toMatchObject({
      census: { pooled: { others: [{ idle: 100, alive: 1, dead: 1 }] } },
    });
    expect(runner.finding).toEqual(finding);
  });

  it('tells bounds in the log, and neither timeout nor compliance, which all modes decide together', async () => {
    const lines: string[] = [];
    const write = (line: string): unknown => lines.push(line);
    const { clock, runner } = await start({
      log: createLogger({ level: 'info', format: 'json', stream: { write } }),
    });
    await clock.advance(3 * 7440);
    expect(runner.finding.compliant).toBe(true);
    const findings = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => /finding changed|search enters phase/.test(String(msg)));
    expect(findings.at(-1)).toMatchObject({
      phase: runner.finding.phase,
      lower: expect.any(Number) as number,
    });
    expect(findings.filter((line) => 'compliant' in line || 'timeout' in line)).toEqual([]);
  });

  it('does not take a clock of the host that is corrected by less than the guard for a sleep', async () => {
    const { clock, reasons } = await start();
    await clock.advance(400);
    clock.sleep(DEFAULT_SEARCH.guard - 1);
    await clock.advance(600);
    expect(new Set(reasons())).toEqual(new Set(['answered']));
  });

  it('holds no test that it comes to late, since its own process stood still', async () => {
    const { clock, runner, tests, reasons } = await start();
    await clock.advance(400);
    const lower = runner.finding.lower ?? 0;
    const before = tests.length;
    clock.stall(60);
    await clock.advance(0);
    expect(reasons().slice(before)).toContain('late');
    expect(reasons().slice(before)).not.toContain('answered');
    expect(runner.finding.lower).toBe(lower);
    await clock.advance(600);
    expect(reasons().at(-1)).toBe('answered');
    expect(runner.finding.lower).toBeGreaterThan(lower);
  });

  it('holds a test that it comes to later than planned by less than the guard', async () => {
    const { clock, reasons } = await start();
    for (let times = 0; times < 100; times++) {
      await clock.advance(9);
      clock.stall(DEFAULT_SEARCH.guard - 1);
    }
    expect(new Set(reasons())).toEqual(new Set(['answered']));
  });

  it('counts what is given up as tests that could not be held', async () => {
    const { clock, runner, tests, reasons } = await start();
    await clock.advance(400);
    const open = runner.connections;
    const before = tests.length;
    runner.lose('interrupted');
    expect(reasons().slice(before)).toEqual(Array(open).fill('interrupted'));
    await clock.advance(30);
    expect(runner.connections).toBeGreaterThan(0);
  });
});

describe('what a ModeRunner has diagnosed anew', () => {
  it.each(['mapping_loss', 'interrupted'] as const)(
    'is what it knows after every connection was lost (%s)',
    async (kind) => {
      let learnt = 0;
      const { clock, runner } = await start({ learnt: () => (learnt += 1) });
      await clock.advance(400);
      const before = learnt;
      runner.lose(kind);
      expect(learnt).toBe(before + 1);
    },
  );
});

describe('a ModeRunner whose path is left', () => {
  it('opens nothing, whatever is lost or due, until it begins again', async () => {
    const { clock, path, runner } = await start();
    await clock.advance(400);
    runner.end();
    await clock.advance(1);
    const { opened } = path;
    expect(runner.connections).toBe(0);
    runner.lose('mapping_loss');
    runner.lose('interrupted');
    runner.round();
    await clock.advance(600);
    expect(path.opened).toBe(opened);
  });
});

describe('what a ModeRunner tells', () => {
  it('is each step while it searches, and later only what changes the timeout or the verdict', async () => {
    const steps: { readonly told: boolean; readonly phase: string; readonly known: string }[] = [];
    const known = (): string => JSON.stringify([runner.finding.timeout, runner.finding.compliant]);
    let note: (changed: boolean) => void = () => undefined;
    const { clock, path, runner } = await start({ changed: (changed) => note(changed) });
    note = (changed) => steps.push({ told: changed, phase: runner.finding.phase, known: known() });
    path.idleTimeout = 60;
    for (let minutes = 0; minutes < 60; minutes += 1) {
      runner.round();
      await clock.advance(60);
    }
    const tracking = steps.map((step, index) => ({ ...step, before: steps[index - 1]?.known }));
    for (const { told, phase, known: now, before } of tracking)
      expect(told).toBe(phase !== 'track' || now !== before);
    expect(new Set(steps.map(({ told }) => told))).toEqual(new Set([true, false]));
  });

  it('is that the timeout moved, and by how much a connection died too early', async () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): unknown => lines.push(JSON.parse(line) as Record<string, unknown>);
    const moves: string[] = [];
    const told: string[] = [];
    const early: number[] = [];
    const { clock, path, runner } = await start({
      log: createLogger({ level: 'info', format: 'json', stream: { write } }),
      told: (change) => void told.push(change),
      observer: {
        changed: (_target, _mode, change) => void moves.push(change),
        earlyDeath: (_target, _mode, idle) => void early.push(idle),
      },
    });
    path.idleTimeout = 120;
    const live = async (minutes: number): Promise<void> => {
      for (let left = minutes; left > 0; left -= 1) {
        runner.round();
        await clock.advance(60);
      }
    };
    await live(60);
    path.idleTimeout = 60;
    await live(60);
    expect(moves).toContain('drop');
    expect(told).toEqual(moves);
    expect(early.length).toBeGreaterThan(0);
    const deaths = lines.filter(({ msg }) => msg === 'a connection died below the published lower bound');
    expect(deaths.map(({ idle }) => idle)).toEqual(early.map((idle) => Math.round(idle * 100) / 100));
  });
});

describe('a ModeRunner that goes on', () => {
  const saved = async () => {
    const { clock, runner } = await start();
    await clock.advance(600);
    return runner.save();
  };

  it('builds on bounds that are younger than a week', async () => {
    const mode = await saved();
    const { runner } = await start({ restored: { saved: mode, ago: 6 * DAY } });
    expect(runner.finding.lower).toBeGreaterThan(100);
  });

  it('begins anew where no evidence agreed with them for a week: they may be those of another NAT', async () => {
    const mode = await saved();
    const { runner } = await start({ restored: { saved: mode, ago: 8 * DAY } });
    expect(runner.finding.lower).toBeUndefined();
  });
});

describe('a ModeRunner beside a crowd', () => {
  /** A search of a box that forgets after 300 s; whoever is tested from `crowded` on is beside others. */
  async function found(crowd: Crowd, clock: FakeClock) {
    const told: string[] = [];
    const started = await start({ clock, crowd, told: (change) => told.push(change) });
    started.path.idleTimeout = 300;
    await clock.advance(3000);
    expect(started.runner.finding).toMatchObject({ phase: 'track', compliant: false });
    return { ...started, announced: told };
  }

  it('learns nothing from deaths that may be those of who made room', async () => {
    const clock = new FakeClock();
    const crowd = new Crowd(clock);
    const { path, runner, tests, announced, reasons } = await found(crowd, clock);
    let evicted = 0;
    const leave = crowd.enter(() => (evicted += 1));
    const before = tests.length;
    path.idleTimeout = 100;
    const round = async (): Promise<void> => {
      runner.round();
      await clock.advance(60);
    };
    for (let times = 0; times < 20; times++) await round();
    const early = tests.slice(before).filter(({ idle }) => idle < (runner.finding.lower ?? 0));
    expect(early.length).toBeGreaterThan(2);
    expect(new Set(early.map(({ verdict }) => reasonOf(verdict)))).toEqual(new Set(['disturbed']));
    expect(evicted).toBe(early.length);
    expect(announced).toEqual([]);
    expect(runner.belowLower.earlyDeaths).toBe(0);
    // A death at an age that is known to kill excuses nobody.
    expect(reasons().slice(before)).toContain('silence');
    leave();
    for (let times = 0; times < 30; times++) await round();
    expect(announced).toEqual(['drop']);
  });
});

describe('a ModeRunner that is asked', () => {
  it('anew says how long the answers take, once there is a finding and while it has a path', async () => {
    const { clock, path, runner } = await start();
    expect(runner.askAnew()).toBe('searching');
    path.idleTimeout = 300;
    await clock.advance(3000);
    const { upper } = runner.finding;
    expect(runner.askAnew()).toBe(upper! + DEFAULT_SEARCH.deadline);
    runner.end();
    expect(runner.askAnew()).toBeUndefined();
  });

  it('for no longer idle times than before asks for none, and never for less than the shortest', async () => {
    const { clock, runner } = await start();
    runner.limit(600);
    await clock.advance(3000);
    expect(Math.max(...runner.waiting.map(({ age }) => age ?? 0))).toBeLessThanOrEqual(640);
    expect(runner.finding.lower).toBeGreaterThan(500);
    expect(runner.finding.lower).toBeLessThanOrEqual(600.001);
    runner.limit(1);
    expect(JSON.stringify(runner.save().search)).toContain(`"maxIdle":${1.05 * DEFAULT_SEARCH.min_idle}`);
  });

  it('begins again with fewer connections and nothing found', async () => {
    const { clock, path, runner } = await start();
    path.idleTimeout = 300;
    await clock.advance(3000);
    expect(runner.confirmedTimestamp).toBeDefined();
    runner.rest();
    runner.anew(6);
    expect(runner.finding.lower ?? 0).toBe(0);
    expect(runner.confirmedTimestamp).toBeUndefined();
    expect(runner.connections).toBe(0);
    expect(runner.waiting).toEqual([]);
  });

  it('by nobody that its far end cannot be asked', async () => {
    const { clock, path, runner, watched } = await start();
    runner.rest();
    await clock.advance(1);
    const { opened } = path;
    runner.begin({ ...watched, controls: undefined as never, cannotBeAsked: ['send'] });
    await clock.advance(60);
    expect(path.opened).toBe(opened);
  });
});
