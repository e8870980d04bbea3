/** Logs in to an SSH server over a stream that is open already: its host key first, then our keys. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import type { Seconds } from '../units.js';
import { visible } from '../visible.js';
import type { Offer } from './identities.js';
import { keyType, type HostKeyStanding, type KnownHosts } from './known-hosts.js';
import { requireSsh } from './packages.js';
import { SshError } from './ssh-error.js';

export interface LoginOptions {
  /** How messages call the server: `vps.example:22`. */
  readonly server: string;
  readonly username: string;
  readonly offers: readonly Offer[];
  readonly knownHosts: KnownHosts;
  /** Its name in them. */
  readonly knownName: string;
  /** Told of a key that nothing is known of. @returns whether to trust it from now on */
  readonly unknownHostKey: (key: Buffer) => boolean;
  /** What to say of a server whose key is not to be trusted. */
  readonly untrusted: (standing: Exclude<HostKeyStanding, 'known'>) => string;
  /** Aborted when nobody waits any more; its reason is the error. */
  readonly signal: AbortSignal;
}

/** What fits into one packet that everybody has to take. @see RFC 4253 section 6.1 */
const LONGEST_BANNER = '32 KiB';

/** Keys that were refused are not offered again for this long, unless they are other ones, seconds. */
const REFUSED_FOR: Seconds = 3600;
/** A server that nobody can log in to as it is may be another one after so long, seconds. */
const IN_VAIN = { rest: 600 as Seconds, remedy: 'host' } as const;
/** What ssh2 says where the connection is closed before its first message: by a server that is busy, for instance. */
const LOST = 'Connection lost before handshake';
/** What ssh2 says of a first line that is none of SSH. */
const NO_SSH = /^(?:Invalid identification string|Invalid header|Header line too long|Max greeting lines)/;
/**
 * First words of servers that would wait for ever: HTTP, SMTP or FTP, POP, IMAP, VNC, the responder; and SSH 1. Whatever
 * else comes before the version may be a greeting, or why a busy server hangs up. @see RFC 4253 section 4.2
 */
const OTHER_PROTOCOL = /^(?:HTTP\/|220[ -]|\+OK|\* (?:OK|BYE)|RFB |ERROR code=|SSH-(?!2\.0-|1\.99-))/;
/** Characters of what a server says that are repeated. */
const LONGEST_QUOTE = 60;

/** Algorithms for host keys, the best first. */
const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

function closedEarly(server: string): string {
  return `${server} closed the connection before the login`;
}

/** Waits for the first line of somebody who speaks another protocol. @throws SshError */
function otherProtocol(stream: Duplex, server: string): Promise<never> {
  return new Promise((_, reject) => {
    let first = '';
    const hear = (chunk: Buffer): void => {
      first += chunk.toString('latin1', 0, LONGEST_QUOTE);
      const [line = ''] = first.split(/[\r\n]/);
      const isWhole = line !== first || first.length >= LONGEST_QUOTE;
      if (!isWhole) return;
      stream.off('data', hear);
      if (!OTHER_PROTOCOL.test(line)) return;
      const quote = visible(line.slice(0, LONGEST_QUOTE));
      const what = line.startsWith('SSH-') ? 'speaks no SSH 2' : 'is no SSH server';
      reject(new SshError(`${server} ${what}: it says "${quote}"`, IN_VAIN));
    };
    stream.on('data', hear);
  });
}

/** Those that show a key of a type that is known come first: one server has a key of each type. */
function algorithmsFor(types: readonly string[]): readonly string[] {
  const isKnown = (algorithm: string): boolean =>
    types.includes(algorithm) || (algorithm.startsWith('rsa-') && types.includes('ssh-rsa'));
  return [
    ...HOST_KEY_ALGORITHMS.filter(isKnown),
    ...HOST_KEY_ALGORITHMS.filter((algorithm) => !isKnown(algorithm)),
  ];
}

/**
 * @returns the client, logged in
 * @throws SshError; the stream is of no use afterwards
 */
export async function login(stream: Duplex, options: LoginOptions): Promise<Client> {
  const { server, username, offers, knownHosts, knownName, signal } = options;
  const { Client: SshClient } = requireSsh('ssh2');
  const client = new SshClient();
  // What goes wrong after the login is told by the end of the stream.
  client.on('error', () => undefined);
  const left = [...offers];
  let standing: HostKeyStanding = 'known';
  let offered = false;
  const ready = once(client, 'ready', { signal });
  client.connect({
    sock: stream,
    username,
    readyTimeout: 0,
    keepaliveInterval: 0,
    algorithms: { serverHostKey: algorithmsFor(knownHosts.typesOf(knownName)) },
    hostVerifier: (key) => {
      standing = keyType(key) === '' ? 'unknown' : knownHosts.standingOf(knownName, key);
      return standing === 'known' || (standing === 'unknown' && options.unknownHostKey(key));
    },
    authHandler: () => {
      offered = true;
      return left.shift()?.with(username) ?? false;
    },
  });
  try {
    const closed = once(stream, 'close', { signal }).then(() => {
      throw new SshError(closedEarly(server));
    });
    await Promise.race([ready, closed, otherProtocol(stream, server)]);
    return client;
  } catch (error) {
    throw failure(error);
  }

  function failure(error: unknown): SshError {
    if (error instanceof SshError) return error;
    if (signal.aborted)
      return signal.reason instanceof SshError ? signal.reason : new SshError(`${server}: called off`);
    if (standing !== 'known' && !offered)
      return new SshError(options.untrusted(standing), { remedy: 'known_hosts_file' });
    const { message, level } = error as Error & { level?: string };
    if (level === 'client-authentication')
      return new SshError(
        `${server} accepted no key for ${visible(username)}: offered were ${offers.map(({ name }) => name).join(', ')}`,
        { rest: REFUSED_FOR, remedy: 'identity_file' },
      );
    if (message === 'Bad packet length')
      return new SshError(
        `${server} sends a longer message than SSH allows (a banner of more than ${LONGEST_BANNER}?)`,
        IN_VAIN,
      );
    if (message === LOST) return new SshError(closedEarly(server));
    if (NO_SSH.test(message))
      return new SshError(`${server} is no SSH server (${message.toLowerCase()})`, IN_VAIN);
    const [, lacking] = /no matching (?:[CS]->[CS] )?(.*)$/.exec(message) ?? [];
    if (lacking !== undefined)
      return new SshError(
        `${server} cannot be logged in to: it has no ${visible(lacking)} in common with this program`,
        IN_VAIN,
      );
    return new SshError(`${server} cannot be logged in to: ${visible(message).slice(0, 200)}`);
  }
}
