import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const CLAIMER = fileURLToPath(new URL('../support/lock-claimer.ts', import.meta.url));
/** What tells a claimer to give back what it holds. */
const GIVE_BACK = '';
const PROCESSES = 5;
const ROUNDS = 30;

/** The socket of a holder that is gone. */
async function deadLock(path: string): Promise<string> {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', program]), 'exit');
  return path;
}

it('is given to one of many processes that find a dead holder at the same moment', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lock-'));
  const directory = join(root, 'state');
  await mkdir(directory);
  const claimers = Array.from({ length: PROCESSES }, () =>
    fork(CLAIMER, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const tell = (message: string): Promise<string[]> =>
    Promise.all(
      claimers.map(async (claimer) => {
        const answer = once(claimer, 'message') as Promise<[string]>;
        claimer.send(message);
        return (await answer)[0];
      }),
    );
  try {
    const dead = await deadLock(join(root, 'dead'));
    await Promise.all(claimers.map((claimer) => once(claimer, 'message')));
    for (let round = 0; round < ROUNDS; round++) {
      await link(dead, join(directory, '.lock'));
      const said = await tell(directory);
      expect(
        said.filter((word) => word === 'held'),
        said.join('\n'),
      ).toHaveLength(1);
      await tell(GIVE_BACK);
      expect(await readdir(directory)).toEqual([]);
    }
  } finally {
    for (const claimer of claimers) claimer.kill('SIGKILL');
    await rm(root, { recursive: true, force: true });
  }
});
