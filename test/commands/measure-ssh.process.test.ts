import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { program } from '../support/program.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'home-'));
  mkdirSync(join(home, '.ssh'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** What `measure` says on standard error, and how it ends. */
async function measure(...args: readonly string[]): Promise<{ code: number | null; said: string }> {
  const env = { HOME: home, SSH_AUTH_SOCK: undefined };
  const ran = program(['measure', ...args, '--max-idle=2s', '--quiet'], { env });
  const { code } = await ran.exited;
  return { code, said: `${ran.stdout}${ran.stderr}` };
}

it.each(['ProxyJump gate', 'ProxyCommand nc %h %p'])('%s is a usage error of one line', async (jump) => {
  writeFileSync(join(home, '.ssh/config'), `Host vps\n  ${jump}\n`);
  const { code, said } = await measure('ssh://vps');
  expect(said).toBe(
    `command line: HOST[:PORT]: ${join(home, '.ssh/config')} reaches vps by ${jump.split(' ')[0] ?? ''}: ` +
      'a jump is another path, and only a direct one can be measured\n',
  );
  expect(code).toBe(2);
});

it('without a key it says at once where keys were looked for', { timeout: 25_000 }, async () => {
  writeFileSync(join(home, '.ssh/config'), 'Host vps\n  HostName 127.0.0.1\n');
  const { code, said } = await measure('ssh://vps:1');
  expect(said.replace(/\s+/g, ' ')).toContain(
    `The far end does not answer: there is no key to log in with: neither an agent nor one of ${home}/.ssh/id_ed25519, ` +
      `${home}/.ssh/id_ecdsa, ${home}/.ssh/id_rsa (set --identity-file).`,
  );
  expect(code).toBe(3);
});
