import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyType, knownHostLine, knownHostName, KnownHosts } from '../../src/ssh/known-hosts.js';
import { requires } from '../support/requires.js';

/** A key in the encoding of RFC 4253, of any type. */
function key(type: string, content: string): Buffer {
  const field = (text: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, Buffer.from(text)]);
  };
  return Buffer.concat([field(type), field(content)]);
}

const A = key('ssh-ed25519', 'a');
const B = key('ssh-ed25519', 'b');
const RSA = key('ssh-rsa', 'c');
const line = (name: string, of: Buffer): string => knownHostLine(name, of);

describe('KnownHosts', () => {
  it('names a server by its port unless it is 22', () => {
    expect(knownHostName('VPS.example', 22)).toBe('vps.example');
    expect(knownHostName('vps.example', 2222)).toBe('[vps.example]:2222');
    expect(keyType(A)).toBe('ssh-ed25519');
    expect(keyType(Buffer.from('nonsense'))).toBe('');
  });

  it('knows a key, tells another one of the same server, and one of a server of which nothing is known', () => {
    const hosts = new KnownHosts([`# mine\n\n${line('vps.example,192.0.2.1', A)}`]);
    expect(hosts.standingOf('vps.example', A)).toBe('known');
    expect(hosts.standingOf('192.0.2.1', A)).toBe('known');
    expect(hosts.standingOf('vps.example', B)).toBe('changed');
    // As OpenSSH does: a key of another type is another key.
    expect(hosts.standingOf('vps.example', RSA)).toBe('changed');
    expect(hosts.standingOf('other.example', A)).toBe('unknown');
    expect(hosts.standingOf('[vps.example]:2222', A)).toBe('unknown');
  });

  it('takes several keys of one server, from several files', () => {
    const hosts = new KnownHosts([line('vps.example', A), line('vps.example', RSA)]);
    expect(hosts.typesOf('vps.example')).toEqual(['ssh-ed25519', 'ssh-rsa']);
    expect(hosts.standingOf('vps.example', RSA)).toBe('known');
  });

  it('understands wildcards and what they leave out', () => {
    const hosts = new KnownHosts([line('*.example,!bad.example,192.0.2.?', A)]);
    expect(hosts.standingOf('vps.example', A)).toBe('known');
    expect(hosts.standingOf('192.0.2.7', A)).toBe('known');
    expect(hosts.standingOf('192.0.2.77', A)).toBe('unknown');
    expect(hosts.standingOf('bad.example', A)).toBe('unknown');
    // A dot is a dot.
    expect(hosts.standingOf('vpsxexample', A)).toBe('unknown');
  });

  it('never trusts a revoked key, whatever else is said of it', () => {
    const hosts = new KnownHosts([`${line('vps.example', A)}@revoked * ${line('', A).trim()}\n`]);
    expect(hosts.standingOf('vps.example', A)).toBe('revoked');
    expect(hosts.standingOf('other.example', A)).toBe('revoked');
    expect(hosts.standingOf('other.example', B)).toBe('unknown');
  });

  it('lets nobody vouch who is only trusted to sign', () => {
    const hosts = new KnownHosts([`@cert-authority *.example ${line('', A).trim()}\n`]);
    expect(hosts.standingOf('vps.example', A)).toBe('unknown');
  });
});

requires({ packages: ['openssh-server'] }).describe("KnownHosts on OpenSSH's own files", () => {
  it.each(['vps.example', '[vps.example]:2222', '192.0.2.1'])('finds %s by its hash', (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'known-'));
    const file = join(folder, 'known_hosts');
    writeFileSync(file, line(name, A) + line('other.example', B));
    spawnSync('ssh-keygen', ['-H', '-f', file]);
    const hashed = readFileSync(file, 'utf8');
    rmSync(folder, { recursive: true });
    expect(hashed).not.toContain('example');
    const hosts = new KnownHosts([hashed]);
    expect(hosts.standingOf(name, A)).toBe('known');
    expect(hosts.standingOf(name, B)).toBe('changed');
    expect(hosts.standingOf('third.example', A)).toBe('unknown');
  });
});
