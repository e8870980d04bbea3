import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Kernel NATs in namespaces mostly wait; each has a path of its own, so many of them wait side by side.
    maxConcurrency: 40,
  },
});
