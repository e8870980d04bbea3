/**
 * A responder of several processes that share the ports: more connections than one process may have
 * descriptors, more than one processor. The primary accepts nothing itself and sees no connection; it says which
 * workers take new ones, knows which worker holds which probe, and adds the workers' counts up.
 */
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../clock.js';
import { defined } from '../../defined.js';
import { RefusalWatch } from '../../net/refusal-watch.js';
import { randomHex } from '../../net/token.js';
import { type Seconds, toMilliseconds } from '../../units.js';
import { announcementAnswer } from '../discovery/announcement-desk.js';
import { type Limits, resolveLimits } from '../limits.js';
import { type Responder, sayListening, type SharedOptions } from '../responder.js';
import {
  addCounts,
  createResponderMetrics,
  NO_ROOM_REASONS,
  type ResponderCounts,
  zeroCounts,
} from '../responder-metrics.js';
import { allAddresses, type BoundAddresses, eachServer } from '../servers.js';
import { Directory, type Dispatch } from './directory.js';
import { Doors, rankedRoom } from './doors.js';
import type { Batch } from './peer-queue.js';
import type { AnnounceRequest, PeerOrder, PeerRequest } from './peers.js';
import type { FromWorker, WorkerOptions } from './worker.js';
import { WorkerProcess } from './worker-process.js';

export interface ClusterOptions extends SharedOptions {
  /** Processes that hold connections; at least 1. */
  readonly workers: number;
  /** Whether the workers may load the library for socket options; they do not unless told so. */
  readonly socketOptions?: 'auto' | 'off';
  /** Arguments for the workers' Node; the primary's own without. */
  readonly execArgv?: readonly string[];
}

/** A nursery of garbage as large as V8 likes it costs more than 1 KB for each connection, in MiB. */
const WORKER_FLAGS = ['--max-semi-space-size=2'];

/** How often the workers are asked whether they turn callers away. */
const REFUSAL_QUESTIONS: Seconds = 5;

/** How long the workers may take to stop. */
const STOP_DEADLINE: Seconds = 1.8;

/** How long after a worker's death another one takes its place; doubled whenever that fails, up to the longest. */
const RESTART_DELAY: Seconds = 1;
const LONGEST_RESTART_DELAY: Seconds = 30;

/** Orders that may wait for a worker before those are left out that its clients can do without. */
const MOST_ORDERS = 8192;

/** Orders at which a worker counts as hung: far more than one that runs ever has before it. */
const HUNG_ORDERS = 100_000;

/** Rings, refreshes and drops: a client that asks for one learns nothing then, and concludes nothing. */
function mayBeLost({ kind }: PeerOrder): boolean {
  return kind === 'ring' || kind === 'tend' || kind === 'drop';
}

/**
 * Starts a responder of several processes. `maxConnections` holds for all workers together, give or take a
 * thousandth for each; `maxConnectionsPerClient` holds in each of them. Its metrics are the sums; the counters do
 * not fall when a worker dies.
 * @throws the system's error (with `code` and `port`) if an address cannot be bound; no process is left then.
 */
export async function startClusteredResponder(options: ClusterOptions): Promise<Responder> {
  const primary = new Primary(options);
  const addresses = await primary.start();
  return {
    addresses,
    metrics: primary.metrics,
    descriptors: () => primary.descriptors(),
    close: () => primary.close(),
  };
}

class Primary {
  readonly #options: ClusterOptions;
  readonly #limits: Limits;
  #start: WorkerOptions;
  readonly #directory = new Directory();
  readonly #doors: Doors;
  readonly #workers = new Map<number, WorkerProcess>();
  /** What workers that have died had counted. */
  #past: ResponderCounts = zeroCounts();
  /** All workers have listened at the same time. */
  #complete = false;
  #closing = false;
  readonly #refusals: RefusalWatch<(typeof NO_ROOM_REASONS)[number]>;
  #questions: NodeJS.Timeout | undefined;
  readonly metrics = createResponderMetrics(() => this.#count());

  constructor(options: ClusterOptions) {
    const { discovery, limits = {}, logger, socketOptions, token, workers } = options;
    this.#options = options;
    this.#limits = resolveLimits(limits, workers);
    const { maxConnectionsPerProcess, maxLegacyConnections } = this.#limits;
    this.#refusals = new RefusalWatch(logger, 'responder', NO_ROOM_REASONS);
    // Two at least: one that is busy or dies does not keep the door shut.
    const width = Math.max(2, availableParallelism());
    this.#doors = new Doors({ width, room: rankedRoom(workers, this.#limits) });
    this.#start = defined({
      ...eachServer((name) => options[name] ?? []),
      token,
      limits: { ...limits, maxConnectionsPerProcess, maxLegacyConnections },
      debug: logger.isLevelEnabled('debug'),
      instance: randomHex(8),
      socketOptions,
      discovery: discovery && { interval: discovery.interval },
    });
  }

  async start(): Promise<BoundAddresses> {
    const own = fileURLToPath(import.meta.url);
    // All accept from one queue of the kernel's: handing connections round costs the primary more than serving them,
    // and each would need a descriptor of the primary on its way.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: own.replace(/primary(\.[jt]s)$/, 'worker$1'),
      args: [],
      execArgv: [...WORKER_FLAGS, ...(this.#options.execArgv ?? process.execArgv)],
    });
    try {
      const [first] = await Promise.all(Array.from({ length: this.#options.workers }, () => this.#spawn()));
      if (first === undefined) throw new RangeError('a responder has at least one worker');
      this.#complete = true;
      this.#turnDoors();
      const ask = (): void => {
        void this.#count().then(({ rejected }) => this.#refusals.look(rejected, systemClock.monotonic()));
      };
      this.#questions = setInterval(ask, toMilliseconds(REFUSAL_QUESTIONS)).unref();
      sayListening({ ...this.#options, limits: this.#limits }, first);
      return first;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** A channel to each worker, and each listening socket, which the workers share. */
  descriptors(): number {
    return this.#workers.size + allAddresses(this.#options).length;
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#questions);
    const workers = [...this.#workers.values()];
    for (const worker of workers) worker.tell({ kind: 'stop' });
    const deadline = setTimeout(() => {
      for (const worker of workers) worker.kill();
    }, toMilliseconds(STOP_DEADLINE));
    await Promise.all(workers.map(({ exited }) => exited));
    clearTimeout(deadline);
  }

  /**
   * Starts a worker; resolves when it listens.
   * @throws what kept it from that; its process has ended or is about to.
   */
  #spawn(): Promise<BoundAddresses> {
    return new Promise((resolve, reject) => {
      const worker = new WorkerProcess((message) => {
        // What a dead one still had to say must not bring it back into the books.
        if (!this.#workers.has(worker.id)) return;
        if (message.kind === 'listening') {
          worker.listening = true;
          resolve(message.addresses);
          this.#doors.attends(worker.id, true);
          this.#turnDoors();
        } else if (message.kind === 'failed') {
          const { code, port } = message;
          reject(Object.assign(new Error(message.message), { code, port }));
          worker.kill();
        } else this.#hear(worker, message);
      });
      this.#workers.set(worker.id, worker);
      void worker.exited.then(({ how, error }) => {
        reject(error);
        this.#exited(worker, how);
      });
    });
  }

  #hear(worker: WorkerProcess, message: FromWorker): void {
    switch (message.kind) {
      case 'online':
        worker.tell({ kind: 'start', options: this.#start });
        return;
      case 'counted':
        worker.counted(message.counts);
        return;
      case 'requests':
        this.#serve(worker, message.batch);
        return;
      case 'attends':
        worker.turning = false;
        this.#doors.attends(worker.id, message.open);
        this.#turnDoors();
        return;
      case 'log': {
        const { level, msg, ...fields } = message.line;
        this.#options.logger[level]({ worker: worker.id, ...fields }, msg);
        return;
      }
      default:
    }
  }

  #serve(worker: WorkerProcess, { items, taken }: Batch<PeerRequest>): void {
    const { id, orders } = worker;
    for (const request of items) {
      if (request.kind === 'load' && worker.listening) this.#doors.loaded(id, request.connections);
      if (request.kind === 'announce') this.#announce(id, request);
      else this.#dispatch(this.#directory.handle(id, request));
    }
    orders.handled(items.length);
    orders.taken(taken);
    this.#turnDoors();
  }

  #announce(from: number, { by, announcement, caller }: AnnounceRequest): void {
    const book = this.#options.discovery?.announcements;
    if (book === undefined) return;
    const message = announcementAnswer(book.take(by, announcement));
    this.#dispatch([{ to: from, order: { kind: 'tell', caller, message } }]);
  }

  #exited(worker: WorkerProcess, how: string): void {
    const { id } = worker;
    this.#workers.delete(id);
    const { open, unaccounted } = zeroCounts();
    this.#past = addCounts([this.#past, { ...worker.counts, open, unaccounted }]);
    // One that has never listened took nothing along, and what spawned it tries again.
    if (this.#closing || !worker.listening) return;
    this.#endWhatDiedWith(id);
    this.#options.logger.error({ worker: id, how }, 'a worker has died and takes its connections along');
    this.#replace(RESTART_DELAY);
  }

  /** Starts another worker after `delay`, and goes on trying. */
  #replace(delay: Seconds): void {
    setTimeout(() => {
      if (this.#closing) return;
      this.#spawn().catch((error: unknown) => {
        if (this.#closing) return;
        const next = Math.min(delay * 2, LONGEST_RESTART_DELAY);
        this.#options.logger.error({ err: error, retry: next }, 'a worker could not be replaced');
        this.#replace(next);
      });
    }, toMilliseconds(delay)).unref();
  }

  /** Lets no client take what ended with a worker for the work of a NAT, see `Directory.forget`. */
  #endWhatDiedWith(id: number): void {
    this.#doors.forget(id);
    this.#turnDoors();
    // Another instance: a client that finds all of its connections ended knows why.
    const instance = randomHex(8);
    this.#start = { ...this.#start, instance };
    this.#dispatch([...this.#workers.keys()].map((to) => ({ to, order: { kind: 'instance', instance } })));
    this.#dispatch(this.#directory.forget(id));
  }

  #dispatch(orders: readonly Dispatch[]): void {
    for (const { to, order } of orders) {
      const worker = this.#workers.get(to);
      if (worker === undefined) continue;
      const waiting = worker.orders.length;
      if (order.kind === 'elsewhere') worker.orders.pushNewest(order);
      else if (waiting < MOST_ORDERS || !mayBeLost(order)) {
        worker.orders.push(order);
        if (waiting === HUNG_ORDERS) this.#killHung(worker);
      } else if (order.kind === 'ring' || order.kind === 'tend') {
        const { worker: from, caller } = order.origin;
        this.#workers.get(from)?.orders.push({ kind: 'lost', caller });
      }
    }
  }

  /** What a worker that takes nothing has not heard it can never make up for; it ends like one that has died. */
  #killHung(worker: WorkerProcess): void {
    this.#options.logger.error({ worker: worker.id }, 'a worker takes no orders any more and is ended');
    worker.kill();
  }

  /** Tells workers whose turn it is to take new connections, and whose it is no more. */
  #turnDoors(): void {
    // Until all have started for the first time everybody serves.
    if (this.#closing || !this.#complete) return;
    for (const { worker: id, open } of this.#doors.changes()) {
      const worker = this.#workers.get(id);
      if (worker === undefined || worker.turning) continue;
      worker.turning = true;
      worker.tell({ kind: 'attend', open });
    }
  }

  async #count(): Promise<ResponderCounts> {
    const workers = [...this.#workers.values()];
    await Promise.all(workers.map((worker) => worker.count()));
    const alive = workers.filter(({ id }) => this.#workers.has(id));
    return addCounts([this.#past, this.metrics.counts, ...alive.map(({ counts }) => counts)]);
  }
}
