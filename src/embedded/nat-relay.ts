/**
 * The built-in NAT: a TCP relay on loopback that forgets a connection which carried no byte for a given time.
 *
 * It imitates what matters to a prober: the established connection idle-timeout, exact to some milliseconds, with
 * either behaviour towards the forgotten, silence or RST. It cannot imitate the rest, because it ends two TCP
 * connections instead of passing segments on:
 *
 * - Its kernel acknowledges what the relay swallows and answers keepalives, so a forgotten connection still looks
 *   alive to keepalive probes. Connections that are probed by keepalive need `reset`.
 * - Keepalives do not count as traffic, they never reach the relay.
 * - It accepts before it has reached the upstream; an upstream that is down shows as a reset, not as a refusal.
 * - No ports are rewritten, no segment is lost, no mapping is revived from inside.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetOrDestroy } from '../net/reset.js';
import { type Seconds, toMilliseconds } from '../units.js';

export interface RelayOptions {
  /** Where every accepted connection is relayed to. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** Silence in both directions after which a connection is forgotten, > 0. */
  readonly idleTimeout: Seconds;
  /** `drop`: bytes vanish from then on, both ends stay open. `reset`: both ends receive a RST. */
  readonly onExpiry: 'drop' | 'reset';
  /** Address to listen on; `127.0.0.1` when absent. The kernel chooses the port. */
  readonly listenHost?: string;
}

export interface Relay {
  readonly address: { readonly host: string; readonly port: number };
  /** Connections that are still remembered. */
  readonly remembered: number;
  /** Connections that were forgotten and are still held open by their client. */
  readonly forgotten: number;
  /** How many descriptors its listener and both ends of all its connections hold. */
  descriptors(): number;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/**
 * How long a forgotten connection is kept open at most. Longer than any idle time that is worth testing: a prober
 * that comes back late must find silence, not the end of our patience.
 */
const GHOST_LIFETIME: Seconds = 7 * 86_400;

/** The longest delay that one Node timer can hold; longer ones would fire at once. */
const LONGEST_DELAY = 2_147_483_647;

/** The two connections that the relay ties together. */
interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Monotonic time of the last byte in either direction, or of being forgotten; milliseconds. */
  since: number;
  forgotten: boolean;
}

/** Pairs that all expire the same time after they were last touched: the oldest first, one timer for all. */
class ExpiryQueue {
  readonly #pairs = new Set<Pair>();
  readonly #patience: number;
  readonly #expire: (pair: Pair) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(patience: Seconds, expire: (pair: Pair) => void) {
    this.#patience = toMilliseconds(patience);
    this.#expire = expire;
  }

  get size(): number {
    return this.#pairs.size;
  }

  [Symbol.iterator](): Iterator<Pair> {
    return this.#pairs.values();
  }

  /** Whether the pair's time is over, even if its timer is late. */
  isOver(pair: Pair): boolean {
    return performance.now() - pair.since >= this.#patience;
  }

  /** Puts a pair at the end of the queue, its time starting now. */
  touch(pair: Pair): void {
    pair.since = performance.now();
    this.#pairs.delete(pair);
    this.#pairs.add(pair);
    this.#arm();
  }

  delete(pair: Pair): void {
    this.#pairs.delete(pair);
  }

  /** Forgets every pair and stops the timer. */
  drain(): Pair[] {
    const pairs = [...this.#pairs];
    this.#pairs.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return pairs;
  }

  /** Sets the timer for the oldest pair unless it is set; a pair touched meanwhile only makes it ring early. */
  #arm(): void {
    const [oldest] = this.#pairs;
    if (oldest === undefined || this.#timer !== undefined) return;
    const delay = Math.max(0, Math.ceil(oldest.since + this.#patience - performance.now()));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        for (const pair of this.#pairs) {
          if (!this.isOver(pair)) break;
          this.#pairs.delete(pair);
          this.#expire(pair);
        }
        this.#arm();
      },
      Math.min(delay, LONGEST_DELAY),
    );
  }
}

/** Starts a relay. Rejects when it cannot listen. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { upstream: target, idleTimeout, onExpiry, listenHost = '127.0.0.1' } = options;
  const connecting = new Set<Pair>();

  const ghosts = new ExpiryQueue(GHOST_LIFETIME, end);
  const alive = new ExpiryQueue(idleTimeout, (pair) => {
    pair.forgotten = true;
    if (onExpiry === 'reset') {
      reset(pair);
      return;
    }
    ghosts.touch(pair);
    // Backpressure may have stopped either side: read on, or nobody would notice its end.
    pair.client.resume();
    pair.upstream.resume();
  });

  function forget(pair: Pair): void {
    connecting.delete(pair);
    alive.delete(pair);
    ghosts.delete(pair);
  }

  function end(pair: Pair): void {
    forget(pair);
    pair.client.destroy();
    pair.upstream.destroy();
  }

  function reset(pair: Pair): void {
    forget(pair);
    resetOrDestroy(pair.client);
    resetOrDestroy(pair.upstream);
  }

  /**
   * Whether nobody waits at the client's end of a forgotten connection. After its FIN nothing is read there any more,
   * and a RST would not be noticed: once the other end has gone as well, nothing would ever come of it.
   */
  function clientIsGone(pair: Pair, from: Socket): boolean {
    return from === pair.client || pair.client.readableEnded;
  }

  /** Carries what `from` says to `to`, as long as the pair is remembered. */
  function carry(pair: Pair, from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      // The timer may be late; the mapping is gone all the same.
      if (pair.forgotten || alive.isOver(pair)) return;
      alive.touch(pair);
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => {
      if (!pair.forgotten) to.end();
      else if (clientIsGone(pair, from)) end(pair);
      // Nothing more can come from there, and nothing is sent there: only the client is still waited for.
      else from.destroy();
    });
    from.on('error', () => {
      if (!pair.forgotten) reset(pair);
    });
    from.on('close', () => {
      // Nobody waits for a forgotten connection once its client is gone; a client never hears of the other end.
      if (pair.forgotten && clientIsGone(pair, from)) end(pair);
      else if (pair.client.destroyed && pair.upstream.destroyed) forget(pair);
    });
  }

  const server = createServer({ allowHalfOpen: true, keepAlive: false, noDelay: true, pauseOnConnect: true });
  server.on('connection', (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true, keepAlive: false, noDelay: true });
    const pair: Pair = { client, upstream, since: performance.now(), forgotten: false };
    connecting.add(pair);
    carry(pair, client, upstream);
    carry(pair, upstream, client);
    upstream.once('connect', () => {
      connecting.delete(pair);
      if (client.destroyed) {
        upstream.destroy();
        return;
      }
      alive.touch(pair);
      client.resume();
    });
  });
  const address = await listen(server, listenHost);
  // accept() failed, most often for want of descriptors: to the client an outage like any other.
  server.on('error', () => undefined);

  return {
    address,
    get remembered() {
      return alive.size;
    },
    get forgotten() {
      return ghosts.size;
    },
    descriptors: () => {
      const sockets = [...connecting, ...alive, ...ghosts].flatMap(({ client, upstream }) => [
        client,
        upstream,
      ]);
      return sockets.filter(({ destroyed }) => !destroyed).length + (server.listening ? 1 : 0);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const pair of [...connecting, ...alive.drain(), ...ghosts.drain()]) end(pair);
      }),
  };
}

/** Listens on a port of the kernel's choice. */
async function listen(server: Server, host: string): Promise<Relay['address']> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0, backlog: 511 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
