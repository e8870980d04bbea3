/**
 * What a responder costs: memory of an idle connection, accepts a second, and the same for a server with a
 * thread for each connection as a yardstick. Loopback only, bounded, in processes of its own.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { writeSection } from './document.js';
import { startClusteredResponder } from '../src/responder/cluster.js';
import { openFileLimit } from '../src/responder/limits.js';
import { startResponder } from '../src/responder/responder.js';
import { randomHex } from '../src/net/token.js';
import { encodeClientMessage } from '../src/wire/codec.js';

export interface ResponderFigures {
  readonly server: string;
  /** Idle connections held at once. */
  readonly connections: number;
  /** Connections that were opened and lost. */
  readonly lost: number;
  /** Growth of the server's resident memory, in bytes for each connection. */
  readonly bytesPerConnection: number;
  /** From the first connect to the last answer; here the one client process is part of the machine's load. */
  readonly opensPerSecond: number;
  /** The server's own processor time for one connection (user and system): accept, hello, answer. */
  readonly cpuMicroseconds: number;
}

/** Sources 127.0.1.1 … so that no client is over its limit. */
const PER_SOURCE = 1000;
const WINDOW = 500;

/**
 * Prints the figures and writes them to docs/BENCHMARKS.md: `[connections]` for one process (15 000), and the same
 * number for two workers.
 */
export async function benchResponders(args: readonly string[]): Promise<void> {
  const connections = Number(args[0] ?? 15_000);
  const figures = await benchResponder(connections);
  figures.splice(1, 0, await benchClusteredResponder(2, connections));
  const table = formatResponderFigures(figures);
  console.log(table);
  writeSection('responder', table);
}

/** Runs both servers with the same number of connections and returns what was seen. */
export async function benchResponder(connections = 15_000): Promise<ResponderFigures[]> {
  const most = Math.min(connections, openFileLimit() - 300);
  const ours = await measure('responder (one process)', most, forkResponder, helloAnswered);
  const threads = await measure(
    'thread per connection (Python)',
    Math.min(most, 4000),
    spawnThreads,
    greeted,
  );
  return [ours, threads];
}

/**
 * Several worker processes behind one port, with as many client processes as the descriptors ask for. The
 * workers' garbage is not collected before they are weighed, so their memory is an upper bound.
 */
export async function benchClusteredResponder(
  connections: number,
  workers: number,
): Promise<ResponderFigures> {
  const server = await forkServer(['serve', String(workers), String(connections + 1000)]);
  const most = openFileLimit() - 300;
  const processes = Math.ceil(connections / most);
  const shares = Array.from({ length: processes }, (_, index) =>
    Math.floor((connections + index) / processes),
  );
  const clients: ChildProcess[] = [];
  const pids = (): number[] => [server.pid, ...childrenOf(server.pid)];
  const sum = (read: (pid: number) => number): number => pids().reduce((total, pid) => total + read(pid), 0);
  try {
    const before = sum(residentBytes);
    const cpuBefore = sum(cpuSeconds);
    const began = performance.now();
    const opened = await Promise.all(
      shares.map(async (share, index) => {
        const client = forkSelf(['client', String(server.port), String(share), String(index)]);
        clients.push(client);
        return ((await once(client, 'message')) as [number])[0];
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    const cpu = sum(cpuSeconds) - cpuBefore;
    const held = opened.reduce((total, count) => total + count, 0);
    return {
      server: `responder (${workers} workers, ${shares.length} client processes)`,
      connections: held,
      lost: connections - held,
      bytesPerConnection: (sum(residentBytes) - before) / held,
      opensPerSecond: held / seconds,
      cpuMicroseconds: (cpu * 1e6) / held,
    };
  } finally {
    for (const client of clients) client.kill('SIGKILL');
    server.stop();
  }
}

/** Prints `benchResponder` as a table in Markdown. */
export function formatResponderFigures(figures: readonly ResponderFigures[]): string {
  const rows = figures.map((seen) =>
    [
      seen.server,
      seen.connections,
      seen.lost,
      (seen.bytesPerConnection / 1024).toFixed(2),
      Math.round(seen.opensPerSecond),
      Math.round(seen.cpuMicroseconds),
      Math.round(1e6 / seen.cpuMicroseconds),
    ].join(' | '),
  );
  const head = [
    'server',
    'idle connections',
    'lost',
    'KB of user memory each',
    'opened and answered a second',
    'CPU µs each',
    'so one core could open a second',
  ];
  return [head.join(' | '), head.map(() => '---').join('|'), ...rows].map((row) => `| ${row} |`).join('\n');
}

interface Server {
  readonly port: number;
  readonly pid: number;
  /** Asks for a collection of garbage where there is one. */
  settle(): Promise<void>;
  stop(): void;
}

async function measure(
  server: string,
  connections: number,
  start: () => Promise<Server>,
  open: (port: number, index: number) => Promise<Socket | undefined>,
): Promise<ResponderFigures> {
  const running = await start();
  const sockets: Socket[] = [];
  try {
    // Warm up, so that code and buffers are not counted as connections.
    for (let index = 0; index < 200; index += 1) (await open(running.port, index))?.resetAndDestroy();
    await running.settle();
    const before = residentBytes(running.pid);
    const cpuBefore = cpuSeconds(running.pid);
    const began = performance.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < connections) {
        const socket = await open(running.port, next++);
        if (socket !== undefined) sockets.push(socket);
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, worker));
    const seconds = (performance.now() - began) / 1000;
    const cpu = cpuSeconds(running.pid) - cpuBefore;
    await running.settle();
    const grown = residentBytes(running.pid) - before;
    const held = sockets.filter((socket) => !socket.destroyed).length;
    return {
      server,
      connections: held,
      lost: connections - held,
      bytesPerConnection: grown / Math.max(1, held),
      opensPerSecond: held / seconds,
      cpuMicroseconds: (cpu * 1e6) / Math.max(1, held),
    };
  } finally {
    for (const socket of sockets) socket.resetAndDestroy();
    running.stop();
  }
}

function helloAnswered(port: number, index: number): Promise<Socket | undefined> {
  const session = Math.floor(index / 24)
    .toString(16)
    .padStart(32, '0');
  const nonce = randomHex(16);
  const hello = { kind: 'hello', version: 1, role: 'probe', session, probe: index, nonce } as const;
  return firstAnswer(port, index, encodeClientMessage(hello));
}

function greeted(port: number, index: number): Promise<Socket | undefined> {
  return firstAnswer(port, index, 'hello\n');
}

function firstAnswer(port: number, index: number, greeting: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const localAddress = `127.0.1.${1 + Math.floor(index / PER_SOURCE)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => resolve(undefined));
    socket.once('data', () => resolve(socket));
    socket.write(greeting);
  });
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1024;
}

/** User and system time; the kernel counts it in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

function forkSelf(args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(import.meta.url), args, {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

const forkResponder = (): Promise<Server> => forkServer(['serve']);

async function forkServer(args: readonly string[]): Promise<Server> {
  const child = forkSelf(args);
  const [port] = (await once(child, 'message')) as [number];
  return {
    port,
    pid: child.pid ?? 0,
    async settle() {
      child.send('settle');
      await once(child, 'message');
    },
    // Not killed: it has to take its workers along.
    stop: () => child.disconnect(),
  };
}

const THREADS = `
import socket, sys, threading
threading.stack_size(256 * 1024)
listener = socket.create_server(('127.0.0.1', 0), backlog=4096)
print(listener.getsockname()[1], flush=True)
def serve(connection):
    while True:
        got = connection.recv(512)
        if not got: return
        connection.sendall(got)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
`;

async function spawnThreads(): Promise<Server> {
  const child: ChildProcess = spawn('python3', ['-c', THREADS], { stdio: ['ignore', 'pipe', 'ignore'] });
  if (child.stdout === null) throw new Error('python3 has no output');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(line.toString()),
    pid: child.pid ?? 0,
    settle: async () => {},
    stop: () => child.kill('SIGKILL'),
  };
}

/** The measured process: a responder that collects its garbage when it is asked. */
async function serve(workers: number, maxConnections: number): Promise<void> {
  const options = {
    native: [{ host: '127.0.0.1', port: 0 }],
    limits: { maxConnections },
    logger: pino({ level: 'silent' }),
  };
  const responder =
    workers === 0
      ? await startResponder(options)
      : await startClusteredResponder({ ...options, workers, execArgv: ['--import', 'tsx'] });
  process.on('message', () => {
    (globalThis as { gc?: () => void }).gc?.();
    // A second collection frees what the first one's finalizers let go of.
    setTimeout(() => {
      (globalThis as { gc?: () => void }).gc?.();
      process.send?.('settled');
    }, 500);
  });
  process.on('disconnect', () => void responder.close().finally(() => process.exit(0)));
  process.send?.(responder.addresses.native[0]?.port);
}

/** One client process: opens its share, says how many it holds, and holds them until it is killed. */
async function runClient(port: number, share: number, number: number): Promise<void> {
  let held = 0;
  let next = 0;
  const opener = async (): Promise<void> => {
    while (next < share) {
      const index = number * share + next++;
      if ((await helloAnswered(port, index)) !== undefined) held += 1;
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, opener));
  process.on('disconnect', () => process.exit(0));
  process.send?.(held);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , what = '', ...numbers] = process.argv;
  const [first = 0, second = 19_000, third = 0] = numbers.map(Number);
  if (what === 'serve') await serve(first, second);
  else if (what === 'client') await runClient(first, second, third);
  else {
    const figures = await benchResponder(Number(what || 15_000));
    // Two workers on two processors; more only where descriptors ask for it.
    if (first > 0) figures.splice(1, 0, await benchClusteredResponder(second, first));
    console.log(formatResponderFigures(figures));
  }
}
