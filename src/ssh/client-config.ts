/**
 * What `~/.ssh/config` says of a host: `HostName`, `Port`, `User` and `IdentityFile`, by the library `ssh-config`.
 * Nothing of it is ever executed; what would lead over another path is refused.
 * @see ssh_config(5)
 */
import { readdirSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type SSHConfig from 'ssh-config';
import { defined } from '../defined.js';
import { FILE_LIMITS, readRegularFile, whyUnreadable } from '../files.js';
import { visible } from '../visible.js';
import { requireSsh } from './packages.js';
import { SshError } from './ssh-error.js';

/** Where a user's own files are, and who that is. */
export interface Home {
  readonly folder: string;
  readonly user: string;
}

/** A host as the user's own configuration has it. */
export interface ClientConfig {
  /** What leads to it: a name or an address. */
  readonly hostName: string;
  readonly port?: number;
  readonly user?: string;
  /** Absolute paths, in their order; empty where it names none. */
  readonly identityFiles: readonly string[];
}

/** Files that include each other end somewhere. */
const DEEPEST_INCLUDE = 16;

/** What is read of a section; anything else, what the library would run a program for above all, is left out. */
const READ = /^(host|match|include|hostname|port|user|identityfile|proxyjump|proxycommand)$/i;

/** The home of whoever runs this program; one without a name in the user database has that of its environment. */
export function ownHome(): Home {
  try {
    return { folder: homedir(), user: userInfo().username };
  } catch {
    return { folder: homedir(), user: process.env['USER'] ?? '' };
  }
}

/**
 * Reads the user's configuration.
 * @throws SshError for what cannot be read, and for a jump
 */
export function readClientConfig(host: string, home: Home = ownHome()): ClientConfig {
  const file = join(home.folder, '.ssh', 'config');
  const config = parsed(file, home, 0);
  if (config === undefined) return { hostName: host, identityFiles: [] };
  const said = config.compute({ Host: host }, { ignoreCase: true, matchExec: false });
  for (const [key, name] of [
    ['proxyjump', 'ProxyJump'],
    ['proxycommand', 'ProxyCommand'],
  ] as const)
    if (said[key] !== undefined && String(said[key]) !== 'none')
      throw new SshError(
        `${file} reaches ${visible(host)} by ${name}: a jump is another path, and only a direct one can be measured`,
      );
  const { hostname, port, user, identityfile = [] } = said;
  const hostName = hostname === undefined ? host : expanded(String(hostname), { h: host }, file);
  const tokens = { h: hostName, d: home.folder, u: home.user, r: String(user ?? home.user) };
  return defined({
    hostName,
    port: port === undefined ? undefined : portOf(String(port), file),
    user: user === undefined ? undefined : String(user),
    identityFiles: [identityfile]
      .flat()
      .filter((path) => path !== 'none')
      .map((path) => resolve(join(home.folder, '.ssh'), atHome(expanded(path, tokens, file), home))),
  });
}

/** The file with all that it includes; undefined where there is none. */
function parsed(file: string, home: Home, depth: number): SSHConfig | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;
  const { SSHConfig } = requireSsh('ssh-config');
  let config: SSHConfig;
  try {
    config = SSHConfig.parse(text);
  } catch (error) {
    throw new SshError(`${file} cannot be read: ${visible(error instanceof Error ? error.message : '')}`);
  }
  const kept = new SSHConfig();
  for (const line of config) {
    if (!('param' in line) || !READ.test(line.param)) continue;
    if (/^include$/i.test(line.param)) {
      if (depth === DEEPEST_INCLUDE) throw new SshError(`${file} includes itself`);
      for (const included of filesOf(valuesOf(line.value), home))
        kept.push(...(parsed(included, home, depth + 1) ?? []));
      continue;
    }
    if ('config' in line) {
      const inner = line.config.filter((each) => 'param' in each && READ.test(each.param));
      if (inner.some((each) => 'param' in each && /^include$/i.test(each.param)))
        throw new SshError(`${file} has an Include inside of a section, which is not read`);
      line.config.splice(0, line.config.length, ...inner);
    }
    kept.push(line);
  }
  return kept;
}

function textOf(file: string): string | undefined {
  try {
    return readRegularFile(file, FILE_LIMITS.config).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SshError(`${file} cannot be read: ${whyUnreadable(error)}`);
  }
}

function valuesOf(value: string | readonly { readonly val: string }[]): readonly string[] {
  return typeof value === 'string' ? [value] : value.map(({ val }) => val);
}

/** The files that an `Include` means; wildcards only in their names. */
function filesOf(patterns: readonly string[], home: Home): string[] {
  return patterns.flatMap((pattern) => {
    const path = resolve(join(home.folder, '.ssh'), atHome(pattern, home));
    if (!/[*?]/.test(basename(path))) return [path];
    const source = basename(path)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    try {
      const names = readdirSync(dirname(path)).filter((name) => new RegExp(`^${source}$`).test(name));
      return names.sort().map((name) => join(dirname(path), name));
    } catch {
      return [];
    }
  });
}

/** A path with its `~` written out. */
export function atHome(path: string, { folder }: Home): string {
  return path.replace(/^~(?=\/|$)/, folder);
}

/** Writes the tokens out: `%h` and the like. @throws SshError for those that are not known here */
function expanded(text: string, tokens: Readonly<Record<string, string>>, file: string): string {
  return text.replace(/%(.?)/g, (written, token: string) => {
    const value = token === '%' ? '%' : tokens[token];
    if (value === undefined)
      throw new SshError(`${file} has ${visible(written)} in ${visible(text)}, which is not understood`);
    return value;
  });
}

function portOf(text: string, file: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new SshError(`${file} has the port ${visible(text)}`);
  return port;
}
