/** The program of one worker process of a responder; `primary.ts` starts it. */
import cluster from 'node:cluster';
import { pino } from 'pino';
import { systemClock } from '../../clock.js';
import { DescriptorWatch } from '../../descriptors.js';
import type { Discovery } from '../discovery/announcement-desk.js';
import type { Limits } from '../limits.js';
import type { ListenAddress } from '../listener.js';
import { createResponderMetrics, type ResponderCounts } from '../responder-metrics.js';
import { type Seconds, toMilliseconds } from '../../units.js';
import { type Batch, PeerQueue } from './peer-queue.js';
import type { PeerOrder, PeerRequest } from './peers.js';
import { type Responder, type SingleResponder, startResponder } from '../responder.js';

/** What a worker is started with. It comes as a message: an environment variable could be read by others. */
export interface WorkerOptions {
  readonly native: readonly ListenAddress[];
  readonly legacyEcho: readonly ListenAddress[];
  readonly legacySleep: readonly ListenAddress[];
  readonly token?: string;
  readonly limits: Partial<Limits>;
  /** Whether lines about single connections are wanted. */
  readonly debug: boolean;
  /** The same in all processes of a responder. */
  readonly instance: string;
  /** The primary has the book. */
  readonly discovery?: Pick<Discovery, 'interval'>;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly options: WorkerOptions }
  | { readonly kind: 'stop' }
  | { readonly kind: 'count' }
  | { readonly kind: 'attend'; readonly wanted: boolean }
  | { readonly kind: 'orders'; readonly batch: Batch<PeerOrder> };

export type FromWorker =
  | { readonly kind: 'online' }
  | { readonly kind: 'listening'; readonly addresses: Responder['addresses'] }
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string; readonly port?: number }
  /** It has begun to take connections, or has stopped. */
  | { readonly kind: 'attends'; readonly open: boolean }
  | { readonly kind: 'counted'; readonly counts: ResponderCounts }
  | { readonly kind: 'requests'; readonly batch: Batch<PeerRequest> }
  | { readonly kind: 'log'; readonly line: string };

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

/** Sends lines of the log to the primary, as many as it takes. */
function logWriter(): (line: string) => void {
  let underWay = 0;
  let dropped = 0;
  const left = (): void => {
    underWay -= 1;
    if (underWay > 0 || dropped === 0) return;
    send(JSON.stringify({ level: 20, dropped, msg: 'lines of the log were dropped' }));
    dropped = 0;
  };
  const send = (line: string): void => {
    underWay += 1;
    tell({ kind: 'log', line }, left);
  };
  return (line) => {
    if (underWay >= MOST_LOG_LINES) dropped += 1;
    else send(line);
  };
}

/** Serves until the primary says stop or is gone. */
function runWorker(): void {
  let running: Promise<SingleResponder> | undefined;
  const followers: ((order: PeerOrder) => void)[] = [];
  const takers: (() => void)[] = [];
  const requests = new PeerQueue<PeerRequest>((batch) => tell({ kind: 'requests', batch }));
  const peers = {
    follow(follower: (order: PeerOrder) => void) {
      followers.push(follower);
    },
    ask(request: PeerRequest) {
      if (request.kind === 'load') requests.pushNewest(request);
      else requests.push(request);
    },
    get full() {
      return requests.length >= MOST_REQUESTS;
    },
    whenTaken(run: () => void) {
      takers.push(run);
    },
  };

  const metrics = createResponderMetrics();
  let watch: DescriptorWatch | undefined;

  const serve = async ({ token, debug, ...options }: WorkerOptions): Promise<SingleResponder> => {
    const log = pino({ level: debug ? 'debug' : 'info', base: null }, { write: logWriter() });
    const secret = token === undefined ? {} : { token };
    const responder = await startResponder({ ...options, ...secret, logger: log, metrics, peers });
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

  const start = (options: WorkerOptions): void => {
    running = serve(options);
    running.then(
      ({ addresses }) => tell({ kind: 'listening', addresses }),
      (error: unknown) => {
        const { message, code, port } = error as NodeJS.ErrnoException & { port?: number };
        tell({
          kind: 'failed',
          message,
          ...(code === undefined ? {} : { code }),
          ...(port === undefined ? {} : { port }),
        });
      },
    );
  };

  const attend = async (wanted: boolean): Promise<void> => {
    await (await running)?.attend(wanted);
    tell({ kind: 'attends', open: wanted });
  };

  const stop = async (): Promise<void> => {
    watch?.stop();
    await (await running?.catch(() => undefined))?.close();
    if (process.connected) process.disconnect();
  };

  process.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'start':
        start(message.options);
        return;
      case 'stop':
        void stop();
        return;
      case 'attend':
        attend(message.wanted).catch(async () => {
          // Some of several addresses may have been bound: "closed" must be true of all. The primary will ask again.
          await (await running)?.attend(false);
          setTimeout(() => tell({ kind: 'attends', open: false }), toMilliseconds(RETRY));
        });
        return;
      case 'count':
        running?.then(
          ({ metrics }) => tell({ kind: 'counted', counts: metrics.counts }),
          // It has said why it failed, and the primary is about to end it.
          () => {},
        );
        return;
      case 'orders': {
        const { items, taken } = message.batch;
        for (const order of items) for (const obey of followers) obey(order);
        requests.handled(items.length);
        requests.taken(taken);
        for (const run of takers) run();
      }
    }
  });
  // The primary decides when to end: it gets the terminal's signals as well.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  tell({ kind: 'online' });
}

if (cluster.isWorker) runWorker();
