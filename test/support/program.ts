/** The program as users run it: the built dist/main.js as a child process on loopback. */
import { createServer } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabProcess, type SpawnOptions } from '../netns/process.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Runs `node dist/main.js …`, the program of this repository unless told otherwise. */
export function program(args: readonly string[], options: SpawnOptions = {}, main = MAIN): LabProcess {
  return new LabProcess([process.execPath, main, ...args], options);
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

/** A running exporter and what it says. */
export interface RunningExporter {
  readonly process: LabProcess;
  readonly url: string;
  metrics(): Promise<string>;
  get(path: string, init?: RequestInit): Promise<Response>;
}

/** One test's place on disk and its processes; `close` ends and removes everything. */
export class Bench {
  readonly directory: string;
  readonly #main: string;
  readonly #processes: LabProcess[] = [];

  private constructor(directory: string, main: string) {
    this.directory = directory;
    this.#main = main;
  }

  /** @param main the compiled program to run, this repository's unless told otherwise */
  static async open(main = MAIN): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'nat-idle-')), main);
  }

  /** Writes a file and gives its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, text);
    return path;
  }

  start(args: readonly string[], options: SpawnOptions = {}): LabProcess {
    const started = program(args, { cwd: this.directory, ...options }, this.#main);
    this.#processes.push(started);
    return started;
  }

  /** Starts an exporter and waits until it serves. */
  async exporter(
    config: string,
    args: readonly string[] = [],
    env: SpawnOptions['env'] = {},
  ): Promise<RunningExporter> {
    const started = this.start([`--config.file=${config}`, '--web.listen-address=127.0.0.1:0', ...args], {
      env: { NODE_NO_WARNINGS: '1', ...env },
    });
    const [, url = ''] = await started.waitForLine(/serving the status page.* url=(\S+)\//, 20_000);
    const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);
    return { process: started, url, get, metrics: async () => (await get('/metrics')).text() };
  }

  /** Starts a responder on 127.0.0.1 and waits until it listens. */
  async responder(port: number, args: readonly string[] = []): Promise<LabProcess> {
    const started = this.start([
      'responder',
      `--listen-address=127.0.0.1:${port}`,
      '--web.listen-address=127.0.0.1:0',
      ...args,
    ]);
    await started.waitForLine(/serving metrics/, 20_000);
    return started;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop('SIGKILL')));
    await rm(this.directory, { recursive: true, force: true });
  }
}
