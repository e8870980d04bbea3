/**
 * An SSH server as far end beside the responder: how long `measure` takes behind a kernel NAT, in labs side by side, and
 * what a connection that idles costs at both ends. Needs root and openssh-server.
 */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock.js';
import type { TargetConfig } from '../src/config/config.js';
import { openPath } from '../src/probe/far-ends/index.js';
import type { ProbeConnection } from '../src/probe/path.js';
import { documentSchema } from '../src/report/report-document.js';
import { createLab, SERVER } from '../test/netns/lab.js';
import { LabProcess } from '../test/netns/process.js';
import { startSshFarEnd } from '../test/netns/ssh-far-end.js';
import { prepareSshServer } from '../test/support/sshd.js';
import { table, writeSection } from './document.js';
import { privateBytes, startResponderProgram } from './responder/processes.js';

/** Seconds. */
const IDLE_TIMEOUT = 60;
const SEARCH = ['--max-idle=90s', '--resolution=2s', '--deadline=2s'];
/** npm runs its scripts in the folder of the package. */
const PROGRAM = join(process.cwd(), 'dist/main.js');
/** Connections that are counted, after some that pay for what all share. */
const COUNTED = 40;
const BEFORE = 10;

interface Run {
  readonly farEnd: 'responder' | 'SSH server';
  readonly connections: number;
}

const RUNS: readonly Run[] = [
  { farEnd: 'responder', connections: 24 },
  { farEnd: 'responder', connections: 8 },
  { farEnd: 'SSH server', connections: 8 },
];

interface Measured extends Run {
  /** From the far end's first answer to the end, seconds. */
  readonly took: number;
  readonly brackets: string;
}

async function measure(run: Run): Promise<Measured> {
  const lab = await createLab({ box: 'strict', idleTimeout: IDLE_TIMEOUT });
  const directory = mkdtempSync(join(tmpdir(), 'bench-ssh-'));
  try {
    let reached: readonly string[] = [SERVER.v4];
    if (run.farEnd === 'SSH server') reached = await startSshFarEnd(lab, directory);
    else {
      const listen = ['--listen-address=:5382', '--web.listen-address=127.0.0.1:15383'];
      const responder = lab.spawn('server', process.execPath, [PROGRAM, 'responder', ...listen]);
      await responder.waitForLine(/responder listens/, 60_000);
    }
    const args = [...reached, ...SEARCH, `--connections=${run.connections}`, '--json', '--quiet'];
    const ended = await lab.exec('client', process.execPath, [PROGRAM, 'measure', ...args], {
      mayFail: true,
    });
    if (ended.stdout === '') throw new Error(ended.stderr);
    const document = documentSchema.parse(JSON.parse(ended.stdout));
    const [answered] = document.events;
    const took = (Date.parse(document.generated) - Date.parse(answered?.at ?? '')) / 1000;
    const brackets = document.modes.map(({ mode, lower_bound_seconds: lower, upper_bound_seconds: upper }) =>
      [mode, lower?.toFixed(1), upper?.toFixed(1)].join(' '),
    );
    return { ...run, took, brackets: brackets.join(', ') };
  } finally {
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Cost {
  readonly farEnd: Run['farEnd'];
  /** Private memory for each connection, bytes. */
  readonly here: number;
  readonly there: number;
  /** Time for one after the other to be open, seconds each. */
  readonly opening: number;
}

/** Opens connections to a server on loopback that idle, and looks what both ends have grown by. */
async function costOf(
  farEnd: Run['farEnd'],
  target: Pick<TargetConfig, 'far_end'>,
  pids: () => readonly number[],
): Promise<Cost> {
  const { signal } = new AbortController();
  const path = openPath({
    target: {
      name: 'bench',
      modes: ['send'],
      family: 'any',
      labels: {},
      search: { min_idle: 5, max_idle: 90, resolution: 2, connections: COUNTED, deadline: 2, guard: 1 },
      ...target,
    },
    address: '127.0.0.1',
    clock: systemClock,
  });
  const open: ProbeConnection[] = [];
  const openOne = async (): Promise<void> => {
    open.push(await path.open('send', undefined, signal));
  };
  const there = (): number => pids().reduce((sum, pid) => sum + privateBytes(pid), 0);
  for (let at = 0; at < BEFORE; at += 1) await openOne();
  const before = { here: privateBytes(process.pid), there: there(), at: performance.now() };
  for (let at = 0; at < COUNTED; at += 1) await openOne();
  const opening = (performance.now() - before.at) / 1000 / COUNTED;
  const cost = {
    farEnd,
    opening,
    here: (privateBytes(process.pid) - before.here) / COUNTED,
    there: (there() - before.there) / COUNTED,
  };
  for (const connection of open) connection.close();
  return cost;
}

/** All that run in the mount namespace of a process: its sessions and their programs. */
function companions(pid: number): number[] {
  const namespaceOf = (of: number | string): string => {
    try {
      return readlinkSync(`/proc/${of}/ns/mnt`);
    } catch {
      return '';
    }
  };
  const namespace = namespaceOf(pid);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && namespaceOf(entry) === namespace)
    .map(Number);
}

async function costs(): Promise<readonly Cost[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-ssh-'));
  const port = 5384;
  const files = prepareSshServer(directory, { address: '127.0.0.1', port });
  const sshd = new LabProcess(['setpriv', '--pdeathsig', 'KILL', '--', ...files.argv]);
  const responder = await startResponderProgram(1, 1000);
  try {
    await files.listening();
    const native = { kind: 'native', host: '127.0.0.1', port: responder.port } as const;
    const ssh = {
      kind: 'ssh',
      host: '127.0.0.1',
      port,
      user: 'normal',
      identity_file: files.identityFile,
      known_hosts_file: files.trust(`[127.0.0.1]:${port}`),
    } as const;
    return [
      await costOf('responder', { far_end: native }, () => responder.pids),
      await costOf('SSH server', { far_end: ssh }, () => companions(sshd.pid)),
    ];
  } finally {
    await responder.end();
    await sshd.stop('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchSsh(): Promise<void> {
  const cost = await costs();
  const measured = await Promise.all(RUNS.map(measure));
  const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(0);
  const text = `
Measured by \`npm run bench -- ssh\`: \`measure\` with ${SEARCH.map((flag) => `\`${flag}\``).join(' ')} and all three modes
behind kernel NATs that forget after ${IDLE_TIMEOUT} s, in labs side by side, from the far end's first answer to the verdict. The
time holds one timeout more than the search needs: the check with a quarter of the connections. T is the timeout.

${table(
  ['far end', 'connections a mode', 'time, s', 'time / T', 'brackets, s'],
  measured.map(({ farEnd, connections, took, brackets }) => [
    farEnd,
    String(connections),
    took.toFixed(0),
    (took / IDLE_TIMEOUT).toFixed(2),
    brackets,
  ]),
)}

What a connection that idles costs: growth of private memory for each of ${COUNTED} on loopback, after ${BEFORE} others. At the
SSH server that is one \`sshd\` for root, one for the user, and \`sh\`. Opening is one after the other, as \`ssh\` does it. Small
figures of so few connections are coarse; the section of the responder has them of thousands.

${table(
  ['far end', 'KB at this end', 'KB at the far end', 'seconds to open one'],
  cost.map(({ farEnd, here, there, opening }) => [
    farEnd,
    kilobytes(here),
    kilobytes(there),
    opening.toFixed(3),
  ]),
)}

The machine: ${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores; Node ${process.version}; other work ran beside it.`;
  console.log(text);
  writeSection('ssh', text);
}
