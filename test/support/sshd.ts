/**
 * SSH servers for tests: Debian's sshd and Dropbear with keys, users and homes of their own. The users exist in the mount
 * namespace of the server alone; nothing of the machine is changed. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { eventually } from './sockets.js';

export const SSH_PORT = 2222;

/** Who can log in, with the one key of the test. */
export const SSH_USERS = {
  normal: { shell: '/bin/sh' },
  bash: { shell: '/bin/bash' },
  nologin: { shell: '/usr/sbin/nologin' },
  forced: { shell: '/bin/sh', command: '/bin/false' },
  sleeping: { shell: '/bin/sh', command: 'exec sleep 600' },
  /** After the login nobody speaks for it any more; the file names who was stopped. */
  hanging: {
    shell: '/bin/sh',
    command: 'echo $PPID >>$HOME/stopped; kill -s STOP $PPID; exec sleep 600',
  },
  sftp: { shell: '/bin/sh', command: 'internal-sftp' },
} as const satisfies Record<string, { readonly shell: string; readonly command?: string }>;

export type SshUser = keyof typeof SSH_USERS;

/** Above the ids of Debian's own and of people. */
const FIRST_UID = 100_000;

export interface SshServerFiles {
  /** What starts the server, to be run as root in any network namespace. */
  readonly argv: readonly string[];
  /** The key that it lets in, and one that it does not. */
  readonly identityFile: string;
  readonly strangerFile: string;
  /** Its host key as `known_hosts` has it, without the name. */
  readonly hostKey: string;
  /** What it has logged; into a file, for its sessions may outlive it and would hold a pipe. */
  readonly log: () => string;
  /** Waits until it listens. */
  readonly listening: () => Promise<void>;
  /** A file that trusts it under these names. */
  readonly trust: (...names: readonly string[]) => string;
}

export interface SshServerSettings {
  /** Lines of sshd_config. */
  readonly config?: readonly string[];
  readonly program?: 'sshd' | 'dropbear';
  readonly address?: string;
  readonly port?: number;
  /** Whether its programs find no /proc, as on other systems than Linux; they do unless given. */
  readonly hidesProc?: boolean;
}

function keygen(file: string): void {
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
}

/** Makes all that a server needs in a folder of the test's. */
export function prepareSshServer(folder: string, settings: SshServerSettings = {}): SshServerFiles {
  const { config = [], program = 'sshd', address = '0.0.0.0', port = SSH_PORT, hidesProc = false } = settings;
  chmodSync(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  for (const key of ['host_key', 'identity', 'stranger']) keygen(at(key));
  mkdirSync(at('keys'));
  // What its sessions leave when they are killed goes with the folder.
  mkdirSync(at('tmp'));
  chmodSync(at('tmp'), 0o1777);
  const publicKey = readFileSync(at('identity.pub'), 'utf8');
  // Servers that run at the same time have users of their own.
  const firstUid = FIRST_UID + Object.keys(SSH_USERS).length * randomInt(100_000);
  const passwd = ['root:x:0:0:root:/root:/bin/sh', 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin'];
  for (const [index, [name, user]] of Object.entries(SSH_USERS).entries()) {
    const uid = firstUid + index;
    const home = at(`home-${name}`);
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    const forced = 'command' in user ? `command="${user.command}" ` : '';
    for (const file of [at(`keys/${name}`), join(home, '.ssh/authorized_keys')])
      writeFileSync(file, forced + publicKey, { mode: 0o644 });
    for (const path of [home, join(home, '.ssh'), join(home, '.ssh/authorized_keys')])
      chownSync(path, uid, uid);
    passwd.push(`${name}:x:${uid}:${uid}::${home}:${user.shell}`);
  }
  writeFileSync(at('passwd'), `${passwd.join('\n')}\n`);
  writeFileSync(at('shadow'), passwd.map((line) => `${line.split(':')[0] ?? ''}:*:19000::::::\n`).join(''));
  const lines = [
    `Port ${port}`,
    `ListenAddress ${address}`,
    `HostKey ${at('host_key')}`,
    `AuthorizedKeysFile ${at('keys')}/%u`,
    'PidFile none',
    `SetEnv TMPDIR=${at('tmp')}`,
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
  ];
  // The first word on a setting counts.
  writeFileSync(at('sshd_config'), `${[...config, ...lines].join('\n')}\n`);
  if (program === 'dropbear')
    spawnSync('dropbearkey', ['-t', 'ed25519', '-f', at('dropbear_key')], { stdio: 'ignore' });
  const command =
    program === 'sshd'
      ? ['/usr/sbin/sshd', '-D', '-e', '-f', at('sshd_config')]
      : ['/usr/sbin/dropbear', '-F', '-E', '-s', '-p', `${address}:${port}`, '-r', at('dropbear_key')];
  const script = `
mount --bind ${at('passwd')} /etc/passwd && mount --bind ${at('shadow')} /etc/shadow &&
mount -t tmpfs tmpfs /run && mkdir /run/sshd &&
${hidesProc ? 'mount -t tmpfs tmpfs /proc &&' : ''} exec "$@" >/dev/null 2>>${at('log')}`;
  const hostKey =
    program === 'sshd' ? readFileSync(at('host_key.pub'), 'utf8') : dropbearKey(at('dropbear_key'));
  return {
    argv: ['unshare', '-m', 'sh', '-c', script, 'sh', ...command],
    identityFile: at('identity'),
    strangerFile: at('stranger'),
    hostKey: hostKey.split(' ').slice(0, 2).join(' ').trim(),
    log: () => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : ''),
    async listening() {
      await eventually(() => /listening on|Not backgrounding/.test(this.log()), 'the SSH server listens');
    },
    trust(...names) {
      const file = at('known_hosts');
      writeFileSync(file, names.map((name) => `${name} ${this.hostKey}\n`).join(''));
      return file;
    },
  };
}

function dropbearKey(file: string): string {
  const { stdout } = spawnSync('dropbearkey', ['-y', '-f', file], { encoding: 'utf8' });
  return stdout.split('\n').find((line) => line.startsWith('ssh-')) ?? '';
}

/** The programs of a user of the server, by their ids; a user's home is its alone, other than its number. */
export function programsOf(home: string): number[] {
  const ids = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      // What has ended has no environment any more.
      return readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0').includes(`HOME=${home}`);
    } catch {
      return false;
    }
  });
  return ids.map(Number);
}

/** The server's own processes that carry the sessions of these programs. */
export function sessionsOf(programs: readonly number[]): number[] {
  const parents = programs.map((id) =>
    Number(/\nPPid:\t(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]),
  );
  // A program's own children are no session.
  return [...new Set(parents)].filter((id) => !programs.includes(id));
}
