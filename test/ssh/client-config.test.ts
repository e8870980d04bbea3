import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readClientConfig } from '../../src/ssh/client-config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'home-'));
  mkdirSync(join(folder, '.ssh/config.d'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (text: string, file = 'config'): void => writeFileSync(join(folder, '.ssh', file), text);
const read = (host: string) => readClientConfig(host, { folder, user: 'me' });

describe('readClientConfig()', () => {
  it('leaves a host alone of which nothing is said', () => {
    expect(read('vps.example')).toEqual({ hostName: 'vps.example', identityFiles: [] });
    write('Host other\n  Port 7\n');
    expect(read('vps.example')).toEqual({ hostName: 'vps.example', identityFiles: [] });
  });

  it('reads where a host is, who logs in and with which keys; the first word on a thing counts', () => {
    write(`
Host vps
  HostName %h.example.org
  Port 2222
  User probe
  IdentityFile ~/.ssh/%h_%r
Host *
  User nobody
  IdentityFile "/etc/keys/the one"
  ServerAliveInterval 60
`);
    expect(read('vps')).toEqual({
      hostName: 'vps.example.org',
      port: 2222,
      user: 'probe',
      identityFiles: [join(folder, '.ssh/vps.example.org_probe'), '/etc/keys/the one'],
    });
  });

  it('follows includes', () => {
    write('Include config.d/*\nHost *\n  Port 22\n');
    write('Host vps\n  Port 2222\n', 'config.d/one');
    write('Host vps\n  User probe\n  Port 3333\n', 'config.d/two');
    expect(read('vps')).toMatchObject({ port: 2222, user: 'probe' });
    write('Include config\n');
    expect(() => read('vps')).toThrow('includes itself');
    write('Host vps\n  Include config.d/one\n');
    expect(() => read('vps')).toThrow('has an Include inside of a section');
  });

  it.each(['ProxyJump gate.example', 'ProxyCommand ssh -W %h:%p gate.example', 'proxyjump gate'])(
    'refuses a jump: %s',
    (jump) => {
      write(`Host vps\n  ${jump}\n`);
      expect(() => read('vps')).toThrow('a jump is another path, and only a direct one can be measured');
      expect(read('other')).toEqual({ hostName: 'other', identityFiles: [] });
    },
  );

  it('takes ProxyJump none for what it is', () => {
    write('Host vps\n  ProxyJump none\nHost *\n  ProxyJump gate\n');
    expect(read('vps')).toMatchObject({ hostName: 'vps' });
  });

  it('executes nothing', () => {
    const proof = join(folder, 'proof');
    write(`
Match host vps exec "touch ${proof}"
  Port 2222
Host vps
  CanonicalizeHostname yes
  CanonicalDomains example.org
  ProxyCommand none
  KnownHostsCommand /usr/bin/touch ${proof}
  User probe
`);
    expect(read('vps')).toEqual({ hostName: 'vps', user: 'probe', identityFiles: [] });
    expect(existsSync(proof)).toBe(false);
  });

  it.each(['host vps exec "%"', 'exec "%"', '!exec "%"', 'host vps !exec "%"', 'host=vps exec="%"'])(
    'takes a section with Match %s for one that does not hold',
    (criteria) => {
      const proof = join(folder, 'proof');
      write(`Match ${criteria.replace('%', `touch ${proof}`)}\n  Port 2222\nHost vps\n  User probe\n`);
      expect(read('vps')).toEqual({ hostName: 'vps', user: 'probe', identityFiles: [] });
      expect(existsSync(proof)).toBe(false);
    },
  );

  it('says what it cannot read', () => {
    write('Host vps\n  Port many\n');
    expect(() => read('vps')).toThrow(`${join(folder, '.ssh/config')} has the port many`);
    write('Host vps\n  IdentityFile ~/%C\n');
    expect(() => read('vps')).toThrow('has %C in ~/%C, which is not understood');
    write('Host vps\n  IdentityFile "open\n');
    expect(() => read('vps')).toThrow(/config cannot be read: /);
  });
});
