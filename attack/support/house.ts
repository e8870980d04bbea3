/** One attack's place: its folder, the programs that it starts with little room, its sockets; all of it ends with it. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LabProcess } from '../../test/netns/process.js';
import { Victim } from './victim.js';

// npm runs its scripts in the folder of the package.
const MAIN = resolve('dist/main.js');
const HONEST = fileURLToPath(new URL('honest.js', import.meta.url));
const START_WITHIN_MS = 60_000;
/** Connections that are opened in one turn. */
const AT_ONCE = 100;

/** Attackers come from addresses other than that of honest clients. */
export const ATTACKER = '127.0.0.66';
export const TOKEN = 'correct horse battery staple';

export interface Room {
  /** Descriptors that the program may have. */
  readonly descriptors?: number;
  /** Flags of Node itself, such as `--import=…`. */
  readonly node?: readonly string[];
}

/** What an honest client saw. */
export interface Honest {
  readonly served: number;
  readonly failed: number;
  /** Milliseconds from connecting to the pong; NaN when nobody was served. */
  readonly p50: number;
  readonly max: number;
  /** Why it failed, the last time. */
  readonly reason: string;
}

export class House {
  readonly folder: string;
  readonly #processes: LabProcess[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #closing: (() => unknown)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<House> {
    return new House(await mkdtemp(join(tmpdir(), 'nat-idle-attack-')));
  }

  /** Writes a file and gives its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, text);
    return path;
  }

  /** The program, for those who start it in their own way. */
  get program(): string {
    return MAIN;
  }

  /** Starts any command; it ends with the house. */
  spawn(argv: readonly string[]): LabProcess {
    const started = new LabProcess(argv);
    this.#processes.push(started);
    return started;
  }

  /** Starts the program with a limit of descriptors. */
  start(args: readonly string[], { descriptors = 1024, node = [] }: Room = {}): LabProcess {
    const command = [process.execPath, ...node, MAIN, ...args];
    const limited = ['sh', '-c', 'ulimit -n "$1"; shift; exec "$@"', 'sh', String(descriptors), ...command];
    const started = new LabProcess(limited, { cwd: this.folder });
    this.#processes.push(started);
    return started;
  }

  /** Starts a responder on 127.0.0.1 and waits until it serves. */
  async responder(args: readonly string[] = [], room?: Room): Promise<Victim> {
    const web = args.some((arg) => arg.startsWith('--web.listen-address'))
      ? []
      : ['--web.listen-address=127.0.0.1:0'];
    const started = this.start(
      ['responder', '--listen-address=127.0.0.1:0', ...web, '--log.format=json', ...args],
      room,
    );
    const [, port] = await started.waitForLine(/"native":\[\{[^}]*"port":(\d+)/, START_WITHIN_MS);
    const [, url = ''] = await started.waitForLine(
      /"msg":"serving metrics","url":"([^"]+)"/,
      START_WITHIN_MS,
    );
    return new Victim(started, Number(port), url);
  }

  /** Starts an exporter with this configuration and waits until it serves. */
  async exporter(config: string, args: readonly string[] = [], room?: Room): Promise<Victim> {
    const file = await this.write('config.yaml', config);
    const started = this.start([`--config.file=${file}`, '--web.listen-address=127.0.0.1:0', ...args], room);
    const [, url = ''] = await started.waitForLine(/serving the status page.* url=(\S+)\//, START_WITHIN_MS);
    return new Victim(started, 0, url);
  }

  /** A process of its own asks again and again, as an honest client would; call the function for what it saw. */
  async honest(port: number, tokenFile?: string): Promise<() => Promise<Honest>> {
    const client = new LabProcess([
      process.execPath,
      HONEST,
      String(port),
      ...(tokenFile === undefined ? [] : [tokenFile]),
    ]);
    this.#processes.push(client);
    await client.waitForLine(/^began$/, START_WITHIN_MS);
    return async () => {
      client.endInput();
      const [line] = await client.waitForLine(/^\{.*\}$/, START_WITHIN_MS);
      const seen = JSON.parse(line) as Omit<Honest, 'p50' | 'max'> & {
        p50: number | null;
        max: number | null;
      };
      return { ...seen, p50: seen.p50 ?? Number.NaN, max: seen.max ?? Number.NaN };
    };
  }

  /** A socket of an attacker: its errors are nobody's business, and it ends with the house. */
  connect(port: number, localAddress = ATTACKER): Socket {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    socket.resume();
    return socket;
  }

  /** Opens `count` connections, not all in one turn, each from the address that `from` gives. */
  async connectMany(
    port: number,
    count: number,
    each: (socket: Socket, index: number) => void = () => undefined,
    from: (index: number) => string = () => ATTACKER,
  ): Promise<Socket[]> {
    const sockets: Socket[] = [];
    for (let index = 0; index < count; index += 1) {
      const socket = this.connect(port, from(index));
      socket.once('connect', () => each(socket, index));
      sockets.push(socket);
      if (index % AT_ONCE === AT_ONCE - 1) await sleep(10);
    }
    await sleep(500);
    return sockets;
  }

  /** A server of the attacker's on 127.0.0.1. @returns its port */
  async serve(handler: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      handler(socket);
    }).listen(0, '127.0.0.1');
    this.#closing.push(() => server.close());
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Repeats something until the house closes. */
  every(milliseconds: number, run: () => void): NodeJS.Timeout {
    const timer = setInterval(run, milliseconds);
    this.#closing.push(() => clearInterval(timer));
    return timer;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#processes.map((each) => each.stop('SIGKILL')));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A port whose service is still open: how many of these sockets the other side has not ended. */
export const open = (sockets: readonly Socket[]): number =>
  sockets.filter((socket) => !socket.destroyed && !socket.readableEnded && !socket.connecting).length;
