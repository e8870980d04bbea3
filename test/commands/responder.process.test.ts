import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { openFileLimit } from '../../src/descriptors.js';
import { LabProcess } from '../netns/process.js';
import { freePort } from '../support/program.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let running: LabProcess | undefined;
afterEach(async () => {
  await running?.stop('SIGTERM');
  running = undefined;
});

/** Starts `responder` under a limit of descriptors and gives what it said until it served. */
async function said(descriptors: number, args: readonly string[]): Promise<string> {
  const program = [process.execPath, MAIN, 'responder', '--listen-address=127.0.0.1:0', ...args];
  const limited = `ulimit -n ${descriptors} && exec "$@" --web.listen-address=127.0.0.1:0`;
  running = new LabProcess(['sh', '-c', limited, 'sh', ...program]);
  await running.waitForLine(/serving metrics/, 30_000);
  return running.stderr;
}

describe('responder --max-connections', () => {
  it('warns when the descriptors do not suffice, and says for how many they do', async () => {
    const lines = await said(2000, ['--max-connections=19000']);
    expect(lines).toMatch(/level=warn .*descriptors suffice for 1744 connections only/);
    expect(lines).toMatch(/responder listens.*maxConnections=1744/);
  });

  it('warns where the workers are too few for it, however many descriptors there are', async () => {
    const descriptors = openFileLimit();
    const each = Math.min(20_000, descriptors - 256);
    const lines = await said(descriptors, ['--max-connections=100000', '--workers=2']);
    expect(lines).toMatch(new RegExp(`level=warn .*${2 * each} connections only`));
    expect(lines).toMatch(new RegExp(`responder listens.*maxConnections=${2 * each}`));
  });

  it('is silent where they do, in all workers together', async () => {
    const lines = await said(2000, ['--max-connections=3000', '--workers=2']);
    expect(lines).not.toContain('level=warn');
    expect(lines).toMatch(/responder listens.*maxConnections=3000/);
  });
});

describe('responder --web.listen-address', () => {
  const DEFAULT_SITE = 'http://127.0.0.1:15383';

  it('is loopback unless said otherwise, and the log says so', async () => {
    const args = ['responder', '--listen-address=127.0.0.1:0'];
    running = new LabProcess([process.execPath, MAIN, ...args]);
    const [line] = await running.waitForLine(
      /metrics on loopback only|listen address \S+: already in use/,
      30_000,
    );
    // Somebody else on this machine may have that very port.
    expect(line).toMatch(/metrics on loopback only|^listen address 127\.0\.0\.1:15383/);
    if (line.includes('loopback only')) expect(running.stderr).toContain(`url=${DEFAULT_SITE}`);
  });

  it('is not called loopback where it is not', async () => {
    const args = ['responder', '--listen-address=127.0.0.1:0', '--web.listen-address=:0'];
    running = new LabProcess([process.execPath, MAIN, ...args]);
    await running.waitForLine(/serving metrics/, 30_000);
    await running.stop('SIGTERM');
    expect(running.stderr).not.toContain('loopback only');
  });

  it('has to be said with --discovery', async () => {
    const args = ['responder', '--discovery', '--token-file=t', '--web.config.file=w'];
    running = new LabProcess([process.execPath, MAIN, ...args]);
    expect(await running.exited).toMatchObject({ code: 2 });
    expect(running.stderr.trim().split('\n')).toEqual([
      expect.stringContaining('--discovery: needs --web.listen-address'),
    ]);
  });
});

describe('responder of several workers', () => {
  it('says once that callers are turned away, whichever worker does it', async () => {
    const port = await freePort();
    const args = [`--listen-address=127.0.0.1:${port}`, '--web.listen-address=127.0.0.1:0'];
    const few = ['--workers=2', '--max-connections-per-client=1'];
    running = new LabProcess([process.execPath, MAIN, 'responder', ...args, ...few]);
    await running.waitForLine(/serving metrics/, 30_000);
    const held = Array.from({ length: 8 }, () =>
      connect({ port, host: '127.0.0.1' }).on('error', () => undefined),
    );
    try {
      await running.waitForLine(/level=warn.*callers are turned away.*door=responder/, 30_000);
    } finally {
      for (const socket of held) socket.destroy();
    }
    expect(running.stderr.match(/callers are turned away/g)).toHaveLength(1);
  });
});

describe('responder --web.config.file', () => {
  it('is read before anything is served', async () => {
    running = new LabProcess([
      process.execPath,
      MAIN,
      'responder',
      '--listen-address=127.0.0.1:0',
      '--web.config.file=/nonexistent/web.yaml',
    ]);
    await running.waitForLine(/nonexistent/, 30_000);
    expect(await running.exited).toMatchObject({ code: 2 });
    expect(running.stderr).not.toContain('responder listens');
  });
});
