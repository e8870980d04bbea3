import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateDirectory } from '../../src/commands/exporter-state.js';
import { countOpenDescriptors } from '../../src/descriptors.js';
import { createLogger } from '../../src/log.js';

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
      await (await state.take(directory)).keep();
      expect([state.descriptors(), await grown()]).toEqual([1, 1]);
      await (await state.take(directory)).keep();
      expect([state.descriptors(), await grown()]).toEqual([1, 1]);
      await (await state.take(undefined)).undo();
      expect([state.descriptors(), await grown()]).toEqual([1, 1]);
      await (await state.take(undefined)).keep();
      expect([state.descriptors(), await grown()]).toEqual([0, 0]);
      await state.release();
    },
  );
});
