import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/support/skips.js';
import { SlowestReporter } from './test/support/slowest.js';

/** Suites on real kernels, daemons, browsers, compilers and clocks: their moments matter, so nothing runs beside them. */
const REAL = ['netns', 'e2e', 'browser', 'embedded', 'recipes'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** Runs for its time beside the unit tests: it counts what is left over, and no moment of it matters. */
const SOAK = 'test/soak/**/*.test.ts';

/** Half of the unit tests' time is waiting: more files at once than there are cores. */
const UNIT_WORKERS = 4;

export default defineConfig({
  test: {
    reporters: ['default', new SlowestReporter(), new SkipReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...REAL, SOAK],
          // Not a measure of speed: the machine may be busy with other things.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Tests that are marked as concurrent only wait.
          maxConcurrency: 40,
          maxWorkers: UNIT_WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'soak',
          include: [SOAK],
          maxWorkers: UNIT_WORKERS,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'real',
          include: REAL,
          fileParallelism: false,
          // Kernel NATs in namespaces mostly wait; each has a path of its own, so many of them wait side by side.
          maxConcurrency: 40,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
