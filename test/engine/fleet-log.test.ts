import { afterEach, describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { Engine } from '../../src/engine/engine.js';
import { FleetLog } from '../../src/engine/fleet-log.js';
import { createLogger, type LogLevel } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

function listen(level: LogLevel = 'info') {
  const lines: string[] = [];
  const write = (line: string): unknown => lines.push(line);
  return { lines, log: createLogger({ level, format: 'logfmt', stream: { write } }) };
}

/** A fleet whose boxes all forget after different times, from two minutes to half an hour. */
async function startFleet(targets: number, level: LogLevel = 'info') {
  const clock = new FakeClock();
  const { lines, log } = listen(level);
  const paths: FakePath[] = [];
  const engine = new Engine({
    clock,
    log,
    observer: {},
    openEmbedded: () => Promise.reject(new Error('not part of this test')),
    openPath: () => {
      const path = new FakePath(clock);
      path.idleTimeout = 120 + ((paths.push(path) * 37) % 1800);
      return path;
    },
  });
  engines.push(engine);
  const target = (index: number): TargetConfig => ({
    name: `path-${index}`,
    far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
    modes: ['send'],
    family: 'any',
    labels: {},
    search: { ...DEFAULT_SEARCH, connections: 2, resolution: 60 },
  });
  await engine.apply({
    schedule: '*/5 * * * *',
    targets: Array.from({ length: targets }, (_, n) => target(n)),
  });
  return { clock, engine, paths, lines };
}

describe('the log of a fleet', () => {
  it('has fewer than 100 lines of the first hour of 260 targets', { timeout: 300_000 }, async () => {
    const { clock, engine, lines } = await startFleet(260);
    await clock.advance(3600);
    expect(engine.targets().filter(({ modes }) => modes.every(({ tests }) => tests.length > 0))).toHaveLength(
      260,
    );
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length).toBeLessThan(100);
    expect(lines.join('')).toMatch(/more happened than is told line by line.* targets=\d{2,}/);
    expect(lines.join('')).not.toMatch(/msg=tested|="[[{]/);
  });

  it('tells of one target what happens to it, and none of its tests', async () => {
    const { clock, lines } = await startFleet(1);
    await clock.advance(3600);
    const text = lines.join('');
    expect(text).toContain('msg="path-0 answers"');
    expect(text).toContain('msg="search enters phase');
    expect(text).not.toMatch(/msg=tested|more happened/);
  });

  it('tells every test at level debug', async () => {
    const { clock, engine, lines } = await startFleet(1, 'debug');
    await clock.advance(600);
    const tests = engine.targets().flatMap(({ modes }) => modes.flatMap((mode) => mode.tests));
    expect(tests.length).toBeGreaterThan(5);
    expect(lines.filter((line) => line.includes('msg=tested'))).toHaveLength(tests.length);
  });
});

describe('FleetLog', () => {
  it('leaves warnings their own room, and never leaves out an error', () => {
    const { lines, log } = listen();
    const fleet = new FleetLog(log, new FakeClock());
    const target = fleet.of('a').child({ mode: 'send' });
    for (let line = 0; line < 1000; line++) target.info('news');
    target.warn({ change: 'drop' }, 'a drop');
    for (let line = 0; line < 200; line++) target.error('broken');
    const count = (word: string): number => lines.filter((line) => line.includes(word)).length;
    expect(count('news')).toBeLessThan(50);
    expect(lines.find((line) => line.includes('a drop'))).toContain('target=a mode=send change=drop');
    expect(count('broken')).toBe(200);
  });

  it('counts what it left out, says it once, and has room again later', async () => {
    const clock = new FakeClock();
    const { lines, log } = listen();
    const fleet = new FleetLog(log, clock);
    for (let line = 0; line < 100; line++) fleet.of(`t${line % 7}`).warn('down');
    const written = lines.length;
    await clock.advance(600);
    expect(lines).toHaveLength(written + 1);
    expect(lines.at(-1)).toMatch(
      /level=warn msg="more happened.*" targets=7 names=t\d,t\d,t\d,t\d,t\d,… news=0 warnings=80/,
    );
    await clock.advance(7200);
    expect(lines).toHaveLength(written + 1);
    fleet.of('t1').warn('down again');
    expect(lines.at(-1)).toContain('down again');
  });

  it('tells at the end what it still has left out', () => {
    const { lines, log } = listen();
    const fleet = new FleetLog(log, new FakeClock());
    for (let line = 0; line < 100; line++) fleet.of('a').info('news');
    fleet.close();
    expect(lines.at(-1)).toContain('news=70');
  });
});
