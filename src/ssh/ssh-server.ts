/** An SSH server as a target names it: where it is by the user's own configuration, whom it trusts, who logs in. */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { DEFAULT_SSH_PORT } from '../config/far-ends.js';
import { defined } from '../defined.js';
import { FILE_LIMITS, readRegularFile, whyUnreadable } from '../files.js';
import type { Seconds } from '../units.js';
import { visible } from '../visible.js';
import { atHome, type Home, ownHome, readClientConfig } from './client-config.js';
import { type Offer, offersOf } from './identities.js';
import { type HostKeyStanding, knownHostLine, knownHostName, KnownHosts } from './known-hosts.js';
import { login } from './login.js';
import { requireSsh } from './packages.js';
import { SshError } from './ssh-error.js';

/** The file that all users of a host share. */
const SHARED_KNOWN_HOSTS = '/etc/ssh/ssh_known_hosts';

/** What a target says of its server; the user's own configuration says the rest. */
export interface ServerSettings {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  readonly identity_file?: string;
  readonly known_hosts_file?: string;
}

export interface SshServerOptions {
  readonly settings: ServerSettings;
  /** Trusts the key of a server that nothing is known of, and notes it; otherwise such a server is refused. */
  readonly acceptNew?: boolean;
  /** Whose files are read; this process's user's unless given. */
  readonly home?: Home;
  /** `SSH_AUTH_SOCK` unless given. */
  readonly agentSocket?: string;
}

/** Where a server is and who logs in to it. */
interface Reach {
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
}

/** Files are read anew for each login: keys may be replaced while this runs. */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #home: Home;
  /** What came of logging in with these keys, which is not tried again until then. */
  #refused: { readonly keys: string; readonly until: Seconds; readonly error: SshError } | undefined;

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#home = options.home ?? ownHome();
  }

  /** @throws SshError for a configuration of the user's that cannot be followed, and where the packages are missing */
  get reach(): Reach {
    requireSsh('ssh2');
    const { host, port, user } = this.#options.settings;
    const said = readClientConfig(host, this.#home);
    return {
      hostName: said.hostName,
      port: port ?? said.port ?? DEFAULT_SSH_PORT,
      user: user ?? said.user ?? this.#home.user,
      identityFiles: said.identityFiles,
    };
  }

  /**
   * The keys that would be offered.
   * @param now monotonic seconds
   * @throws SshError where there is none, or a login with them was in vain before
   */
  async offers(now: Seconds): Promise<readonly Offer[]> {
    const { settings, agentSocket = process.env['SSH_AUTH_SOCK'] } = this.#options;
    const { identityFiles } = this.reach;
    const offers = await offersOf(
      defined({
        identityFile: settings.identity_file && atHome(settings.identity_file, this.#home),
        identityFiles,
        home: this.#home,
        agentSocket,
      }),
    );
    const refused = this.#refused;
    if (refused !== undefined && refused.keys === digestOf(offers) && now < refused.until)
      throw refused.error;
    return offers;
  }

  /**
   * Logs in over a stream that is connected to the server.
   * @param now monotonic seconds
   * @param signal aborted with the error of whoever does not wait any longer
   * @throws SshError
   */
  async login(stream: Duplex, offers: readonly Offer[], now: Seconds, signal: AbortSignal): Promise<Client> {
    const { hostName, port, user } = this.reach;
    const name = knownHostName(hostName, port);
    const files = this.#knownHostsFiles;
    try {
      return await login(stream, {
        server: `${this.#options.settings.host}:${port}`,
        username: user,
        offers,
        knownHosts: new KnownHosts(files.map(textOf)),
        knownName: name,
        unknownHostKey: (key) => this.#options.acceptNew === true && note(this.#ownFile, name, key),
        untrusted: (standing) => this.#untrusted(standing, { port, user }),
        signal,
      });
    } catch (error) {
      if (error instanceof SshError && error.rest !== undefined)
        this.#refused = { keys: digestOf(offers), until: now + error.rest, error };
      throw error;
    }
  }

  /** Where new keys are noted. */
  get #ownFile(): string {
    const { known_hosts_file: named } = this.#options.settings;
    return named === undefined ? join(this.#home.folder, '.ssh', 'known_hosts') : atHome(named, this.#home);
  }

  get #knownHostsFiles(): readonly string[] {
    const { known_hosts_file: named } = this.#options.settings;
    return named === undefined ? [this.#ownFile, SHARED_KNOWN_HOSTS] : [this.#ownFile];
  }

  #untrusted(
    standing: Exclude<HostKeyStanding, 'known'>,
    { port, user }: Pick<Reach, 'port' | 'user'>,
  ): string {
    // By the name that the user gave it, which a redacted report knows to leave out.
    const { host } = this.#options.settings;
    const server = `${host}:${port}`;
    switch (standing) {
      case 'unknown':
        return (
          `the host key of ${server} is not in ${this.#ownFile}: connect once with ` +
          `ssh -p ${port} ${visible(user)}@${host} and compare it, or give measure --accept-new-host-key`
        );
      case 'changed':
        return `the host key of ${server} is another one than ${this.#ownFile} has: somebody is in between, or the server was made anew`;
      case 'revoked':
        return `the host key of ${server} is marked @revoked in ${this.#ownFile}`;
    }
  }
}

/** Names a set of keys without holding on to them. */
function digestOf(offers: readonly Offer[]): string {
  const hash = createHash('sha256');
  for (const { id } of offers) hash.update(id).update('\0');
  return hash.digest('hex');
}

/** @throws SshError where it is there and cannot be read */
function textOf(file: string): string {
  try {
    return readRegularFile(file, FILE_LIMITS.config).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new SshError(`${file} cannot be read: ${whyUnreadable(error)}`);
  }
}

/** Adds a key to a file of known hosts. @returns whether it could be */
function note(file: string, name: string, key: Buffer): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const text = textOf(file);
    const gap = text === '' || text.endsWith('\n') ? '' : '\n';
    appendFileSync(file, gap + knownHostLine(name, key), { mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}
