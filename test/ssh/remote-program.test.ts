/** The program at the far end, run by the shells that hosts have, without any SSH. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REMOTE_COMMAND } from '../../src/ssh/remote-program.js';
import { requires } from '../support/requires.js';
import { eventually } from '../support/sockets.js';

const SHELLS = {
  dash: ['dash'],
  bash: ['bash', '--norc'],
  'bash --posix': ['bash', '--norc', '--posix'],
  busybox: ['busybox', 'sh'],
  mksh: ['mksh'],
} as const;

/** What the user's shell hands to /bin/sh. */
const PROGRAM = REMOTE_COMMAND.replace(/^exec \/bin\/sh -c '|'$/g, '');

/** The same as docs/SSH.md shows it. */
const [, SHOWN = ''] = /```sh\n#!\/bin\/sh\n([^`]*)```/.exec(readFileSync('docs/SSH.md', 'utf8')) ?? [];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remote-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The program, and what it says line by line. */
class Session {
  readonly child;
  readonly gone: Promise<unknown>;
  readonly #lines: string[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor([shell = '', ...args]: readonly string[], port = 22) {
    const seen = `192.0.2.7 40000 203.0.113.9 ${port}`;
    this.child = spawn(shell, [...args, '-c', PROGRAM], {
      env: { PATH: process.env['PATH'], TMPDIR: folder, SSH_CONNECTION: seen },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.gone = new Promise((done) => this.child.once('exit', done));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  say(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** The next line that begins so. */
  async hear(start: string): Promise<string> {
    for (;;) {
      const index = this.#lines.findIndex((line) => line.startsWith(start));
      if (index >= 0) return this.#lines.splice(index, 1)[0] ?? '';
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await this.gone;
  }
}

requires({ packages: ['busybox', 'mksh'] }).describe('the program at the far end', () => {
  describe.each(Object.entries(SHELLS))('run by %s', (_name, shell) => {
    it('says who it sees, and answers', async () => {
      const session = new Session(shell);
      expect(await session.hear('ready')).toMatch(/^ready \d+ 192\.0\.2\.7 40000 [0-9a-f-]{36}$/);
      session.say('ping 0123456789abcdef');
      expect(await session.hear('pong')).toBe('pong 0123456789abcdef');
      session.say('facts');
      expect(await session.hear('facts')).toMatch(/^facts (-|\d+) \d+ $/);
      await session.end();
    });

    it('says whether its kernel has something on the way to a port', async () => {
      const served: Socket[] = [];
      const server = createServer((socket) => served.push(socket));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const clients = await Promise.all(
        [0, 1].map(async () => {
          const client = connect({ port, host: '127.0.0.1' });
          await once(client, 'connect');
          // Nobody reads what comes.
          return client.pause();
        }),
      );
      const session = new Session(shell, port);
      const said = async (of: number | undefined): Promise<string> => {
        session.say(`queue 77 ${of}`);
        return session.hear('queue');
      };
      const [idle, busy] = clients.map(({ localPort }) => localPort);
      await eventually(() => served.length === 2, 'both are served');
      served.find(({ remotePort }) => remotePort === busy)?.write(Buffer.alloc(20_000_000));
      expect(await said(busy)).toBe('queue 77 full');
      expect(await said(idle)).toBe('queue 77 empty');
      expect(await said(1)).toBe('queue 77 -');
      for (const socket of served) socket.destroy();
      for (const client of clients) client.destroy();
      server.close();
      await session.end();
    });

    it('says in one session what another one leaves in its box, and takes the box away', async () => {
      const [near, far] = [new Session(shell), new Session(shell)];
      far.say('box abc');
      const [, box = ''] = (await far.hear('box')).split(' ');
      expect(box).toBe(join(folder, 'nat-idle-abc'));
      near.say(`post ${box} ring 77`);
      expect(await near.hear('posted')).toBe('posted ring 77');
      expect(await far.hear('ring')).toBe('ring 77');
      near.say(`post ${box} ring 78`);
      expect(await far.hear('ring')).toBe('ring 78');
      await far.end();
      await eventually(() => readdirSync(folder).length === 0, 'the folder is gone');
      near.say(`post ${box} ring 79`);
      expect(await near.hear('unposted')).toBe('unposted ring 79');
      await near.end();
      expect(readdirSync(folder)).toEqual([]);
    });

    it('takes no folder that is there already, and none where it may not write', async () => {
      const session = new Session(shell);
      session.say('box abc');
      await session.hear('box');
      const other = new Session(shell);
      other.say('box abc');
      expect(await other.hear('nobox')).toBe('nobox');
      await other.end();
      expect(readdirSync(folder)).toEqual(['nat-idle-abc']);
      await session.end();
    });

    it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('leaves nothing behind after %s', async (signal) => {
      const session = new Session(shell);
      session.say('box abc');
      await session.hear('box');
      session.child.kill(signal);
      // A shell takes a signal to heart when the command that it waits for has ended: its input, for some.
      await session.end();
      expect(readdirSync(folder)).toEqual([]);
    });

    it('is ended by another session', async () => {
      const [near, far] = [new Session(shell), new Session(shell)];
      const [, pid = ''] = (await far.hear('ready')).split(' ');
      far.say('box abc');
      await far.hear('box');
      near.say(`end ${pid}`);
      await far.gone;
      await eventually(() => readdirSync(folder).length === 0, 'the folder is gone');
      await near.end();
    });
  });
});

requires({ packages: ['busybox', 'mksh'] }).describe('the text of the program', () => {
  it.each(Object.entries(SHELLS))('is understood by %s', (_name, [shell, ...args]) => {
    for (const text of [PROGRAM, SHOWN]) {
      const { stderr, status } = spawnSync(shell, [...args, '-n'], { input: text, encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    }
  });
});

requires({ packages: ['shellcheck'] }).describe('the text of the program', () => {
  it('is clean', () => {
    const file = join(folder, 'program.sh');
    writeFileSync(file, `#!/bin/sh\n${PROGRAM}\n`);
    const { stdout, status } = spawnSync('shellcheck', ['-s', 'sh', file], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

describe('the command of a session', () => {
  it('is one line that any login shell hands on as it is', () => {
    expect(REMOTE_COMMAND).toMatch(/^exec \/bin\/sh -c '[^'\\\n]+'$/);
  });

  it('has the program that docs/SSH.md shows', () => {
    expect(SHOWN.trim().replace(/\s*\n\s*/g, ' ')).toBe(PROGRAM);
  });
});
