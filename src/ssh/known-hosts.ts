/**
 * The host keys that a user trusts, as OpenSSH keeps them: plain and hashed names, ports, wildcards, `@revoked`.
 * Certificates of host keys (`@cert-authority`) are not understood and vouch for nobody here.
 * @see sshd(8), SSH_KNOWN_HOSTS FILE FORMAT
 */
import { createHmac } from 'node:crypto';

/**
 * What is known of the key that a server showed:
 * - `changed`: other keys are known of that server, and not this one.
 * - `revoked`: the key is marked as never to be trusted.
 */
export type HostKeyStanding = 'known' | 'unknown' | 'changed' | 'revoked';

interface Entry {
  readonly marker: string;
  readonly names: string;
  readonly type: string;
  readonly key: Buffer;
}

/** The name under which a server stands in the files. */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** The type of a key in the encoding of RFC 4253 section 6.6: `ssh-ed25519`; empty where it is none. */
export function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return length > 64 ? '' : key.subarray(4, 4 + length).toString('latin1');
}

/** The line that makes a key known. */
export function knownHostLine(name: string, key: Buffer): string {
  return `${name} ${keyType(key)} ${key.toString('base64')}\n`;
}

export class KnownHosts {
  readonly #entries: readonly Entry[];

  /** @param texts the contents of the files */
  constructor(texts: readonly string[]) {
    this.#entries = texts.flatMap((text) => text.split('\n')).flatMap(entryOf);
  }

  /** The types of the keys that are known of a server: the ones to ask it for. */
  typesOf(name: string): readonly string[] {
    return [...new Set(this.#trusted(name).map(({ type }) => type))];
  }

  standingOf(name: string, key: Buffer): HostKeyStanding {
    const isRevoked = this.#entries.some(
      ({ marker, names, key: revoked }) =>
        marker === '@revoked' && revoked.equals(key) && matches(names, name),
    );
    if (isRevoked) return 'revoked';
    const trusted = this.#trusted(name);
    if (trusted.some(({ key: known }) => known.equals(key))) return 'known';
    return trusted.length === 0 ? 'unknown' : 'changed';
  }

  #trusted(name: string): readonly Entry[] {
    return this.#entries.filter(({ marker, names }) => marker === '' && matches(names, name));
  }
}

function entryOf(line: string): Entry[] {
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') === true ? (words.shift() ?? '') : '';
  const [names = '', type = '', key = ''] = words;
  if (names === '' || names.startsWith('#') || key === '') return [];
  return [{ marker, names, type, key: Buffer.from(key, 'base64') }];
}

/** Whether the first field of a line means a server: one pattern matches, and none that is negated. */
function matches(names: string, name: string): boolean {
  if (names.startsWith('|1|')) return matchesHash(names, name);
  const patterns = names.toLowerCase().split(',');
  const matched = (pattern: string): boolean => wildcards(pattern).test(name);
  if (patterns.some((pattern) => pattern.startsWith('!') && matched(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matched(pattern));
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
function matchesHash(field: string, name: string): boolean {
  const [, , salt = '', hash = ''] = field.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function wildcards(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}
