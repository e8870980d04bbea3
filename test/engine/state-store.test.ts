import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateStore } from '../../src/engine/state-store.js';

let directory: string;
let warnings: string[];
/** What was said to be wrong with files. */
let problems: (string | undefined)[];
let store: StateStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'state-store-'));
  warnings = [];
  problems = [];
  store = open(directory);
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function open(path: string): StateStore {
  const write = (line: string): void => {
    const { msg, problem } = JSON.parse(line) as { msg: string; problem?: string };
    warnings.push(msg);
    problems.push(problem);
  };
  const sink = { write };
  return new StateStore(path, pino({ level: 'warn' }, sink));
}

async function onlyFile(): Promise<string> {
  const [name] = await readdir(directory);
  return join(directory, name ?? '');
}

describe('StateStore', () => {
  it('gives back what was saved', async () => {
    await store.save('vps', { bounds: [1, 2] });
    expect(await open(directory).load('vps')).toEqual({ bounds: [1, 2] });
    expect(warnings).toEqual([]);
  });

  it('knows nothing about a target that was never saved, and says nothing', async () => {
    expect(await store.load('vps')).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it.each([
    ['half-written', 'not whole JSON', (text: string) => text.slice(0, text.length / 2)],
    ['empty', 'not whole JSON', () => ''],
    ['foreign', 'format is not nat-idle-exporter-state', () => '{"format":"something else"}'],
    ['null', 'not an object', () => 'null'],
    ['bare', 'not an object', () => '5'],
    ['newer', 'version is not 2', (text: string) => text.replace('"version":2', '"version":99')],
  ])('sets a %s file aside with a warning: %s', async (_what, problem, damage) => {
    await store.save('vps', { bounds: [1, 2] });
    const path = await onlyFile();
    const damaged = damage(await readFile(path, 'utf8'));
    await writeFile(path, damaged);
    expect(await store.load('vps')).toBeUndefined();
    expect(warnings).toEqual(['the state file is not ours or damaged; set aside']);
    expect(problems).toEqual([problem]);
    const [aside] = await readdir(directory);
    expect(aside).toMatch(/\.json\.corrupt-\d+$/);
    expect(await readFile(join(directory, aside ?? ''), 'utf8')).toBe(damaged);
  });

  it('leaves no draft behind and keeps targets with similar names apart', async () => {
    await Promise.all([store.save('a/b', 1), store.save('a b', 2), store.save('../a b', 3)]);
    expect(await Promise.all(['a/b', 'a b', '../a b'].map((name) => store.load(name)))).toEqual([1, 2, 3]);
    const names = await readdir(directory);
    expect(names).toHaveLength(3);
    expect(names.filter((name) => !/^target-[A-Za-z0-9_-]+\.json$/.test(name))).toEqual([]);
  });

  it('sets the file of another target aside, whose name cannot be believed', async () => {
    await store.save('vps', 1);
    const path = await onlyFile();
    await writeFile(path, (await readFile(path, 'utf8')).replace('"target":"vps"', '"target":"vpn"'));
    expect(await store.load('vps')).toBeUndefined();
    expect(warnings).toEqual(['the state file is not ours or damaged; set aside']);
    expect(problems).toEqual(['belongs to another target']);
  });

  it('names a file after its target, as far as a file name can', async () => {
    await store.save(`home / ${'x'.repeat(100)}`, 1);
    const [name = ''] = await readdir(directory);
    expect(name).toMatch(/^target-home_x{35}-[0-9a-f]{8}\.json$/);
  });

  it('says why a file cannot be read or written, in the words of the system', async () => {
    const told: unknown[] = [];
    const sink = { write: (line: string) => void told.push((JSON.parse(line) as { error: string }).error) };
    await writeFile(join(directory, 'file'), '');
    const failing = new StateStore(join(directory, 'file', 'below'), pino({ level: 'warn' }, sink));
    expect(await failing.load('vps')).toBeUndefined();
    await failing.save('vps', 1);
    expect(told).toEqual(['ENOTDIR', 'ENOTDIR']);
  });

  it('says once that the directory can be written again, and once more when it cannot', async () => {
    const told: string[] = [];
    const sink = { write: (line: string) => void told.push((JSON.parse(line) as { msg: string }).msg) };
    const place = join(directory, 'place');
    const store = new StateStore(place, pino({ level: 'info' }, sink));
    for (const fails of [true, false, false, true]) {
      await rm(place, { recursive: true, force: true });
      if (fails) await writeFile(place, '');
      await store.save('vps', 1);
    }
    expect(told).toEqual([
      'cannot write the state file; going on without it',
      'the state file can be written again',
      'cannot write the state file; going on without it',
    ]);
  });

  it('writes the last of several quick saves', async () => {
    await Promise.all([1, 2, 3, 4].map((state) => store.save('vps', state)));
    expect(await store.load('vps')).toBe(4);
  });

  it('says once that the directory cannot be written, and goes on', async () => {
    const blocked = join(directory, 'file');
    await writeFile(blocked, '');
    const failing = open(join(blocked, 'below'));
    await failing.save('vps', 1);
    await failing.save('vps', 2);
    expect(warnings).toEqual(['cannot write the state file; going on without it']);
  });
});
