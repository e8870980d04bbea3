/** A running program under attack: how it is spoken to, and what the kernel knows of it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabProcess } from '../../test/netns/process.js';

/** Two readings so far apart tell a lost socket from one that is being opened or closed, milliseconds. */
const LOST_FOR_MS = 2000;

export class Victim {
  readonly process: LabProcess;
  /** Port of the native protocol; 0 for an exporter. */
  readonly port: number;
  /** Its site, `http://127.0.0.1:1`. */
  readonly url: string;

  constructor(process: LabProcess, port: number, url: string) {
    this.process = process;
    this.port = port;
    this.url = url;
  }

  /** The program and its workers. */
  get pids(): number[] {
    const { pid } = this.process;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return [pid, ...(children === '' ? [] : children.split(' ').map(Number))];
  }

  /** Resident memory of its largest process, MB; `VmHWM` is the most that it ever was. */
  megabytes(what: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
    return Math.max(...this.pids.map((pid) => statusOf(pid, what) / 1024));
  }

  /** Open descriptors of all its processes. */
  descriptors(): number {
    return this.pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
  }

  /** Sockets that it holds open although the kernel has no connection and no listener for them any more. */
  async lostSockets(): Promise<number> {
    const before = new Set(this.pids.flatMap(socketsWithoutConnection));
    await sleep(LOST_FOR_MS);
    return this.pids.flatMap(socketsWithoutConnection).filter((inode) => before.has(inode)).length;
  }

  /** Processor seconds of all its processes so far. */
  cpu(): number {
    return this.pids.reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      return sum + (Number(fields[11]) + Number(fields[12])) / 100;
    }, 0);
  }

  /** Milliseconds until it answers, or undefined when it does not within `patience` milliseconds. */
  async answers(path: string, patience = 4000): Promise<number | undefined> {
    const began = performance.now();
    try {
      const response = await fetch(this.url + path, {
        signal: AbortSignal.timeout(patience),
        headers: { connection: 'close' },
      });
      await response.arrayBuffer();
      return response.ok ? performance.now() - began : undefined;
    } catch {
      return undefined;
    }
  }

  /** The sum of a metric's samples, of those whose labels contain a text; 0 where there are none. */
  async metric(name: string, labels = ''): Promise<number> {
    const response = await fetch(`${this.url}/metrics`, { signal: AbortSignal.timeout(10_000) });
    const lines = (await response.text()).split('\n');
    const samples = lines.filter(
      (line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels),
    );
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Lines of its log so far that match. */
  logged(pattern = /^/): number {
    return this.process.stderr.split('\n').filter((line) => line !== '' && pattern.test(line)).length;
  }
}

/** A memory figure of a process, KB; 0 when it has gone. */
export function statusOf(pid: number, name: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Inodes of TCP sockets without a connection: not in the kernel's tables, and no UNIX or netlink socket either. */
function socketsWithoutConnection(pid: number): string[] {
  const known = new Set<string>();
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6', 'unix', 'netlink']) {
    // The inode is a column of its own place in each table: every number of the line is taken for known.
    for (const field of readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split(/\s+/)) known.add(field);
  }
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    const inode = inodeOf(`/proc/${pid}/fd/${descriptor}`);
    return inode === undefined || known.has(inode) ? [] : [inode];
  });
}

function inodeOf(link: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1];
  } catch {
    return undefined;
  }
}
