/** Far ends that break a silence by themselves, and those that cannot be asked everything. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Config, TargetConfig } from '../../src/config/config.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { Engine } from '../../src/engine/engine.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { createLogger } from '../../src/log.js';
import { exitCode } from '../../src/measure/result.js';
import { isComplete } from '../../src/report/build.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

function scene(search: Partial<TargetConfig['search']> = {}) {
  const clock = new FakeClock();
  const path = new FakePath(clock);
  let speaks: ((after: number) => void) | undefined;
  const engine = new Engine({
    clock,
    log: createLogger({ level: 'error', format: 'logfmt', stream: { write: () => undefined } }),
    observer: {},
    openEmbedded: () => Promise.reject(new Error('not part of this test')),
    openPath: (options) => {
      speaks = options.speaks;
      return path;
    },
  });
  engines.push(engine);
  const config: Config = {
    schedule: '*/5 * * * *',
    targets: [
      {
        name: 'vps',
        far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
        modes: ['send', 'recv'],
        family: 'any',
        labels: {},
        search: { ...DEFAULT_SEARCH, ...search },
      },
    ],
  };
  return {
    clock,
    path,
    engine,
    start: () => engine.apply(config),
    speak: (after: number) => speaks?.(after),
  };
}

function only(engine: Engine): TargetSnapshot {
  const [snapshot] = engine.targets();
  if (snapshot === undefined) throw new Error('no target');
  return snapshot;
}

describe('a far end that breaks a silence by itself', () => {
  it('ends the search below that time, and says so', async () => {
    const { clock, path, engine, start } = scene();
    path.speaksAfter = 600;
    await start();
    await clock.advance(3600);
    const snapshot = only(engine);
    for (const { finding } of snapshot.modes) {
      expect(finding.upper).toBe(undefined);
      expect(finding.lower).toBeGreaterThan(580);
      expect(finding.lower).toBeLessThan(595.01);
    }
    expect(isComplete(snapshot)).toBe(true);
    expect(exitCode(snapshot)).toBe(3);
    expect(snapshot.verdict.sentence).toContain('breaks a silence by itself after 10 min (600 s)');
    expect(snapshot.events.map(({ text }) => text)).toContain(
      'the far end breaks a silence by itself after 10 min (600 s): nothing longer is measured',
    );
  });

  it('ends it also when that is noticed in the middle', async () => {
    const { clock, engine, start, speak } = scene();
    await start();
    await clock.advance(300);
    speak(900);
    await clock.advance(5000);
    for (const { finding } of only(engine).modes) expect(finding.lower).toBeLessThan(895.01);
    expect(isComplete(only(engine))).toBe(true);
  });

  it('changes nothing where that is later than what is measured', async () => {
    const { clock, path, engine, start } = scene({ max_idle: 900 });
    path.speaksAfter = 7200;
    await start();
    await clock.advance(3600);
    for (const { finding } of only(engine).modes) expect(finding.lower).toBeGreaterThan(895);
    expect(only(engine).events.filter(({ text }) => text.includes('by itself'))).toEqual([]);
  });
});

describe('a far end that cannot be asked a mode', () => {
  it('is not asked it, and answers for the others', async () => {
    const { clock, path, engine, start } = scene({ max_idle: 600 });
    path.idleTimeout = 300;
    path.cannotBeAsked = ['recv'];
    await start();
    await clock.advance(7200);
    const snapshot = only(engine);
    expect([...path.asked]).toEqual(['send']);
    expect(snapshot.verdict).toMatchObject({ result: 'not_compliant', leftOut: ['recv'] });
    expect(isComplete(snapshot)).toBe(true);
    expect(snapshot.keepaliveRecommended).toBeGreaterThan(100);
  });
});
