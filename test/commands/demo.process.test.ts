import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forDemo, isDemo } from '../../src/commands/demonstration.js';
import { called } from '../../src/cli/called.js';
import { parseCommandLine } from '../../src/cli/parse.js';
import type { ExporterFlags } from '../../src/cli/exporter-flags.js';
import { series } from '../netns/metrics.js';
import { Bench } from '../support/program.js';
import { requires } from '../support/requires.js';
import { Terminal } from '../support/terminal.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What `--config.check` says of a file. */
async function check(file: string): Promise<string> {
  const ran = bench.start([`--config.file=${file}`, '--config.check']);
  await ran.exited;
  return ran.stdout + ran.stderr;
}

const flags = (args: readonly string[], env = {}): ExporterFlags => {
  const line = parseCommandLine(args, env, { version: '1' });
  if (line.command !== 'exporter') throw new Error('no exporter');
  return line.options;
};

describe('the exporter without any configuration', () => {
  it('is a demonstration: says so and how to go on, serves it, writes nothing', async () => {
    const demo = bench.start(['--web.listen-address=127.0.0.1:0'], { env: { NODE_NO_WARNINGS: '1' } });
    const [, url = ''] = await demo.waitForLine(/^ {2}status page {2}(http:\/\/127\.0\.0\.1:\d+)\/$/, 30_000);
    await demo.waitForLine(/^Ctrl-C ends it/, 5000);
    expect(demo.stdout).toContain('This is a demonstration: there is no config.yaml here');
    expect(demo.stdout).toMatch(/^ {2}node \S+main\.js measure ssh:\/\/YOU@ANY-SSH-SERVER/m);
    expect(demo.stdout).toContain(`  metrics      ${url}/metrics\n`);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(series(text, 'nat_idle_exporter_demo', {})).toBe(1);
    expect(await (await fetch(url)).text()).toContain('embedded');
    // A file that appears meanwhile is not for a demonstration.
    await bench.write('config.yaml', 'targets: [{name: a, host: 127.0.0.1}]\n');
    demo.signal('SIGHUP');
    await demo.waitForLine(/demonstration: has no configuration file to load: restart with one/, 10_000);
    expect(await demo.stop()).toEqual({ code: 0, signal: null });
    expect(readdirSync(bench.directory)).toEqual(['config.yaml']);
  }, 60_000);

  it('has no such metric once there is one', async () => {
    const exporter = await bench.exporter(
      await bench.write('c.yaml', 'targets: [{name: embedded, embedded: {}}]'),
    );
    expect(await exporter.metrics()).not.toMatch(/^nat_idle_exporter_demo /m);
  }, 60_000);

  it('is none where a file was named, is there, or shall be followed', async () => {
    const from = process.cwd();
    process.chdir(bench.directory);
    try {
      expect(isDemo(flags([]))).toBe(true);
      expect(isDemo(flags(['--config.file=config.yaml']))).toBe(false);
      expect(isDemo(flags([], { NAT_IDLE_CONFIG_FILE: 'config.yaml' }))).toBe(false);
      expect(isDemo(flags(['--config.auto-reload']))).toBe(false);
      await bench.write('config.yaml', '');
      expect(isDemo(flags([]))).toBe(false);
    } finally {
      process.chdir(from);
    }
  });

  it('listens on the loopback alone unless somebody says where', () => {
    expect(forDemo(flags([])).web.listenAddresses).toEqual([{ host: '127.0.0.1', port: 15_382 }]);
    expect(forDemo(flags(['--web.listen-address=:80'])).web.listenAddresses).toEqual([{ port: 80 }]);
  });

  it.each([
    ['npx', '/x/node_modules/.bin/nat-idle-exporter', { npm_command: 'exec' }, 'npx nat-idle-exporter'],
    ['the file itself below npx', 'dist/main.js', { npm_command: 'exec' }, 'node dist/main.js'],
    ['an installed command', '/usr/bin/nat-idle-exporter', {}, 'nat-idle-exporter'],
    ['the file itself', 'dist/main.js', {}, 'node dist/main.js'],
  ])('tells commands as it was called itself: by %s', (_how, script, env, typed) => {
    expect(called(script, env)).toBe(typed);
  });
});

describe('nat-idle-exporter init', () => {
  const init = async (args: readonly string[]): Promise<{ code: number | null; said: string }> => {
    const ran = bench.start(['init', ...args]);
    ran.endInput();
    const { code } = await ran.exited;
    return { code, said: ran.stdout + ran.stderr };
  };
  it('writes what flags say, never over a file, and nothing that could not be used', async () => {
    expect(await init(['--far-end=ssh://me@vps.example'])).toMatchObject({ code: 0 });
    expect(await check('config.yaml')).toBe('config.yaml: usable, 1 target\n');
    expect(await init(['--far-end=embedded'])).toEqual({
      code: 2,
      said: 'config.yaml: is there already, and is not overwritten\n',
    });
    const missing = await init(['--far-end=vps.example', '--key-file=nowhere', '--output=b.yaml']);
    expect(missing).toEqual({
      code: 2,
      said: 'b.yaml: targets[0].token_file: cannot be read: no such file, found nowhere\n',
    });
    expect(readdirSync(bench.directory)).toEqual(['config.yaml']);
  }, 60_000);

  it('without a terminal and without flags is a usage error', async () => {
    expect(await init([])).toEqual({
      code: 2,
      said: '--far-end: must be given where there is no terminal to ask on\n',
    });
    expect(readdirSync(bench.directory)).toEqual([]);
  }, 30_000);

  it('finds the token of a file in another folder', async () => {
    await bench.write('token', 'a token of more than sixteen characters');
    const output = join(bench.directory, 'sub.yaml');
    const said = await init(['--far-end=[2001:db8::1]:99', '--key-file=token', `--output=${output}`]);
    expect(said).toMatchObject({ code: 0 });
    expect(await check(output)).toContain('usable, 1 target');
  }, 60_000);
});

requires({ packages: ['tmux'] }).describe('nat-idle-exporter init at a terminal', () => {
  let terminal: Terminal;
  afterEach(() => terminal.close());
  const start = (): void => {
    terminal = new Terminal(
      bench.directory,
      100,
      24,
      `cd ${bench.directory}; ${process.execPath} ${MAIN} init`,
    );
  };

  it('asks three questions, each with a default', async () => {
    await bench.write('secret', 'a token of more than sixteen characters');
    start();
    for (const [question, answer] of [
      [/What to measure\?[^]* {2}\[embedded\]:/, 'vps.example'],
      [/token\?\n {2}\[none\]:/, 'secret'],
      [/restart\?\n {2}\[\.\/data\]:/, ''],
    ] as const) {
      await terminal.see(question, 30);
      terminal.type(...(answer === '' ? [] : [answer]), 'Enter');
    }
    const seen = (await terminal.see(/exit code 0/, 10)).join('\n');
    expect(seen).toMatch(/^config\.yaml is written\. Start the exporter: node \S+/m);
    expect(await check('config.yaml')).toBe('config.yaml: usable, 1 target\n');
  }, 60_000);

  it('writes nothing on Ctrl-C', async () => {
    start();
    await terminal.see(/What to measure/, 30);
    terminal.type('C-c');
    await terminal.see(/nothing was written\n\nexit code 2/, 10);
    expect(readdirSync(bench.directory).filter((name) => name.endsWith('yaml'))).toEqual([]);
  }, 60_000);
});
