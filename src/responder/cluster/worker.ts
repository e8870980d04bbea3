/** The program of one worker process of a responder; `primary.ts` starts it. */
import cluster from 'node:cluster';
import { pino } from 'pino';
import { systemClock } from '../../clock.js';
import { defined } from '../../defined.js';
import { DescriptorWatch } from '../../descriptors.js';
import type { Logger } from '../../log.js';
import { enableSocketOptions } from '../../net/socket-options/library.js';
import type { Discovery } from '../discovery/announcement-desk.js';
import { createResponderMetrics, type ResponderCounts } from '../responder-metrics.js';
import { type Seconds, toMilliseconds } from '../../units.js';
import { type Batch, PeerQueue } from './peer-queue.js';
import type { PeerOrder, PeerRequest, Peers } from './peers.js';
import { type Responder, type SharedOptions, type SingleResponder, startResponder } from '../responder.js';

/** What a worker is started with. It comes as a message: an environment variable could be read by others. */
export interface WorkerOptions extends Omit<SharedOptions, 'logger' | 'discovery'> {
  /** Whether lines about single connections are wanted. */
  readonly debug: boolean;
  /** The same in all processes of a responder. */
  readonly instance: string;
  readonly socketOptions?: 'auto' | 'off';
  /** The primary has the book. */
  readonly discovery?: Pick<Discovery, 'interval'>;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly options: WorkerOptions }
  | { readonly kind: 'stop' }
  | { readonly kind: 'count' }
  | { readonly kind: 'attend'; readonly open: boolean }
  | { readonly kind: 'orders'; readonly batch: Batch<PeerOrder> };

export type FromWorker =
  | { readonly kind: 'online' }
  | { readonly kind: 'listening'; readonly addresses: Responder['addresses'] }
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string; readonly port?: number }
  /** It has begun to take connections, or has stopped. */
  | { readonly kind: 'attends'; readonly open: boolean }
  | { readonly kind: 'counted'; readonly counts: ResponderCounts }
  | { readonly kind: 'requests'; readonly batch: Batch<PeerRequest> }
  | { readonly kind: 'log'; readonly line: LogLine };

/** A line of a worker's log: its level by name, and what it says. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** How long after an address could not be bound again it is tried anew. */
const RETRY: Seconds = 1;

/** Requests that may wait for the primary before connections are no longer read that would add to them. */
const MOST_REQUESTS = 2048;

/** Lines of the log that may be under way to the primary; what is said beyond that is counted and dropped. */
const MOST_LOG_LINES = 1000;

function tell(message: FromWorker, left: () => void = () => {}): void {
  // A primary that has gone ends this process by itself.
  if (process.connected) process.send?.(message, undefined, {}, left);
}

/** A log that sends its lines to the primary, as many as it takes. */
function logToPrimary(level: 'debug' | 'info'): Logger {
  let underWay = 0;
  let dropped = 0;
  const left = (): void => {
    underWay -= 1;
    if (underWay > 0 || dropped === 0) return;
    send({ level: 'debug', dropped, msg: 'lines of the log were dropped' });
    dropped = 0;
  };
  const send = (line: LogLine): void => {
    underWay += 1;
    tell({ kind: 'log', line }, left);
  };
  const write = (line: string): void => {
    if (underWay >= MOST_LOG_LINES) dropped += 1;
    else send(JSON.parse(line) as LogLine);
  };
  const formatters = { level: (name: string) => ({ level: name }) };
  return pino({ level, base: null, timestamp: false, formatters }, { write });
}

/** The line to the primary: what is asked of it, and what it orders. */
class PrimaryLine implements Peers {
  readonly #followers: ((order: PeerOrder) => void)[] = [];
  readonly #takers: (() => void)[] = [];
  readonly #requests = new PeerQueue<PeerRequest>((batch) => tell({ kind: 'requests', batch }));

  follow(obey: (order: PeerOrder) => void): void {
    this.#followers.push(obey);
  }

  ask(request: PeerRequest): void {
    if (request.kind === 'load') this.#requests.pushNewest(request);
    else this.#requests.push(request);
  }

  get full(): boolean {
    return this.#requests.length >= MOST_REQUESTS;
  }

  whenTaken(run: () => void): void {
    this.#takers.push(run);
  }

  /** Orders have come. */
  receive({ items, taken }: Batch<PeerOrder>): void {
    for (const order of items) for (const obey of this.#followers) obey(order);
    this.#requests.handled(items.length);
    this.#requests.taken(taken);
    for (const run of this.#takers) run();
  }
}

/** Serves until the primary says stop or is gone. */
function runWorker(): void {
  const peers = new PrimaryLine();
  const metrics = createResponderMetrics();
  let running: Promise<SingleResponder> | undefined;
  let watch: DescriptorWatch | undefined;

  const start = async ({ debug, socketOptions, ...options }: WorkerOptions): Promise<SingleResponder> => {
    const log = logToPrimary(debug ? 'debug' : 'info');
    if (socketOptions === 'auto') await enableSocketOptions();
    const responder = await startResponder({ ...options, logger: log, metrics, peers });
    watch = new DescriptorWatch({
      clock: systemClock,
      log,
      held: () => responder.descriptors(),
      show: (unaccounted) => {
        metrics.counts.unaccounted = unaccounted;
      },
    });
    return responder;
  };

  const tellHowItStarted = (starting: Promise<SingleResponder>): Promise<void> =>
    starting.then(
      ({ addresses }) => tell({ kind: 'listening', addresses }),
      (error: unknown) => {
        const { message, code, port } = error as NodeJS.ErrnoException & { port?: number };
        tell(defined({ kind: 'failed', message, code, port }));
      },
    );

  const attend = async (open: boolean): Promise<void> => {
    try {
      await (await running)?.attend(open);
      tell({ kind: 'attends', open });
    } catch {
      // Some of several addresses may have been bound: "closed" must be true of all. The primary will ask again.
      await (await running)?.attend(false);
      setTimeout(() => tell({ kind: 'attends', open: false }), toMilliseconds(RETRY));
    }
  };

  const stop = async (): Promise<void> => {
    watch?.stop();
    await (await running?.catch(() => undefined))?.close();
    if (process.connected) process.disconnect();
  };

  process.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'start':
        running = start(message.options);
        void tellHowItStarted(running);
        return;
      case 'stop':
        void stop();
        return;
      case 'attend':
        void attend(message.open);
        return;
      case 'count':
        tell({ kind: 'counted', counts: metrics.counts });
        return;
      case 'orders':
        peers.receive(message.batch);
    }
  });
  // The primary decides when to end: it gets the terminal's signals as well.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  tell({ kind: 'online' });
}

if (cluster.isWorker) runWorker();
