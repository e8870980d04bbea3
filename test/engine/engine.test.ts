import { afterEach, describe, expect, it } from 'vitest';
import type { Config, TargetConfig } from '../../src/config/types.js';
import { DEFAULT_SEARCH } from '../../src/config/defaults.js';
import type { Mode } from '../../src/core/mode.js';
import { reasonOf } from '../../src/core/verdict.js';
import { Engine } from '../../src/engine/engine.js';
import type { ModeSnapshot, TargetSnapshot } from '../../src/engine/snapshot.js';
import { createLogger } from '../../src/log.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

function target(name: string, search: Partial<TargetConfig['search']> = {}): TargetConfig {
  return {
    name,
    far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
    modes: ['send'],
    family: 'any',
    labels: {},
    search: { ...DEFAULT_SEARCH, ...search },
  };
}

function configOf(...targets: TargetConfig[]): Config {
  return { schedule: '*/5 * * * *', targets };
}

/** An engine over one fake path with a NAT that forgets after `idleTimeout`. */
async function start(idleTimeout: Seconds | undefined, config = configOf(target('vps'))) {
  const clock = new FakeClock();
  const path = new FakePath(clock);
  path.idleTimeout = idleTimeout;
  const reasons: string[] = [];
  const changes: string[] = [];
  let losses = 0;
  const log: string[] = [];
  const engine = new Engine({
    clock,
    log: createLogger({ level: 'info', format: 'logfmt', stream: { write: (line) => log.push(line) } }),
    observer: {
      tested: (_target, _mode, { verdict }) => void reasons.push(reasonOf(verdict)),
      changed: (_target, _mode, change) => void changes.push(change),
      mappingLoss: () => {
        losses += 1;
      },
    },
    openEmbedded: () => Promise.reject(new Error('not part of this test')),
    openPath: () => path,
  });
  engines.push(engine);
  await engine.apply(config);
  return { clock, path, engine, reasons, changes, log, losses: () => losses };
}

function only(engine: Engine): TargetSnapshot {
  const [snapshot] = engine.targets();
  if (snapshot === undefined) throw new Error('no target');
  return snapshot;
}

function modeOf(engine: Engine, mode: Mode = 'send'): ModeSnapshot {
  const found = only(engine).modes.find((each) => each.mode === mode);
  if (found === undefined) throw new Error(`no ${mode}`);
  return found;
}

describe('Engine', () => {
  it('finds the idle timeout of a path and says that it is not compliant', async () => {
    const { clock, engine } = await start(600);
    await clock.advance(1000);
    const { finding } = modeOf(engine);
    expect(finding.compliant).toBe(false);
    expect(finding.lower).toBeLessThanOrEqual(600);
    expect(finding.upper).toBeGreaterThanOrEqual(600);
    expect(Math.abs((finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    expect(only(engine).keepaliveRecommended).toBe(Math.floor((finding.lower ?? 0) / 2));
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
    expect(only(engine).events.map(({ text }) => text)).toContain('this host slept for 3600 s');
    await clock.advance(1500);
    expect(modeOf(engine).finding.lower).toBeGreaterThan(before.lower ?? 0);
    expect(reasons).not.toContain('silence');
  });

  it('is moved by no step of the wall clock', async () => {
    const { clock, engine, reasons } = await start(600);
    await clock.advance(300);
    clock.stepWall(86_400);
    await clock.advance(300);
    clock.stepWall(-2 * 86_400);
    await clock.advance(600);
    const { finding } = modeOf(engine);
    expect(Math.abs((finding.timeout ?? 0) - 600)).toBeLessThanOrEqual(10);
    expect(reasons.filter((reason) => reason !== 'answered' && reason !== 'silence')).toEqual([]);
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
    expect(only(engine).up).toBe(true);
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
