import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Not a measure of speed: the machine may be busy with other things.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Kernel NATs in namespaces mostly wait; each has a path of its own, so many of them wait side by side.
    maxConcurrency: 40,
  },
});
