import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExporterConfig } from '../../src/commands/exporter-config.js';
import type { Follower } from '../../src/commands/exporter-follower.js';
import { loadConfig } from '../../src/config/load.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { createLogger } from '../../src/log.js';
import { FakeView } from '../support/fake-view.js';
import { until } from '../netns/until.js';

let folder: string;
let file: string;
let config: ExporterConfig | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nat-idle-config-'));
  file = join(folder, 'config.yaml');
});
afterEach(() => {
  config?.close();
  rmSync(folder, { recursive: true });
});

/** Writes a configuration with one target of that name. */
function write(name: string): void {
  writeFileSync(file, `targets: [{name: ${name}, host: h}]\ntarget_files: ['${folder}/more-*.yaml']\n`);
}

/** A part that notes what it is told, and refuses targets of some names. */
function part(name: string, told: string[], refused: readonly string[] = []): Follower {
  return {
    apply: ({ targets }) => {
      const names = targets.map((target) => target.name).join('+');
      told.push(`${name} ${names}`);
      return refused.includes(names) ? Promise.reject(new Error(`not ${names}`)) : Promise.resolve();
    },
    settle: () => {
      told.push(`${name} settles`);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

async function begin(followers: readonly Follower[], autoReload = false) {
  const lines: string[] = [];
  const log = createLogger({
    level: 'info',
    format: 'logfmt',
    stream: { write: (line) => lines.push(line) },
  });
  const metrics = new ExporterMetrics({
    view: new FakeView([]),
    build: { version: '1', revision: 'a' },
    defaultMetrics: false,
  });
  const first = loadConfig(file);
  config = new ExporterConfig({ file, isDemo: false, first, autoReload, followers, metrics, log });
  await config.start();
  const successful = async (): Promise<string | undefined> =>
    /^nat_idle_exporter_config_last_reload_successful (\d)$/m.exec(await metrics.text())?.[1];
  return { config, lines, successful };
}

const namesOf = ({ current }: ExporterConfig): string[] => current.targets.map(({ name }) => name);

test('ExporterConfig has its followers take a configuration over in order, and settle', async () => {
  const told: string[] = [];
  write('a');
  const running = await begin([part('one', told), part('two', told)]);
  expect(told.splice(0)).toEqual(['one a', 'two a']);
  expect(await running.successful()).toBe('1');
  write('b');
  await running.config.reload();
  expect(told).toEqual(['one b', 'two b', 'one settles', 'two settles']);
  expect(namesOf(running.config)).toEqual(['b']);
});

test('a follower that refuses a configuration has it and those before it go back to the one in force', async () => {
  const told: string[] = [];
  write('a');
  const running = await begin([part('one', told), part('two', told, ['b']), part('three', told)]);
  told.splice(0);
  write('b');
  await expect(running.config.reload()).rejects.toThrow('not b');
  expect(told.splice(0)).toEqual([
    'one b',
    'two b',
    'two a',
    'one a',
    'one settles',
    'two settles',
    'three settles',
  ]);
  expect(namesOf(running.config)).toEqual(['a']);
  expect(await running.successful()).toBe('0');
  write('c');
  await running.config.reload();
  expect(told.slice(0, 3)).toEqual(['one c', 'two c', 'three c']);
  expect(namesOf(running.config)).toEqual(['c']);
  expect(await running.successful()).toBe('1');
});

test('a follower that cannot go back either keeps no other from it, and is logged', async () => {
  const told: string[] = [];
  write('a');
  const refused: string[] = ['b'];
  const running = await begin([part('one', told), part('two', told, refused)]);
  told.splice(0);
  refused.push('a');
  write('b');
  await expect(running.config.reload()).rejects.toThrow('not b');
  expect(told.slice(0, 4)).toEqual(['one b', 'two b', 'two a', 'one a']);
  expect(running.lines.filter((line) => line.includes('cannot go back'))).toHaveLength(1);
});

test('a broken file asks no follower for anything', async () => {
  const told: string[] = [];
  write('a');
  const running = await begin([part('one', told)]);
  told.splice(0);
  writeFileSync(file, 'targets: 1\n');
  await expect(running.config.reload()).rejects.toThrow('targets');
  expect(told).toEqual([]);
  expect(await running.successful()).toBe('0');
});

test('after a refused reload the target files of the configuration in force are followed on', async () => {
  const told: string[] = [];
  write('a');
  const running = await begin([part('one', told, ['b'])]);
  writeFileSync(file, 'targets: [{name: b, host: h}]\n');
  await expect(running.config.reload()).rejects.toThrow('not b');
  told.splice(0);
  writeFileSync(join(folder, 'more-1.yaml'), '[{targets: [h2]}]\n');
  await until('the target file is followed', 15_000, () => told.includes('one a+h2'));
  await until('it is told', 5000, () => running.lines.some((line) => line.includes('target files read')));
  expect(namesOf(running.config)).toEqual(['a', 'h2']);
});

test('ExporterConfig reads the file again when it changes, if it shall; what is broken changes nothing', async () => {
  write('a');
  const running = await begin([], true);
  write('b');
  await until('the new file is in force', 20_000, () => namesOf(running.config).join() === 'b');
  writeFileSync(file, 'targets: 5\n');
  await until('the broken file is told', 20_000, async () => (await running.successful()) === '0');
  expect(namesOf(running.config)).toEqual(['b']);
  expect(running.lines.join('')).toContain('cannot load the configuration; the old one stays in force');
  write('c');
  await until('the mended file is in force', 20_000, () => namesOf(running.config).join() === 'c');
  expect(await running.successful()).toBe('1');
});

test('ExporterConfig leaves a changed file alone unless it is asked', async () => {
  write('a');
  const running = await begin([]);
  write('b');
  await new Promise((done) => setTimeout(done, 1000));
  expect(namesOf(running.config)).toEqual(['a']);
});
