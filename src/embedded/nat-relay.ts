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
import type { Seconds } from '../units.js';
import { ExpiryQueue } from './expiry-queue.js';
import type { Mapping, MappingTable } from './mapping-table.js';

export interface RelayOptions {
  /** Where every accepted connection is relayed to. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** What is remembered; relays that share one are doors of one box. */
  readonly table: MappingTable;
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

/** The two connections that the relay ties together. */
interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly mapping: Mapping;
  forgotten: boolean;
}

/** Starts a relay. Rejects when it cannot listen. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { upstream: target, table, onExpiry, listenHost = '127.0.0.1' } = options;
  const connecting = new Set<Pair>();
  const remembered = new Set<Pair>();

  const ghosts = new ExpiryQueue<Pair>(GHOST_LIFETIME, end);

  /** The table has forgotten it. */
  function expire(pair: Pair): void {
    remembered.delete(pair);
    pair.forgotten = true;
    if (onExpiry === 'reset') {
      reset(pair);
      return;
    }
    ghosts.touch(pair);
    // Backpressure may have stopped either side: read on, or nobody would notice its end.
    pair.client.resume();
    pair.upstream.resume();
  }

  function forget(pair: Pair): void {
    connecting.delete(pair);
    remembered.delete(pair);
    table.delete(pair.mapping);
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
      if (pair.forgotten || !table.touch(pair.mapping)) return;
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
    const mapping: Mapping = {
      forget: () => {
        expire(pair);
      },
    };
    const pair: Pair = { client, upstream, mapping, forgotten: false };
    connecting.add(pair);
    carry(pair, client, upstream);
    carry(pair, upstream, client);
    upstream.once('connect', () => {
      connecting.delete(pair);
      if (client.destroyed) {
        upstream.destroy();
        return;
      }
      remembered.add(pair);
      table.add(mapping);
      client.resume();
    });
  });
  const address = await listen(server, listenHost);
  // accept() failed, most often for want of descriptors: to the client an outage like any other.
  server.on('error', () => undefined);

  return {
    address,
    get remembered() {
      return remembered.size;
    },
    get forgotten() {
      return ghosts.size;
    },
    descriptors: () => {
      const sockets = [...connecting, ...remembered, ...ghosts].flatMap(({ client, upstream }) => [
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
        for (const pair of [...connecting, ...remembered, ...ghosts.drain()]) end(pair);
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
