/** One worker of a responder as its primary sees it: a process, what it has counted, and the orders for it. */
import cluster, { type Worker } from 'node:cluster';
import { type Seconds, toMilliseconds } from '../../units.js';
import { type ResponderCounts, zeroCounts } from '../responder-metrics.js';
import { PeerQueue } from './peer-queue.js';
import type { PeerOrder } from './peers.js';
import type { FromWorker, ToWorker } from './worker.js';

/** How a worker's process has ended: for the log, and as what kept it from listening. */
export interface Exit {
  /** The signal or the exit code, or why there was no process. */
  readonly how: string;
  readonly error: Error;
}

/** How long the primary waits for a worker's counts before it takes the last ones known. */
const COUNT_DEADLINE: Seconds = 1;

export class WorkerProcess {
  readonly id: number;
  readonly orders: PeerQueue<PeerOrder>;
  /** As it last told them. */
  counts: ResponderCounts = zeroCounts();
  /** It has served: only then may it hold connections. */
  listening = false;
  /** It was told to take connections, or to stop, and has not answered. */
  turning = false;
  /** Settles when its process has ended, or could not be started. */
  readonly exited: Promise<Exit>;
  readonly #worker: Worker;
  /** It was asked for its counts and has not answered. */
  #counting = false;
  #counted: (() => void) | undefined;

  /** Starts the process; `hear` gets what it says. */
  constructor(hear: (message: FromWorker) => void) {
    const worker = cluster.fork();
    this.#worker = worker;
    this.id = worker.id;
    this.orders = new PeerQueue((batch) => this.tell({ kind: 'orders', batch }));
    worker.on('message', hear);
    this.exited = new Promise((resolve) => {
      worker.on('error', (error: Error) => {
        // Without a process there will be no `exit`; other errors are those of messages to one that is ending.
        if (worker.process.pid === undefined) resolve({ how: error.message, error });
      });
      worker.on('exit', (code, signal) => {
        const how = signal ?? String(code);
        resolve({ how, error: new Error(`a worker ended before it listened (${how})`) });
      });
    });
    void this.exited.then(() => this.#counted?.());
  }

  tell(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message, undefined, {}, () => {});
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  /** Asks for its counts; resolves when they have come, or when it is too late for them. */
  count(): Promise<void> {
    if (!this.listening) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, toMilliseconds(COUNT_DEADLINE));
      this.#counted = () => {
        clearTimeout(deadline);
        resolve();
      };
      // One that does not answer is not asked again and again: the questions would pile up before it.
      if (!this.#counting) this.tell({ kind: 'count' });
      this.#counting = true;
    });
  }

  /** Its counts have come. */
  counted(counts: ResponderCounts): void {
    this.counts = counts;
    this.#counting = false;
    this.#counted?.();
  }
}
