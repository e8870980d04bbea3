import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRegularFile, readRegularFileLater, replaceFile, whyUnreadable } from '../src/files.js';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  writeFileSync(join(folder, 'file'), 'some text');
  symlinkSync('file', join(folder, 'link'));
  symlinkSync('pipe', join(folder, 'link-to-pipe'));
  symlinkSync('/dev/zero', join(folder, 'link-to-device'));
  writeFileSync(join(folder, 'large'), '');
  truncateSync(join(folder, 'large'), 64 * 1024 + 1);
  server = createServer().listen(join(folder, 'socket'));
  await new Promise((done) => server.once('listening', done));
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each([
  [
    'readRegularFile()',
    (path: string, limit: number) => Promise.resolve().then(() => readRegularFile(path, limit)),
  ],
  ['readRegularFileLater()', readRegularFileLater],
])('%s', (_name, read) => {
  const complaint = (path: string): Promise<string> =>
    read(join(folder, path), 64 * 1024).then(
      () => 'read',
      (error: unknown) => whyUnreadable(error),
    );

  it('reads a file, also through a symbolic link', async () => {
    expect((await read(join(folder, 'file'), 9)).toString()).toBe('some text');
    expect((await read(join(folder, 'link'), 9)).toString()).toBe('some text');
  });

  it('reads what the kernel makes up as it is read, and tells a size of 0 for', async () => {
    expect((await read('/proc/self/status', 64 * 1024)).toString()).toContain('Pid:');
    await expect(read('/proc/self/status', 10)).rejects.toThrow('/proc/self/status is larger than');
  });

  it.each([
    ['pipe', 'is a named pipe, not a regular file'],
    ['link-to-pipe', 'is a named pipe, not a regular file'],
    ['link-to-device', 'is a device, not a regular file'],
    ['socket', 'is a socket, not a regular file'],
    ['.', 'is a directory'],
    ['large', 'is larger than 64 KiB'],
    ['missing', 'no such file'],
  ])('refuses %s at once', async (path, reason) => {
    const began = performance.now();
    expect(await complaint(path)).toBe(reason);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('waits for nothing where the kernel has a regular file that is always about to say more', async () => {
    // The ring of kernel messages: whoever may open it could wait for ever.
    const log = read('/proc/kmsg', 1);
    await expect(log).rejects.toThrow(/EACCES|EPERM|EAGAIN|ENOENT|larger/);
  }, 5000);
});

describe('replaceFile()', () => {
  it('puts another text in the place of a file, for its owner alone, whatever lies where it is drafted', async () => {
    const place = mkdtempSync(join(tmpdir(), 'nat-idle-replace-'));
    const path = join(place, 'state');
    writeFileSync(path, 'before');
    execFileSync('mkfifo', [`${path}.new`]);
    await replaceFile(path, 'after');
    expect(readFileSync(path, 'utf8')).toBe('after');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(place)).toEqual(['state']);
    rmSync(place, { recursive: true });
  });

  it('leaves nothing behind where it cannot', async () => {
    const place = mkdtempSync(join(tmpdir(), 'nat-idle-replace-'));
    mkdirSync(join(place, 'state', 'full'), { recursive: true });
    await expect(replaceFile(join(place, 'state'), 'after')).rejects.toThrow();
    expect(readdirSync(place)).toEqual(['state']);
    rmSync(place, { recursive: true });
  });
});
