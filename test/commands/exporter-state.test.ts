import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateDirectory } from '../../src/commands/exporter-state.js';
import { countOpenDescriptors } from '../../src/descriptors.js';
import { createLogger } from '../../src/log.js';
import { DirectoryHeld, lockDirectory } from '../../src/net/directory-lock.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'state-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('StateDirectory', () => {
  it.runIf(process.platform === 'linux')(
    'accounts for what it holds open, or a reload that names one would look like a leak',
    async () => {
      const state = new StateDirectory('config.yaml', createLogger({ level: 'error', format: 'logfmt' }));
      const grown = async (): Promise<number> => (await countOpenDescriptors()) - before;
      const before = await countOpenDescriptors();
      expect(state.descriptors()).toBe(0);
      const follow = async (...directories: readonly (string | undefined)[]): Promise<void> => {
        for (const state_dir of directories) await state.apply(state_dir === undefined ? {} : { state_dir });
        await state.settle();
      };
      await follow(directory);
      expect([state.descriptors(), await grown()]).toEqual([1, 1]);
      await follow(directory);
      expect([state.descriptors(), await grown()]).toEqual([1, 1]);
      // There and back: somebody else could not follow.
      await follow(undefined, directory);
      expect([state.descriptors(), await grown()]).toEqual([1, 1]);
      await follow(undefined);
      expect([state.descriptors(), await grown()]).toEqual([0, 0]);
      await state.close();
    },
  );

  it('holds the directory before until all have followed, and gives the other one back where they have not', async () => {
    const log = createLogger({ level: 'error', format: 'logfmt' });
    const state = new StateDirectory('config.yaml', log);
    const isFree = async (place: string): Promise<boolean> => {
      const lock = await lockDirectory(place).catch((error: unknown) => {
        if (error instanceof DirectoryHeld) return undefined;
        throw error;
      });
      await lock?.release();
      return lock !== undefined;
    };
    const [one, two] = [join(directory, 'one'), join(directory, 'two')];
    await state.apply({ state_dir: one });
    await state.settle();
    await state.apply({ state_dir: two });
    expect([await isFree(one), await isFree(two)]).toEqual([false, false]);
    await state.apply({ state_dir: one });
    await state.settle();
    expect([await isFree(one), await isFree(two)]).toEqual([false, true]);
    await state.apply({ state_dir: two });
    await state.settle();
    expect([await isFree(one), await isFree(two)]).toEqual([true, false]);
    await state.close();
    expect([await isFree(one), await isFree(two)]).toEqual([true, true]);
  });
});
