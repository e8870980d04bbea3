/** The processes of the responder's benchmark: the servers, the clients, and what the kernel knows about them. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

// npm runs its scripts in the folder of the package.
const MAIN = 'dist/main.js';
const THREADS = 'bench/responder/threads.py';
const CLIENTS = 'bench/responder/clients.py';

/** A process that is spoken to in lines. */
class LineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string, undefined>;
  /** The last thing that it said on standard error. */
  complaint = '';

  /** `speaks`: where the lines to hear come from. */
  constructor(command: string, args: readonly string[], speaks: 'stdout' | 'stderr' = 'stdout') {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#lines = createInterface({ input: this.#child[speaks] })[Symbol.asyncIterator]();
    if (speaks === 'stdout') {
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        this.complaint = line;
      });
    } else this.#child.stdout.resume();
    // Whoever is asked afterwards has no more lines.
    this.#child.stdin.on('error', () => {});
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start');
    return this.#child.pid;
  }

  /** Its next line. @throws Error when it ends or says nothing within `deadline` seconds */
  async hear(deadline: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${deadline} s`)), deadline * 1000);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late]);
      if (done === true) throw new Error(`ended without an answer: ${this.complaint}`);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends it; a responder takes its workers along. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(impatience);
  }
}

export interface Server {
  readonly port: number;
  /** All of its processes. */
  readonly pids: readonly number[];
  /** Probe connections that it says it holds; undefined where it does not say. */
  connections(): Promise<number | undefined>;
  /** The last thing that it complained about. */
  complaint(): string;
  end(): Promise<void>;
}

/** The program itself: `nat-idle-exporter responder`. */
export async function startResponderProgram(workers: number, maxConnections: number): Promise<Server> {
  const args = [
    'responder',
    '--listen-address=127.0.0.1:0',
    '--web.listen-address=127.0.0.1:0',
    `--workers=${workers}`,
    `--max-connections=${maxConnections}`,
    '--max-connections-per-client=1000',
    '--log.format=json',
  ];
  const running = new LineProcess(process.execPath, [MAIN, ...args], 'stderr');
  try {
    let port: number | undefined;
    let url: string | undefined;
    while (port === undefined || url === undefined) {
      const line = JSON.parse(await running.hear(60)) as { native?: { port: number }[]; url?: string };
      port ??= line.native?.[0]?.port;
      url ??= line.url;
    }
    const metrics = `${url}/metrics`;
    return {
      port,
      pids: [running.pid, ...childrenOf(running.pid)],
      connections: async () => {
        const text = await (await fetch(metrics)).text();
        const value = /^nat_responder_connections\{kind="probe"\} (\d+)$/m.exec(text)?.[1];
        return value === undefined ? undefined : Number(value);
      },
      complaint: () => running.complaint,
      end: () => running.end('SIGTERM'),
    };
  } catch (error) {
    await running.end('SIGKILL');
    throw error;
  }
}

/** The yardstick: a thread for each connection. */
export async function startThreads(): Promise<Server> {
  const running = new LineProcess('python3', [THREADS]);
  return {
    port: Number(await running.hear(60)),
    pids: [running.pid],
    connections: () => Promise.resolve(undefined),
    complaint: () => running.complaint,
    end: () => running.end('SIGKILL'),
  };
}

export interface Opened {
  readonly held: number;
  readonly lost: number;
}

/** Several client processes that open connections at the same time and hold them. */
export class Clients {
  readonly #processes: readonly LineProcess[];

  private constructor(processes: readonly LineProcess[]) {
    this.#processes = processes;
  }

  /** `most` connections for each process, at most `window` of all unanswered at a time. */
  static async start(port: number, count: number, most: number, window: number): Promise<Clients> {
    const processes = Array.from(
      { length: count },
      (_, index) =>
        new LineProcess('python3', [
          CLIENTS,
          String(port),
          String(index * most),
          String(most),
          String(Math.ceil(window / count)),
        ]),
    );
    for (const each of processes) await each.hear(60);
    return new Clients(processes);
  }

  /** Opens `count` more, shared evenly. */
  async open(count: number): Promise<Opened> {
    const share = Math.floor(count / this.#processes.length);
    this.#processes.forEach((each, index) => {
      each.say(`open ${share + (index < count % this.#processes.length ? 1 : 0)}`);
    });
    const answers = await Promise.all(this.#processes.map((each) => each.hear(120)));
    const [held, lost] = [0, 1].map((column) =>
      answers.reduce((sum, line) => sum + Number(line.split(' ')[column]), 0),
    );
    return { held: held ?? 0, lost: lost ?? 0 };
  }

  /** How many of those held are still there. */
  async alive(): Promise<number> {
    for (const each of this.#processes) each.say('alive');
    const answers = await Promise.all(this.#processes.map((each) => each.hear(60)));
    return answers.reduce((sum, line) => sum + Number(line), 0);
  }

  /** Seconds of processor time so far. */
  cpu(): number {
    return this.#processes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.end('SIGKILL')));
  }
}

/** Memory that only this process has, in bytes. */
export function privateBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce(
    (sum, [, kB]) => sum + Number(kB) * 1024,
    0,
  );
}

/** User and system time; the kernel counts it in hundredths of a second. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Seconds of processor time that the whole machine has spent on anything since it booted. */
export function machineSeconds(): number {
  const [, user, nice, system, _idle, _waiting, irq, softirq, steal] = (
    readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? ''
  ).split(/\s+/);
  return [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Connections that the kernel dropped because nobody accepted them in time, since it booted. */
export function listenDrops(): number {
  const [names = '', values = ''] = readFileSync('/proc/net/netstat', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'));
  const at = names.split(' ').indexOf('ListenDrops');
  return Number(values.split(' ')[at]);
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}
