/** `/api/v1/events`: tells connected readers which targets changed, as server-sent events. */
import type { RequestHandler, Response } from 'express';
import type { EngineView, TargetSnapshot, WaitingConnection } from '../engine/snapshot.js';
import { clientKey } from '../net/client-address.js';
import { siteShare } from '../net/descriptor-shares.js';
import type { Milliseconds } from '../units.js';
import { guarded } from './guard.js';

export interface LiveEvents {
  readonly handler: RequestHandler;
  /** Ends every stream. */
  close(): void;
}

export interface LiveEventsOptions {
  /** How often the snapshots are looked at while somebody listens; 1 s unless a test is in a hurry. */
  readonly interval?: Milliseconds;
  /** Most readers at once; the next one gets 503. A stream never ends by itself: some room must be left for others. */
  readonly maxReaders?: number;
  /** Most readers of one client, see `clientKey`. */
  readonly maxReadersPerClient?: number;
}

/** A comment is sent when nothing else was for this long, so that proxies keep the stream open. */
const HEARTBEAT_MS: Milliseconds = 15_000;
/** A reader that does not take its events is dropped when this much waits for it, bytes. */
const MOST_BUFFERED = 1 << 20;
export function createLiveEvents(view: EngineView, options: LiveEventsOptions = {}): LiveEvents {
  const interval = options.interval ?? 1000;
  const share = siteShare(Number.POSITIVE_INFINITY);
  const { maxReaders = share.streams, maxReadersPerClient = share.streamsPerClient } = options;
  /** Whose each stream is, see `clientKey`. One that is not read is ended by the site, see `LONGEST_PAUSE`. */
  const readers = new Map<Response, string>();
  let known = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let quietSince = performance.now();
  let closed = false;

  const send = (text: string): void => {
    quietSince = performance.now();
    for (const reader of readers.keys()) {
      if (reader.writableLength > MOST_BUFFERED) reader.destroy();
      else reader.write(text);
    }
  };

  const look = (): void => {
    const before = known;
    known = changeKeys(view.targets());
    const sameTargets = before.size === known.size && [...known.keys()].every((name) => before.has(name));
    if (!sameTargets) {
      send(event('targets', { targets: [...known.keys()] }));
      return;
    }
    const changed = [...known].filter(([name, key]) => before.get(name) !== key).map(([name]) => name);
    if (changed.length > 0) send(event('changed', { targets: changed }));
    else if (performance.now() - quietSince > HEARTBEAT_MS) send(': still here\n\n');
  };

  const leave = (reader: Response): void => {
    readers.delete(reader);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    handler: (request, response) => {
      const client = clientKey(request.socket.remoteAddress ?? '');
      const ofClient = [...readers.values()].filter((other) => other === client).length;
      if (closed || readers.size >= maxReaders || ofClient >= maxReadersPerClient) {
        response.status(503).type('text/plain').send('too many readers of events\n');
        return;
      }
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      });
      response.write('retry: 3000\n\n');
      readers.set(response, client);
      response.on('close', () => leave(response));
      if (timer !== undefined) return;
      known = changeKeys(view.targets());
      timer = setInterval(look, interval);
      timer.unref();
    },
    close() {
      closed = true;
      for (const reader of readers.keys()) reader.end();
    },
  };
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function changeKeys(targets: readonly TargetSnapshot[]): Map<string, number> {
  // The page tells of a target that cannot be shown; here it only must not end the stream, or the process.
  const keyOf = (target: TargetSnapshot): number =>
    guarded<number>(
      target,
      () => undefined,
      changeKey,
      () => -1,
    );
  return new Map(targets.map((target) => [target.config.name, keyOf(target)]));
}

/** A number that differs whenever a reader would see something else of the target, the passing of time aside. */
export function changeKey(target: TargetSnapshot): number {
  const { modes, events, explanations, up, downReason, seenAddress, address, keepaliveRecommended } = target;
  const words: unknown[] = [up, downReason, seenAddress, address, target.localAddress, target.natDetected];
  words.push(
    target.routerAddress,
    keepaliveRecommended,
    target.conntrack.local,
    target.conntrack.responder,
    target.localization.responder,
    events.length,
  );
  words.push(target.verdict.sentence, events.at(-1)?.at, events.at(-1)?.text);
  words.push(...explanations.map(({ text }) => text));
  for (const { kind, held, at } of target.proving?.proofs ?? []) words.push(kind, held, at);
  for (const { finding, confirmedTimestamp, tests, waiting } of modes) {
    const { phase, lower, upper, timeout, compliant, suspect, deaths } = finding;
    words.push(phase, lower, upper, timeout, compliant, suspect, deaths, confirmedTimestamp);
    words.push(tests.length, tests.at(-1)?.id, tests.at(-1)?.at, waitingKey(waiting));
  }
  return hash(words.join('\n'));
}

function waitingKey(waiting: readonly WaitingConnection[]): number {
  let key = waiting.length;
  for (const { id, state, testAt } of waiting) {
    key = (Math.imul(key, 31) + id * 4 + state.length + Math.round(testAt ?? 0) * 7) | 0;
  }
  return key;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
