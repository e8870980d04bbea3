/**
 * A responder of several processes that share the ports: more connections than one process may have
 * descriptors, more than one processor. The primary accepts nothing itself and sees no connection; it says which
 * workers take new ones, knows which worker holds which probe, and adds the workers' counts up.
 */
import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { RefusalWatch } from '../../net/refusal-watch.js';
import { randomHex } from '../../net/token.js';
import { type Seconds, toMilliseconds } from '../../units.js';
import { announcementAnswer } from '../discovery/announcement-desk.js';
import { Directory, type Dispatch } from './directory.js';
import { Doors, rankedRoom } from './doors.js';
import { resolveLimits } from '../limits.js';
import { isExposed } from '../listener.js';
import {
  addCounts,
  createResponderMetrics,
  NO_ROOM_REASONS,
  type ResponderCounts,
  zeroCounts,
} from '../responder-metrics.js';
import { type Batch, PeerQueue } from './peer-queue.js';
import type { AnnounceRequest, PeerOrder, PeerRequest } from './peers.js';
import { NO_TOKEN_WARNING, type Responder, type ResponderOptions } from '../responder.js';
import type { FromWorker, ToWorker, WorkerOptions } from './worker.js';

export interface ClusterOptions
  extends Pick<
    ResponderOptions,
    'native' | 'legacyEcho' | 'legacySleep' | 'token' | 'limits' | 'logger' | 'discovery'
  > {
  /** Processes that hold connections; at least 1. */
  readonly workers: number;
  /** Arguments for the workers' Node; the primary's own without. */
  readonly execArgv?: readonly string[];
}

/** A nursery of garbage as large as V8 likes it costs more than 1 KB for each connection, in MiB. */
const WORKER_FLAGS = ['--max-semi-space-size=2'];

/** Levels of a worker's lines, as pino numbers them. */
const DEBUG = 20;
const INFO = 30;
const ERROR = 50;

/** How long the primary waits for a worker's counts before it takes the last ones known. */
const COUNT_DEADLINE: Seconds = 1;

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

/** Rings and drops: whoever asks for one learns nothing then, and concludes nothing. */
function mayBeLost({ kind }: PeerOrder): boolean {
  return kind === 'ring' || kind === 'drop';
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

/** One worker as the primary sees it. */
interface Hand {
  readonly worker: Worker;
  counts: ResponderCounts;
  counted: (() => void) | undefined;
  /** It has served: only then may it hold connections. */
  listened: boolean;
  /** Its process has ended, or could not be started. */
  readonly gone: Promise<void>;
  readonly orders: PeerQueue<PeerOrder>;
  /** It was asked for its counts and has not answered. */
  counting: boolean;
  /** It was asked to open or close its door and has not answered. */
  asked: boolean;
}

class Primary {
  readonly #options: ClusterOptions;
  #start: WorkerOptions;
  readonly #directory = new Directory();
  readonly #doors: Doors;
  readonly #hands = new Map<number, Hand>();
  /** What workers that have died had counted. */
  #past: ResponderCounts = zeroCounts();
  /** All workers have listened at the same time. */
  #complete = false;
  #closing = false;
  readonly #refusals: RefusalWatch<(typeof NO_ROOM_REASONS)[number]>;
  #questions: NodeJS.Timeout | undefined;
  readonly metrics = createResponderMetrics(() => this.#count());

  constructor(options: ClusterOptions) {
    const { native, legacyEcho = [], legacySleep = [], token, limits = {}, logger, discovery } = options;
    this.#options = options;
    // Two at least: one that is busy or dies does not keep the door shut.
    const resolved = resolveLimits(limits, options.workers);
    const { maxConnectionsPerProcess, maxLegacyConnections } = resolved;
    this.#refusals = new RefusalWatch(logger, 'responder', NO_ROOM_REASONS);
    const room = rankedRoom(options.workers, resolved);
    this.#doors = new Doors({ width: Math.max(2, availableParallelism()), room });
    this.#start = {
      native,
      legacyEcho,
      legacySleep,
      ...(token === undefined ? {} : { token }),
      limits: { ...limits, maxConnectionsPerProcess, maxLegacyConnections },
      debug: logger.isLevelEnabled('debug'),
      instance: randomHex(8),
      ...(discovery === undefined ? {} : { discovery: { interval: discovery.interval } }),
    };
    if (token === undefined && [...native, ...legacyEcho, ...legacySleep].some(isExposed)) {
      logger.warn(NO_TOKEN_WARNING);
    }
  }

  async start(): Promise<Responder['addresses']> {
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
      const [first] = await Promise.all(Array.from({ length: this.#options.workers }, () => this.#hire()));
      if (first === undefined) throw new RangeError('a responder has at least one worker');
      this.#complete = true;
      this.#turnDoors();
      const ask = (): void => {
        void this.#count().then(({ rejected }) => this.#refusals.look(rejected, performance.now() / 1000));
      };
      this.#questions = setInterval(ask, toMilliseconds(REFUSAL_QUESTIONS)).unref();
      const { logger, workers } = this.#options;
      const limits = resolveLimits(this.#options.limits, workers);
      const { maxConnectionsPerClient } = limits;
      const maxConnections = Math.min(limits.maxConnections, limits.maxConnectionsPerProcess * workers);
      logger.info({ ...first, workers, maxConnections, maxConnectionsPerClient }, 'responder listens');
      return first;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Starts a worker; resolves when it listens.
   * @throws what kept it from that; its process has ended or is about to.
   */
  #hire(): Promise<Responder['addresses']> {
    return new Promise((resolve, reject) => {
      const worker = cluster.fork();
      const orders = new PeerQueue<PeerOrder>((batch) => this.#tell(worker.id, { kind: 'orders', batch }));
      let leave: () => void = () => {};
      const gone = new Promise<void>((left) => {
        leave = left;
      });
      const hand: Hand = {
        worker,
        counts: zeroCounts(),
        counted: undefined,
        listened: false,
        gone,
        orders,
        counting: false,
        asked: false,
      };
      this.#hands.set(worker.id, hand);
      const ended = (error: Error, how: string): void => {
        reject(error);
        leave();
        this.#dismiss(hand, how);
      };
      worker.on('message', (message: FromWorker) => {
        // What a dead one still had to say must not bring it back into the books.
        if (!this.#hands.has(worker.id)) return;
        if (message.kind === 'listening') {
          hand.listened = true;
          resolve(message.addresses);
          this.#doors.attends(worker.id, true);
          this.#turnDoors();
        } else if (message.kind === 'failed') {
          const { code, port } = message;
          reject(Object.assign(new Error(message.message), { code, port }));
          worker.process.kill('SIGKILL');
        } else this.#hear(hand, message);
      });
      worker.on('error', (error: Error) => {
        // Without a process there will be no `exit`; other errors are those of messages to one that is ending.
        if (worker.process.pid === undefined) ended(error, error.message);
      });
      worker.on('exit', (code, signal) => {
        const how = signal ?? String(code);
        ended(new Error(`a worker ended before it listened (${how})`), how);
      });
    });
  }

  #hear(hand: Hand, message: FromWorker): void {
    switch (message.kind) {
      case 'online':
        this.#tell(hand.worker.id, { kind: 'start', options: this.#start });
        return;
      case 'counted':
        hand.counts = message.counts;
        hand.counting = false;
        hand.counted?.();
        return;
      case 'requests':
        this.#serve(hand, message.batch);
        return;
      case 'attends':
        hand.asked = false;
        this.#doors.attends(hand.worker.id, message.open);
        this.#turnDoors();
        return;
      case 'log': {
        const { level, msg, ...line } = JSON.parse(message.line) as { level: number; msg: string };
        const fields = { worker: hand.worker.id, ...line, time: undefined };
        if (level <= DEBUG) this.#options.logger.debug(fields, msg);
        else if (level <= INFO) this.#options.logger.info(fields, msg);
        else if (level < ERROR) this.#options.logger.warn(fields, msg);
        else this.#options.logger.error(fields, msg);
        return;
      }
      default:
    }
  }

  #serve(hand: Hand, { items, taken }: Batch<PeerRequest>): void {
    const { id } = hand.worker;
    for (const request of items) {
      if (request.kind === 'load' && hand.listened) this.#doors.loaded(id, request.connections);
      if (request.kind === 'announce') this.#announce(id, request);
      else this.#dispatch(this.#directory.handle(id, request));
    }
    hand.orders.handled(items.length);
    hand.orders.taken(taken);
    this.#turnDoors();
  }

  #announce(from: number, { by, announcement, caller }: AnnounceRequest): void {
    const book = this.#options.discovery?.announcements;
    if (book === undefined) return;
    const message = announcementAnswer(book.take(by, announcement));
    this.#dispatch([{ to: from, order: { kind: 'tell', caller, message } }]);
  }

  #dismiss(hand: Hand, how: string): void {
    const { id } = hand.worker;
    if (!this.#hands.delete(id)) return;
    hand.counted?.();
    const { open, unaccounted } = zeroCounts();
    this.#past = addCounts([this.#past, { ...hand.counts, open, unaccounted }]);
    // One that has never listened took nothing along, and whoever hired it tries again.
    if (this.#closing || !hand.listened) return;
    this.#bury(id);
    this.#options.logger.error({ worker: id, how }, 'a worker has died and takes its connections along');
    this.#replace(RESTART_DELAY);
  }

  /** Hires another worker after `delay`, and goes on trying. */
  #replace(delay: Seconds): void {
    setTimeout(() => {
      if (this.#closing) return;
      this.#hire().catch((error: unknown) => {
        if (this.#closing) return;
        const next = Math.min(delay * 2, LONGEST_RESTART_DELAY);
        this.#options.logger.error({ err: error, retry: next }, 'a worker could not be replaced');
        this.#replace(next);
      });
    }, toMilliseconds(delay)).unref();
  }

  /** Lets no client take what ended with a worker for the work of a NAT, see `Directory.forget`. */
  #bury(id: number): void {
    this.#doors.forget(id);
    this.#turnDoors();
    // Another instance: whoever finds all of its connections ended knows why.
    const instance = randomHex(8);
    this.#start = { ...this.#start, instance };
    this.#dispatch([...this.#hands.keys()].map((to) => ({ to, order: { kind: 'instance', instance } })));
    this.#dispatch(this.#directory.forget(id));
  }

  #dispatch(orders: readonly Dispatch[]): void {
    for (const { to, order } of orders) {
      const hand = this.#hands.get(to);
      if (hand === undefined) continue;
      const waiting = hand.orders.length;
      if (order.kind === 'elsewhere') hand.orders.pushNewest(order);
      else if (waiting < MOST_ORDERS || !mayBeLost(order)) {
        hand.orders.push(order);
        if (waiting === HUNG_ORDERS) this.#giveUp(hand);
      } else if (order.kind === 'ring') {
        const { worker, caller } = order.origin;
        this.#hands.get(worker)?.orders.push({ kind: 'lost', caller });
      }
    }
  }

  /** What a worker that takes nothing has not heard it can never make up for; it ends like one that has died. */
  #giveUp({ worker }: Hand): void {
    this.#options.logger.error({ worker: worker.id }, 'a worker takes no orders any more and is ended');
    worker.process.kill('SIGKILL');
  }

  /** Tells workers whose turn it is to take new connections, and whose it is no more. */
  #turnDoors(): void {
    // Until all have started for the first time everybody serves.
    if (this.#closing || !this.#complete) return;
    for (const { worker, open } of this.#doors.changes()) {
      const hand = this.#hands.get(worker);
      if (hand === undefined || hand.asked) continue;
      hand.asked = true;
      this.#tell(worker, { kind: 'attend', wanted: open });
    }
  }

  #tell(id: number, message: ToWorker): void {
    const worker = this.#hands.get(id)?.worker;
    if (worker?.isConnected()) worker.send(message, undefined, {}, () => {});
  }

  async #count(): Promise<ResponderCounts> {
    const hands = [...this.#hands.values()];
    await Promise.all(hands.map((hand) => this.#askCounts(hand)));
    return addCounts([
      this.#past,
      this.metrics.counts,
      ...hands.filter(({ worker }) => this.#hands.has(worker.id)).map(({ counts }) => counts),
    ]);
  }

  #askCounts(hand: Hand): Promise<void> {
    if (!hand.listened) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, toMilliseconds(COUNT_DEADLINE));
      hand.counted = () => {
        clearTimeout(deadline);
        resolve();
      };
      // One that does not answer is not asked again and again: the questions would pile up before it.
      if (!hand.counting) this.#tell(hand.worker.id, { kind: 'count' });
      hand.counting = true;
    });
  }

  /** A channel to each worker, and each listening socket, which the workers share. */
  descriptors(): number {
    const { native, legacyEcho, legacySleep } = this.#start;
    return this.#hands.size + native.length + legacyEcho.length + legacySleep.length;
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#questions);
    const hands = [...this.#hands.values()];
    for (const { worker } of hands) this.#tell(worker.id, { kind: 'stop' });
    const impatience = setTimeout(() => {
      for (const { worker } of hands) worker.process.kill('SIGKILL');
    }, toMilliseconds(STOP_DEADLINE));
    await Promise.all(hands.map(({ gone }) => gone));
    clearTimeout(impatience);
  }
}
