import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { LabProcess } from '../netns/process.js';

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

  it('is silent where they do, in all workers together', async () => {
    const lines = await said(2000, ['--max-connections=3000', '--workers=2']);
    expect(lines).not.toContain('level=warn');
    expect(lines).toMatch(/responder listens.*maxConnections=3000/);
  });
});
