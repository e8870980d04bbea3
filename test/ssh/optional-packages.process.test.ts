/** Without the optional packages everything but the protocol `ssh` works, and that says what is missing. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { program } from '../support/program.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

/** What `npm ci --omit=optional` leaves: the program, and every package but these. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'omitted-'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== 'ssh2' && name !== 'ssh-config')
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  [['--help'], 0, /Usage: nat-idle-exporter/],
  [['measure', 'embedded', '--max-idle=2s', '--mode=send'], 3, /survived|No verdict/],
  [
    ['measure', 'ssh://vps.example', '--max-idle=2s', '--quiet'],
    2,
    /HOST\[:PORT\]: protocol ssh needs the optional package ssh2, which is not installed here/,
  ],
] as const)('%s', { timeout: 60_000 }, async (args, code, says) => {
  const home = join(folder, 'home');
  const ran = program(args, { env: { HOME: home, SSH_AUTH_SOCK: undefined } }, join(folder, 'dist/main.js'));
  const { code: ended } = await ran.exited;
  expect(`${ran.stdout}${ran.stderr}`.replace(/\s+/g, ' ')).toMatch(says);
  expect(ended).toBe(code);
});
