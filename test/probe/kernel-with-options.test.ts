/** Keepalives are judged by what the kernel says of the very connection. */
import { beforeAll, describe, expect } from 'vitest';
import { enableSocketOptions } from '../../src/net/socket-options/library.js';
import { testOnTheKernel } from './kernel.cases.js';

describe.runIf(process.platform === 'linux')('with socket options', () => {
  beforeAll(async () => {
    expect(await enableSocketOptions()).toEqual({ available: true });
  });

  testOnTheKernel();
});
