/** What version 0.1.0 left behind, real files: today's program starts from them as if it had written them itself. */
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import type { TargetConfig } from '../../src/config/config.js';
import { Launches } from '../../src/engine/launches.js';
import { StateStore } from '../../src/engine/state-store.js';
import { TargetRunner } from '../../src/engine/target-runner.js';
import { openHistory } from '../../src/history/store.js';
import { createLogger } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/0.1.0/', import.meta.url));
const HOME = 'target-home-4ea14058.json';
/** When the files were written, Unix seconds. */
const SAVED_AT = 1795917886.61;

let directory: string;
let lines: { readonly level: string; readonly msg: string }[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'taken-over-'));
  await cp(join(FIXTURES, 'state'), directory, { recursive: true });
  lines = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Starts a target as it was configured, ten minutes after it was stopped; ends it when it has told what it knows. */
async function startAndStop(target: TargetConfig) {
  const clock = new FakeClock();
  clock.stepWall(SAVED_AT + 600 - clock.wall());
  const write = (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]);
  const log = createLogger({ level: 'info', format: 'json', stream: { write } });
  const path = new FakePath(clock);
  const runner = new TargetRunner({
    target,
    clock,
    log,
    observer: {},
    testsKept: 500,
    launches: new Launches({ clock }),
    openEmbedded: () => Promise.reject(new Error('no embedded far end here')),
    openPath: () => path,
    askRouter: () => Promise.resolve(undefined),
    store: new StateStore(directory, log),
  });
  await runner.start();
  while (path.checks === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const known = runner.snapshot().modes.map(({ mode, finding, tests, confirmedTimestamp }) => ({
    mode,
    finding,
    tests: tests.length,
    age: confirmedTimestamp === undefined ? undefined : clock.wall() - confirmedTimestamp,
  }));
  const stopped = runner.stop();
  await clock.advance(10);
  await stopped;
  return known;
}

function configured(name: string): TargetConfig {
  const target = loadConfig(join(FIXTURES, 'config.yaml')).targets.find((each) => each.name === name);
  if (target === undefined) throw new Error(`${name} is not configured`);
  return target;
}

const textOf = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
const versionOf = async (name: string): Promise<unknown> =>
  (JSON.parse(await textOf(name)) as { version: unknown }).version;

describe('the files of version 0.1.0', () => {
  it('are a configuration that needs no change', () => {
    const config = loadConfig(join(FIXTURES, 'config.yaml'));
    expect(config.targets.map(({ name, modes }) => [name, modes])).toEqual([
      ['home', ['send', 'recv', 'keepalive']],
      ['büro/2', ['keepalive', 'recv']],
    ]);
  });

  it('tell every finding, test and moment at the start', async () => {
    const home = await startAndStop(configured('home'));
    expect(home.map(({ mode, tests }) => [mode, tests])).toEqual([
      ['send', 39],
      ['recv', 39],
      ['keepalive', 41],
    ]);
    expect(home[0]?.finding).toMatchObject({ phase: 'track', compliant: false, deaths: 7 });
    expect(home[0]?.finding.timeout).toBeCloseTo(19.81, 2);
    expect(home[0]?.age).toBeGreaterThan(600);
    expect(home[0]?.age).toBeLessThan(700);
    expect(home[2]?.finding).toMatchObject({ phase: 'track', lower: 59.810175084 });
    expect(home[2]?.finding).not.toHaveProperty('compliant');
    const office = await startAndStop(configured('büro/2'));
    expect(office.map(({ mode, finding }) => [mode, finding.timeout?.toFixed(2)])).toEqual([
      ['keepalive', '19.63'],
      ['recv', '19.56'],
    ]);
    expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  it('are kept as they were, and written in the format of today', async () => {
    const before = await textOf(HOME);
    const known = await startAndStop(configured('home'));
    expect(await textOf(`${HOME}.v1`)).toBe(before);
    expect(await versionOf(HOME)).toBe(2);
    expect(lines.map(({ msg }) => msg)).toContain(
      'the state file is of an older version; taken over, and kept as it was',
    );
    lines = [];
    expect((await startAndStop(configured('home'))).map(({ finding }) => finding)).toEqual(
      known.map(({ finding }) => finding),
    );
    expect(lines.filter(({ msg }) => msg.includes('older version'))).toEqual([]);
  });

  it('can be gone back to: the kept file is what 0.1.0 reads, and is not overwritten by a later one', async () => {
    const before = await textOf(HOME);
    await startAndStop(configured('home'));
    // The way back of docs/OPERATORS.md, then forward again with a file of another moment.
    await rename(join(directory, `${HOME}.v1`), join(directory, HOME));
    expect(await textOf(HOME)).toBe(before);
    await startAndStop(configured('home'));
    await writeFile(join(directory, HOME), before.replace('"nextId":42', '"nextId":43'));
    await startAndStop(configured('home'));
    expect(await versionOf(HOME)).toBe(2);
    expect(await textOf(`${HOME}.v1`)).toBe(before);
  });

  it('are read again as long as nothing was saved', async () => {
    const log = createLogger({ level: 'error', format: 'json' });
    const first = await new StateStore(directory, log).load('home');
    expect(first).toBeDefined();
    expect(await new StateStore(directory, log).load('home')).toEqual(first);
    expect(await versionOf(HOME)).toBe(1);
  });

  it('hold a history that is read on', async () => {
    const history = openHistory(join(directory, 'history'), { wall: () => SAVED_AT + 600 });
    expect((await history.read('home')).map(({ mode, timeout }) => [mode, timeout])).toEqual([
      ['send', 19.812],
      ['recv', 19.766],
      ['keepalive', undefined],
      ['keepalive', undefined],
    ]);
    expect((await history.read('büro/2')).length).toBe(2);
    await history.close();
  });
});
