/** What nobody foresaw must not look like the answer of a command that answers by its exit code. */
import { expect, it } from 'vitest';
import { program } from '../support/program.js';

/** A fault in whatever comes after the command line is read. */
const FAULT =
  'data:text/javascript,globalThis.AbortController=class{constructor(){throw/**/new/**/TypeError(`unforeseen`)}}';
const env = { NODE_OPTIONS: `--import=${FAULT}` };

it.each([
  ['measure', ['measure', 'embedded']],
  ['remeasure', ['remeasure', 'home']],
  ['audit', ['audit', '--prometheus=http://127.0.0.1:9']],
] as const)('%s exits with 3', async (_, args) => {
  const ran = program(args, { env });
  expect((await ran.exited).code).toBe(3);
  expect(ran.stderr).toContain('unforeseen');
});
