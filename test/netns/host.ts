/**
 * Where the namespaces live: on the machine itself for root, else inside one user namespace of ours. Either way
 * nothing is left behind, not even after SIGKILL of the test process: a janitor process waits for our end.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { isRoot } from './requirements.js';

/** What a lab is: one box or two between client and server, or a chain of them. */
export type LabPrefix = 'natlab' | 'ch';

/** Every namespace is called `<prefix>-<pid of the test process>-<number>-<place>`. */
const NAME = /^(?:natlab|ch)-(\d+)-\d+-\w+$/;

let labs = 0;
let opened: Promise<void> | undefined;
let holderPid: number | undefined;

/** A name prefix that no other lab has. */
export function nextLabName(prefix: LabPrefix = 'natlab'): string {
  labs += 1;
  return `${prefix}-${process.pid}-${labs}`;
}

/** Puts `argv` where the namespaces can be seen. */
export function onHost(argv: readonly string[], cwd = process.cwd()): string[] {
  if (holderPid === undefined) return [...argv];
  const enter = ['nsenter', '-t', String(holderPid), '-U', '-m', '-n', '--preserve-credentials', '--'];
  // Entering a mount namespace leaves one in its root directory.
  return [...enter, 'env', '-C', cwd, ...argv];
}

/**
 * Puts `argv` into a namespace. The last link of the chain asks the kernel to kill the process when its parent
 * dies; no link forks, so that the pid that is spawned is the pid of the command.
 */
export function inNamespace(namespace: string, argv: readonly string[], cwd?: string): string[] {
  const enter = ['nsenter', `--net=/run/netns/${namespace}`, '--'];
  return onHost([...enter, 'setpriv', '--pdeathsig', 'KILL', '--', ...argv], cwd);
}

/**
 * Makes the place for namespaces once per test process.
 * @throws when an unprivileged user namespace cannot be made
 */
export function openHost(): Promise<void> {
  opened ??= open();
  return opened;
}

async function open(): Promise<void> {
  if (isRoot()) {
    reapStale();
    // Reads its stdin until we are gone, whatever ended us, then removes what we left.
    const janitor = spawn(
      'sh',
      ['-c', `cat > /dev/null\n${removalScript(`\\(natlab\\|ch\\)-${process.pid}-`)}`],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      },
    );
    unreference(janitor);
    return;
  }
  // The holder's end takes the mount namespace, the bind mounts and so the network namespaces with it.
  const holder = spawn('unshare', ['-Urnm', 'sh', '-ec', 'mount -t tmpfs tmpfs /run; echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => {
      resolve();
    });
    holder.once('exit', (code) => {
      reject(new Error(`unshare -Urnm ended with ${String(code)}`));
    });
  });
  holderPid = holder.pid;
  unreference(holder);
}

/** Lets the event loop end while the janitor waits; its stdin closes with our process. */
function unreference(child: ChildProcess): void {
  child.unref();
  // The pipes of a child are sockets, although their type does not say so.
  for (const stream of [child.stdin, child.stdout]) if (stream instanceof Socket) stream.unref();
}

/** Shell text that ends the processes in, and deletes, every namespace whose name begins with `prefix`. */
export function removalScript(prefix: string): string {
  return `
for name in $(ip netns list | cut -d ' ' -f 1 | grep "^${prefix}"); do
  for pid in $(ip netns pids "$name"); do kill -KILL "$pid" || true; done
  ip netns delete "$name"
done`;
}

/**
 * Removes the namespaces of test processes that no longer live.
 * @returns the names that were removed
 */
export function reapStale(): string[] {
  const list = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout;
  const stale = list
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => {
      const pid = NAME.exec(name)?.[1];
      return pid !== undefined && !existsSync(`/proc/${pid}`);
    });
  for (const name of stale) spawnSync('sh', ['-c', removalScript(`${name}$`)], { stdio: 'ignore' });
  return stale;
}
