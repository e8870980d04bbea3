/** The configuration of whoever has none yet: the built-in target, which shows what results look like. */
import type { Config } from './config.js';
import { EMBEDDED_TARGET_NAME } from './far-ends.js';
import { checkConfig } from './load.js';

/** Nothing of it needs a network or writes a file. */
export function demoConfig(): Config {
  const target = { name: EMBEDDED_TARGET_NAME, embedded: {}, search: { deadline: '2s' } };
  return checkConfig({ targets: [target] }, 'demonstration');
}
