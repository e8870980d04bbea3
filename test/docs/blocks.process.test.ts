/** What the documents tell people to type and to paste, as it is written. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/cli/parse.js';
import { checkConfig } from '../../src/config/load.js';
import { LabProcess } from '../netns/process.js';
import { requires } from '../support/requires.js';
import { type Block, blocksOf, inlineCommands } from './blocks.js';

const ROOT = new URL('../../', import.meta.url);
const DOCUMENTS = ['README.md', 'docs/OPERATORS.md', 'docs/RUNBOOK.md', 'docs/DASHBOARDS.md'];
const root = fileURLToPath(ROOT);
const SCENE = fileURLToPath(new URL('scene.sh', import.meta.url));

/** Blocks that can be copied; what has no language is a sample of what is printed, or a line of somebody else's file. */
const blocks = DOCUMENTS.flatMap((name) => blocksOf(new URL(name, ROOT), name)).filter(
  ({ language }) => language !== '',
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'block-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What stands for the address of the reader's own Prometheus. */
const URL_OF_THE_READER = 'http://localhost:9090';

/** The arguments of a command of ours that a shell would make; quotes are not used in the documents. */
function argumentsOf(command: string): string[] {
  const words = command.replaceAll(/\bURL\b/g, URL_OF_THE_READER).split(/\s+/);
  return words.slice(1).map((word) => word.replace(/^'(.*)'$/, '$1'));
}

/** Parses a command as the program does; files that it names are there. */
function parses(command: string): void {
  const token = join(folder, 'token');
  writeFileSync(token, 'a token that is long enough for everybody');
  const args = argumentsOf(command).map((arg) => arg.replace(/(--[a-z.-]*file)=\S*token\S*/, `$1=${token}`));
  parseCommandLine(args, {}, { version: '1' });
}

describe('the blocks of the documents', () => {
  it('are marked as not run for one of a few reasons, and seldom', () => {
    const marked = blocks.filter(({ reason }) => reason !== undefined);
    expect(blocks.length).toBeGreaterThan(10);
    expect(marked.length / blocks.length).toBeLessThanOrEqual(0.2);
    for (const { text, place } of marked)
      for (const line of text.split('\n').filter((each) => each.startsWith('nat-idle-exporter ')))
        expect(() => parses(line.replace(/ +#.*/, '')), place).not.toThrow();
  });

  it('have a language that says what they are for', () => {
    for (const { language, place } of blocks)
      expect(['sh', 'yaml', 'crontab', 'jsonnet'], place).toContain(language);
  });

  it('knows no other reason', () => {
    writeFileSync(join(folder, 'a.md'), '<!-- not run: takes long -->\n```sh\ntrue\n```\n');
    expect(() => blocksOf(new URL(`file://${folder}/a.md`), 'a.md')).toThrow('not a reason: takes long');
  });
});

describe('commands in the running text', () => {
  const commands = DOCUMENTS.flatMap((name) =>
    inlineCommands(new URL(name, ROOT)).map((command) => [name, command] as const),
  );

  it.each(commands.filter(([, command]) => command.startsWith('nat-idle')))('%s: %s', (_name, command) => {
    expect(() => parses(command)).not.toThrow();
  });

  it.each(commands.filter(([, command]) => command.startsWith('npm run')))('%s: %s', (_name, command) => {
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(scripts)).toContain(command.split(' ')[2]);
  });
});

describe('lines for cron', () => {
  it.each(blocks.filter(({ language }) => language === 'crontab'))('$place', ({ text }) => {
    for (const line of text.trim().split('\n')) {
      const [, command = ''] = /^(?:[\d*/,-]+ +){5}(\S.*)$/.exec(line) ?? [];
      expect(command).toMatch(/^nat-idle-exporter /);
      parses(command);
    }
  });
});

/** What a user's own secrets and lists stand for. */
function filledIn(text: string): string {
  return text.replace(/\$2y\$10\$…/, `$2y$10$${'a'.repeat(53)}`);
}

requires({ packages: ['jsonnet'] }).describe('jsonnet', () => {
  it.each(blocks.filter(({ language }) => language === 'jsonnet'))('$place', ({ text }) => {
    symlinkSync(root, join(folder, 'nat-idle-exporter'));
    writeFileSync(join(folder, 'mine.jsonnet'), `(${text}).prometheusAlerts`);
    const { stdout, stderr, status } = spawnSync('jsonnet', ['-J', folder, join(folder, 'mine.jsonnet')], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('cluster=');
  });
});

requires({ packages: ['prometheus'] }).describe('YAML', () => {
  it.each(blocks.filter(({ language }) => language === 'yaml'))('$place', ({ text }) => {
    const document = load(text) as Readonly<Record<string, unknown>>;
    const keys = Object.keys(document);
    const promtool = (kind: string, content: string, ...flags: readonly string[]): void => {
      const file = join(folder, 'file.yml');
      writeFileSync(file, content);
      const { stdout, stderr, status } = spawnSync('promtool', ['check', kind, ...flags, file], {
        encoding: 'utf8',
      });
      expect(status, stdout + stderr).toBe(0);
    };
    if (keys.includes('basic_auth_users')) {
      for (const name of ['server.pem', 'server.key']) writeFileSync(join(folder, name), '');
      // Certificates are the reader's own.
      promtool('web-config', filledIn(text).replace(/^tls_server_config.*\n/m, ''));
    } else if (keys.includes('scrape_configs')) {
      mkdirSync(join(folder, 'nat-idle'));
      spawnSync('cp', [
        '-r',
        join(root, 'prometheus/rules'),
        join(root, 'prometheus/alerts'),
        `${folder}/nat-idle`,
      ]);
      for (const name of ['remote-write', 'responder-password', 'ca.pem'])
        writeFileSync(join(folder, name), 'x');
      const here = text
        .replaceAll(/\/(run\/secrets|etc\/nat-idle)\//g, `${folder}/`)
        .replace(/\{ca_file: [^}]*\}/, '{}');
      promtool('config', here, ...(keys.includes('remote_write') ? ['--agent'] : []));
    } else {
      for (const name of ['token', 'remote-write']) writeFileSync(join(folder, name), 'x'.repeat(40));
      const here = text.replaceAll('/run/secrets/', '');
      const targets = { targets: [{ name: 'embedded', embedded: {} }] };
      const checked = checkConfig({ ...targets, ...(load(here) as object) }, join(folder, 'config.yaml'));
      expect(checked.targets).not.toEqual([]);
    }
  });
});

const runnable = blocks.filter(({ language, reason }) => language === 'sh' && reason === undefined);

/** Runs a block to its end, or until its last command says that it works. */
async function run({ text, until }: Block): Promise<string> {
  const file = join(folder, 'block.sh');
  writeFileSync(file, text);
  const argv = [
    'unshare',
    '-nmp',
    '--fork',
    '--kill-child',
    '--propagation=private',
    SCENE,
    root,
    folder,
    file,
  ];
  const running = new LabProcess(argv, {
    env: { NODE_NO_WARNINGS: '1', npm_config_update_notifier: 'false' },
  });
  try {
    if (until !== undefined) await running.waitForLine(until, 60_000);
    else expect((await running.exited).code, running.stderr).toBe(0);
  } finally {
    // With it its namespace of processes ends, whatever they do.
    await running.stop('SIGKILL');
  }
  return running.stdout + running.stderr;
}

requires({ root: true, namespaces: true, packages: ['iproute2'] }).describe('commands', () => {
  it.each(runnable)(
    '$place',
    async (block) => {
      const said = await run(block);
      expect(said).not.toMatch(/unknown option|not found|is missing/);
    },
    90_000,
  );

  it('notices what does not work', async () => {
    await expect(
      run({ place: '', language: 'sh', text: 'nat-idle-exporter measure --nonsense\n' }),
    ).rejects.toThrow();
  }, 30_000);
});
