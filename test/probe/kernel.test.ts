/** Keepalives are judged by the kernel's table. */
import { expect, it } from 'vitest';
import { socketOptions } from '../../src/net/socket-options/library.js';
import { testOnTheKernel } from './kernel.cases.js';

it('nothing has switched socket options on', () => {
  expect(socketOptions()).toEqual({ available: false, why: 'switched_off' });
});

testOnTheKernel();
