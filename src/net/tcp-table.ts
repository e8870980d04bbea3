/** The kernel's own view of TCP connections, from `/proc/net/tcp` and `/proc/net/tcp6` (Linux only). */
import { close, open, read } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import ipaddr from 'ipaddr.js';

/** The four values that name a connection on this host. */
export interface ConnectionName {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** What the table says of one connection; all counts are 0 and more. */
interface TcpRow {
  /** Keepalive probes that were sent and not yet answered. */
  readonly unansweredProbes: number;
  /** Bytes that were written and that the far end's kernel has not acknowledged. */
  readonly unacknowledged: number;
}

/** What is read of a connection; `gone` where the table has no such connection, undefined where there is no table. */
type Answer = TcpRow | 'gone' | undefined;

/** Number of unanswered keepalive probes, or why there is none, as in `Answer`. */
export type UnansweredProbes = number | 'gone' | undefined;

/** What is asked about one connection. */
interface Question {
  /** Both endpoints as the table prints them. */
  readonly key: string;
  readonly answer: (row: Answer) => void;
}

const openFile = promisify<string, number>(open);
const closeFile = promisify(close);

const TABLES = { ipv4: '/proc/self/net/tcp', ipv6: '/proc/self/net/tcp6' } as const;

/**
 * Columns of `/proc/net/tcp`: bytes not yet acknowledged and not yet read, as two hex numbers, and keepalive (or
 * zero-window) probes sent and not yet answered.
 */
const QUEUES_COLUMN = 4;
const UNANSWERED_PROBES_COLUMN = 8;
/** However large the buffer is, the kernel fills a page of 4 KiB at most; the rest is for an unfinished line. */
const BUFFER_BYTES = 8192;
/** A reading that took less than this needs no rest, milliseconds. */
const SHORT_READING = 5;
/** A longer one is followed by a rest of so many times its length, but no longer than this, milliseconds. */
const REST = 4;
const LONGEST_REST = 1000;

const LINE_FEED = 0x0a;
const COLON = 0x3a;
const NINE = 0x39;

/**
 * One table and everybody who asks about its connections. The kernel needs about 4 µs for each connection of the
 * host, all others of this host included: with ten thousand of them all who ask share one reading, and readings rest.
 */
class TcpTable {
  readonly #path: string;
  /** Questions that the next reading answers, by local port. */
  #asked = new Map<number, Question[]>();
  #reading = false;
  /** Length of an address in hex digits: where the port stands in a line. */
  readonly #digits: number;

  constructor(path: string, digits: number) {
    this.#path = path;
    this.#digits = digits;
  }

  ask(port: number, question: Question): void {
    const others = this.#asked.get(port);
    if (others === undefined) this.#asked.set(port, [question]);
    else others.push(question);
    if (!this.#reading) void this.#readOn();
  }

  /** Reads for as long as somebody asks. A question that comes during a reading is for the next one. */
  async #readOn(): Promise<void> {
    this.#reading = true;
    while (this.#asked.size > 0) {
      const asked = this.#asked;
      this.#asked = new Map();
      const began = performance.now();
      const readable = await this.#read(asked);
      for (const questions of asked.values())
        for (const { answer } of questions) answer(readable ? 'gone' : undefined);
      const took = performance.now() - began;
      if (took > SHORT_READING) await setTimeout(Math.min(REST * took, LONGEST_REST));
    }
    this.#reading = false;
  }

  /** Answers what it finds, takes it out of `asked`, and stops when nothing is left; false where it cannot read. */
  async #read(asked: Map<number, Question[]>): Promise<boolean> {
    let descriptor: number | undefined;
    try {
      descriptor = await openFile(this.#path);
      await this.#readFrom(descriptor, asked);
      return true;
    } catch {
      return false;
    } finally {
      if (descriptor !== undefined) await closeFile(descriptor).catch(() => undefined);
    }
  }

  /** Through callbacks: ten thousand connections are hundreds of pages, and promises weigh more than they do. */
  #readFrom(descriptor: number, asked: Map<number, Question[]>): Promise<void> {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    return new Promise((done, fail) => {
      const readPage = (filled: number): void => {
        if (asked.size === 0) return done();
        read(descriptor, buffer, filled, BUFFER_BYTES - filled, null, (error, bytesRead) => {
          if (error !== null) return fail(error);
          if (bytesRead === 0) return done();
          try {
            const length = filled + bytesRead;
            const end = this.#scan(buffer, length, asked);
            buffer.copy(buffer, 0, end, length);
            readPage(length - end);
          } catch (bug) {
            fail(bug instanceof Error ? bug : new Error(String(bug)));
          }
        });
      };
      readPage(0);
    });
  }

  /** @returns where the first line that is not complete begins */
  #scan(buffer: Buffer, length: number, asked: Map<number, Question[]>): number {
    let start = 0;
    for (;;) {
      const end = buffer.indexOf(LINE_FEED, start);
      if (end === -1 || end >= length) return start;
      const port = this.#localPort(buffer, start);
      const questions = asked.get(port);
      if (questions !== undefined)
        this.#answer(buffer.toString('latin1', start, end), port, questions, asked);
      start = end + 1;
    }
  }

  /** The local port of a line, ` 12: 0100007F:1F90 …`; the number of the line has any length. */
  #localPort(buffer: Buffer, start: number): number {
    let at = start + 4;
    while (buffer[at] !== COLON && buffer[at] !== LINE_FEED) at++;
    at += 2 + this.#digits + 1;
    let port = 0;
    for (const end = at + 4; at < end; at++) {
      const digit = buffer[at] ?? 0;
      port = port * 16 + (digit <= NINE ? digit - 0x30 : digit - 0x37);
    }
    return port;
  }

  #answer(line: string, port: number, questions: readonly Question[], asked: Map<number, Question[]>): void {
    const left = questions.filter(({ key, answer }) => {
      if (!line.includes(key)) return true;
      answer(rowIn(line));
      return false;
    });
    if (left.length === 0) asked.delete(port);
    else asked.set(port, left);
  }
}

const tables = { ipv4: new TcpTable(TABLES.ipv4, 8), ipv6: new TcpTable(TABLES.ipv6, 32) };

/** What a line of the table says; undefined where it is none. */
function rowIn(line: string): TcpRow | undefined {
  const columns = line.trimStart().split(/\s+/, 10);
  const unansweredProbes = Number(columns[UNANSWERED_PROBES_COLUMN]);
  const unacknowledged = parseInt(columns[QUEUES_COLUMN] ?? '', 16);
  const isRow = Number.isInteger(unansweredProbes) && Number.isInteger(unacknowledged);
  return isRow ? { unansweredProbes, unacknowledged } : undefined;
}

/**
 * What the kernel says of this connection after the call.
 * @returns `gone` where it has no such connection; undefined where it does not tell (not Linux)
 * @see Documentation/networking/proc_net_tcp.rst of the Linux kernel
 */
function ask(name: ConnectionName): Promise<Answer> {
  const local = hexEndpoint(name.localAddress, name.localPort);
  const key = `: ${local} ${hexEndpoint(name.remoteAddress, name.remotePort)} `;
  return new Promise((answer) => {
    tables[ipaddr.parse(name.localAddress).kind()].ask(name.localPort, { key, answer });
  });
}

/** How many keepalive probes of this connection are unanswered, as the kernel says after the call. */
export async function unansweredProbes(name: ConnectionName): Promise<UnansweredProbes> {
  const row = await ask(name);
  return typeof row === 'object' ? row.unansweredProbes : row;
}

/** Whether the far end's kernel has acknowledged all that was written on this connection; undefined where nobody knows. */
export async function isAcknowledged(name: ConnectionName): Promise<boolean | undefined> {
  const row = await ask(name);
  return typeof row === 'object' ? row.unacknowledged === 0 : undefined;
}

/** An endpoint as the kernel prints it: each 32-bit word of the address in host byte order (little endian), then the port. */
function hexEndpoint(address: string, port: number): string {
  const bytes = ipaddr.parse(address).toByteArray();
  let text = '';
  for (let word = 0; word < bytes.length; word += 4)
    for (let byte = 3; byte >= 0; byte--) text += (bytes[word + byte] ?? 0).toString(16).padStart(2, '0');
  return `${text}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}
