import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';
import { SkipReporter } from './test/support/skips.js';
import { SlowestReporter } from './test/support/slowest.js';

/** Suites on real kernels, daemons, browsers and compilers. */
const REAL = ['netns', 'e2e', 'browser', 'embedded', 'recipes'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** Start programs of their own, or wait for real time to pass, anywhere in the tree. */
const PROCESS = 'test/**/*.process.test.ts';

/** Thousands of simulated paths and days in the pure core: a core for minutes, while the others wait. */
const SIMULATION = 'test/**/*.simulation.test.ts';

/** Read the sources, dashboards and manifests themselves: the same on every version of Node. */
const REPOSITORY = 'test/**/*.repository.test.ts';

/** Runs for its time beside the others: it counts what is left over, and no moment of it matters. */
const SOAK = 'test/soak/**/*.test.ts';

/** Half of these tests' time is waiting: more files at once than there are cores. */
const UNIT_WORKERS = 5;
const WAITING_WORKERS = 5;

/** What mostly waits runs side by side, after the unit tests: a test has namespaces or free ports of its own. */
const waiting = { maxWorkers: WAITING_WORKERS, maxConcurrency: 40, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new SlowestReporter(), new SkipReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...REAL, PROCESS, SIMULATION, REPOSITORY, SOAK],
          // Not a measure of speed: the machine may be busy with other things.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: UNIT_WORKERS,
          maxConcurrency: 40,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'process',
          include: [PROCESS],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...waiting,
        },
      },
      {
        test: {
          name: 'simulation',
          include: [SIMULATION],
          // Not a measure of speed either.
          testTimeout: 180_000,
          hookTimeout: 60_000,
          ...waiting,
        },
      },
      {
        test: {
          name: 'repository',
          include: [REPOSITORY],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...waiting,
        },
      },
      {
        test: {
          name: 'soak',
          include: [SOAK],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          ...waiting,
        },
      },
      {
        test: {
          name: 'real',
          include: REAL,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...waiting,
        },
      },
    ],
  },
});
