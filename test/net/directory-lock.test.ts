import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryHeld, directoryId, lockDirectory } from '../../src/net/directory-lock.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Another process that holds the socket of a lock and is killed. */
async function killedHolder(path: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Another one whose lock has no thread to answer, and room for `backlog` that ask and one more. */
async function stoppedHolder(backlog: number): Promise<ChildProcess> {
  const options = JSON.stringify({ path: join(directory, '.lock'), backlog });
  const program = `require('net').createServer().listen(${options}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  return child;
}

/** Another one that says what it likes, and holds the lock if it does not say that it only claims it. */
async function holder(answer: (socket: Socket) => void, name = '.lock'): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  server.listen(join(directory, name));
  await once(server, 'listening');
  return server;
}

/** The path of the only lock there is. */
async function theLock(): Promise<string> {
  const [name, ...more] = await readdir(directory);
  expect(more).toEqual([]);
  return join(directory, name ?? 'none');
}

const CLAIMS = (socket: Socket): void => void socket.end('claimed by process 7 on elsewhere');

function twoPieces(socket: Socket): void {
  socket.write('process 7 ');
  setTimeout(() => socket.end('on elsewhere'), 50);
}

describe('lockDirectory()', () => {
  it.each<[string, (socket: Socket) => void, string]>([
    ['says its name in pieces', twoPieces, 'is in use by process 7 on elsewhere'],
    ['says nothing', (socket) => socket.end(), 'is in use by a process that does not say which'],
    ['does not stop talking', (socket) => socket.end('x'.repeat(100_000)), `is in use by ${'x'.repeat(200)}`],
    ['is too busy to answer', () => undefined, 'is in use by a process that is too busy to say which'],
    [
      'resets whoever asks',
      (socket) => socket.destroy(new Error('no')),
      'is in use by a process that does not say which',
    ],
  ])('leaves a directory to a holder that %s', async (_what, answer, problem) => {
    const server = await holder(answer);
    const began = performance.now();
    await expect(lockDirectory(directory)).rejects.toThrow(new DirectoryHeld(problem));
    expect(performance.now() - began).toBeLessThan(6000);
    expect(await readdir(directory)).toEqual(['.lock']);
    server.close();
  });

  it('gives back a directory that somebody else has taken meanwhile without taking it from him', async () => {
    const lock = await lockDirectory(directory);
    await rm(await theLock());
    const next = await lockDirectory(directory);
    await lock.release();
    await expect(lockDirectory(directory)).rejects.toThrow(`process ${process.pid}`);
    await next.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('names each directory, whatever path leads there', async () => {
    const other = `${directory}-link`;
    await symlink(directory, other);
    const below = join(directory, 'a', 'b');
    const lock = await lockDirectory(directory);
    expect(await directoryId(other)).toBe(lock.id);
    expect(await directoryId(below)).not.toBe(lock.id);
    await rm(other);
    await lock.release();
  });

  it('refuses a second one and names the holder, whatever path leads there', async () => {
    const lock = await lockDirectory(directory);
    const other = `${directory}-link`;
    await symlink(directory, other);
    try {
      for (const path of [directory, other])
        await expect(lockDirectory(path)).rejects.toThrow(
          new RegExp(`^is in use by process ${process.pid} on `),
        );
    } finally {
      await rm(other);
    }
    await lock.release();
    await (await lockDirectory(directory)).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ['a holder that was killed', '.lock.7.0123abcd', killedHolder],
    ['a holder of an older version that was killed', '.lock', killedHolder],
    ['a file of that name', '.lock', (path: string) => writeFile(path, 'not a socket')],
  ])('takes over at once from %s', async (_what, name, leave) => {
    await leave(join(directory, name));
    const began = performance.now();
    const lock = await lockDirectory(directory);
    expect(performance.now() - began).toBeLessThan(1000);
    await expect(lockDirectory(directory)).rejects.toThrow(DirectoryHeld);
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves a directory to a holder that has no room for one more question', async () => {
    const child = await stoppedHolder(1);
    const asking = [1, 2].map(() => connect({ path: join(directory, '.lock') }));
    await Promise.all(asking.map((socket) => once(socket, 'connect')));
    for (const socket of asking) socket.on('error', () => undefined);
    await expect(lockDirectory(directory)).rejects.toThrow(
      new DirectoryHeld('is in use by a process that does not answer (EAGAIN)'),
    );
    child.kill('SIGKILL');
  });

  it('takes over from a holder that is killed while it is asked', async () => {
    const child = await stoppedHolder(10);
    const taken = lockDirectory(directory);
    await pause(300);
    child.kill('SIGKILL');
    await (await taken).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves a directory to whoever claims it with a lesser name, and takes its own name away', async () => {
    const server = await holder(CLAIMS, '.lock.1.00000000');
    await expect(lockDirectory(directory)).rejects.toThrow(
      new DirectoryHeld('is being claimed by process 7 on elsewhere'),
    );
    expect(await readdir(directory)).toEqual(['.lock.1.00000000']);
    server.close();
  });

  it('waits for whoever claims it with a greater name, until he has withdrawn', async () => {
    const server = await holder(CLAIMS, '.lock.99999999.ffffffff');
    let taken = false;
    const lock = lockDirectory(directory).finally(() => (taken = true));
    await pause(300);
    expect(taken).toBe(false);
    await new Promise((done) => server.close(done));
    await (await lock).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not touch what only looks like a lock', async () => {
    for (const name of ['.lock.old', '.lockfile', 'lab.lock.1.00000000'])
      await writeFile(join(directory, name), 'somebody else’s');
    await (await lockDirectory(directory)).release();
    expect(await readdir(directory)).toHaveLength(3);
  });

  it('can be asked by every user, or that of a killed holder would look alive to another one', async () => {
    const lock = await lockDirectory(directory);
    expect((await lstat(await theLock())).mode & 0o222).toBe(0o222);
    await lock.release();
  });

  it('is given to one of many that find a dead holder at the same moment', async () => {
    for (let times = 0; times < 20; times++) {
      await killedHolder(join(directory, '.lock'));
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
      const locks = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(locks).toHaveLength(1);
      await Promise.all(locks.map((lock) => lock.release()));
      expect(await readdir(directory)).toEqual([]);
    }
  });

  it('works where the path is too long for a socket', async () => {
    const deep = join(directory, 'x'.repeat(100), 'y'.repeat(100));
    const lock = await lockDirectory(deep);
    await expect(lockDirectory(deep)).rejects.toThrow(`process ${process.pid}`);
    await lock.release();
    expect(await readdir(deep)).toEqual([]);
    await mkdir(join(deep, 'more'));
  });

  it('is released although somebody keeps a connection to it', async () => {
    const lock = await lockDirectory(directory);
    const socket = connect({ path: await theLock(), allowHalfOpen: true });
    await once(socket, 'connect');
    await lock.release();
    socket.destroy();
    await (await lockDirectory(directory)).release();
  });

  it('passes on what the system says of a place where nothing can be', async () => {
    await writeFile(join(directory, 'file'), '');
    await expect(lockDirectory(join(directory, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
