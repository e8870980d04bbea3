/** TCP connections in virtual time, over a path that a test bends: it delays, forgets, swallows and resets. */
import type { Clock, Timer } from '../../src/clock.js';
import type { LinkEnd } from '../../src/net/errors.js';
import { ConnectError, type Link, type LinkHandler, type OpenLink } from '../../src/net/link.js';
import type { UnansweredProbes } from '../../src/net/tcp-table.js';
import type { Seconds } from '../../src/units.js';

const NEAR = '192.0.2.2';
const FAR = '203.0.113.9';
/** Keepalive probes, one a second, after which Linux gives a connection up. */
const MOST_PROBES = 10;

/** What the box between the ends does with a connection that it has forgotten. */
export type Forgetfulness =
  /** swallows its packets */
  | 'drop'
  /** answers its packets with a RST */
  | 'reset'
  /** sends a RST to both ends in the moment in which it forgets */
  | 'reset_idle';

/** A path with one far end for each port. */
export class FakeNetwork {
  readonly #clock: Clock;
  readonly #servers = new Map<number, (link: FakeLink) => void>();
  #lastPort = 40_000;
  /** One way, seconds. */
  latency: Seconds = 0.03;
  /** Whether packets pass at all. */
  passes = true;
  /** For how long the box remembers an idle connection, seconds. */
  idleTimeout: Seconds = Infinity;
  forgetfulness: Forgetfulness = 'drop';
  /** Whether the box swallows TCP keepalives. */
  eatsKeepalives = false;
  /** The near ends of all connections that were ever opened. */
  readonly opened: FakeLink[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Serves at a port; `serve` gets the far end of each connection. */
  listen(port: number, serve: (link: FakeLink) => void): void {
    this.#servers.set(port, serve);
  }

  /** What takes the place of `openLink`. */
  readonly openLink: OpenLink = async (endpoint, deadline, signal) => {
    const serve = this.#servers.get(endpoint.port);
    const failed = (end: LinkEnd): ConnectError => new ConnectError(endpoint, end);
    const arrives = this.passes;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(arrives ? 2 * this.latency : deadline, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
      if (signal.aborted) resolve();
    });
    if (signal.aborted) throw failed({ kind: 'local', detail: 'called off' });
    if (!arrives) throw failed({ kind: 'silence', detail: `no answer within ${deadline} s` });
    if (serve === undefined) throw failed({ kind: 'refused', detail: 'connection refused' });
    const mapping = new Mapping(this, this.#clock);
    const port = (this.#lastPort += 1);
    const near = new FakeLink(mapping, [NEAR, port], [endpoint.address, endpoint.port]);
    const far = new FakeLink(mapping, [FAR, endpoint.port], [NEAR, port]);
    mapping.join(near, far);
    this.opened.push(near);
    serve(far);
    return near;
  };
}

/** The entry of the box for one connection. */
class Mapping {
  readonly network: FakeNetwork;
  readonly clock: Clock;
  #ends: readonly FakeLink[] = [];
  #usedAt: Seconds;
  #expiry: Timer | undefined;
  forgotten = false;

  constructor(network: FakeNetwork, clock: Clock) {
    this.network = network;
    this.clock = clock;
    this.#usedAt = clock.monotonic();
  }

  join(near: FakeLink, far: FakeLink): void {
    this.#ends = [near, far];
    this.#use();
  }

  peerOf(link: FakeLink): FakeLink | undefined {
    return this.#ends.find((end) => end !== link);
  }

  /** A packet of `from` meets the box: whether it passes. */
  carries(from: FakeLink): boolean {
    const { latency, passes, idleTimeout, forgetfulness } = this.network;
    if (!passes) return false;
    if (this.clock.monotonic() - this.#usedAt >= idleTimeout) this.forgotten = true;
    if (this.forgotten) {
      if (forgetfulness === 'reset')
        this.clock.after(latency, () => from.finish({ kind: 'reset', detail: 'connection reset' }));
      return false;
    }
    this.#use();
    return true;
  }

  #use(): void {
    const { idleTimeout, forgetfulness } = this.network;
    this.#usedAt = this.clock.monotonic();
    this.#expiry?.cancel();
    if (forgetfulness !== 'reset_idle' || idleTimeout === Infinity) return;
    this.#expiry = this.clock.after(idleTimeout, () => {
      this.forgotten = true;
      for (const end of this.#ends) end.finish({ kind: 'reset', detail: 'connection reset' });
    });
  }
}

/** One end of a connection; tests use it as far end, too. */
export class FakeLink implements Link {
  readonly #mapping: Mapping;
  #handler: LinkHandler | undefined;
  #end: LinkEnd | undefined;
  #probing: Timer | undefined;
  #unanswered = 0;
  /** How much was written that the other end has not acknowledged. */
  #unacknowledged = 0;
  /** When something arrived last, seconds. */
  #heardAt: Seconds;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Whether TCP keepalive is on. */
  keepAlive = false;
  /** All that was written, as text. */
  written = '';

  constructor(mapping: Mapping, local: readonly [string, number], remote: readonly [string, number]) {
    this.#mapping = mapping;
    this.#heardAt = mapping.clock.monotonic();
    [this.localAddress, this.localPort] = local;
    [this.remoteAddress, this.remotePort] = remote;
  }

  get local(): string {
    return written(this.localAddress, this.localPort);
  }

  get remote(): string {
    return written(this.remoteAddress, this.remotePort);
  }

  get end(): LinkEnd | undefined {
    return this.#end;
  }

  own(handler: LinkHandler): void {
    this.#handler = handler;
    if (this.#end !== undefined) handler.ended(this.#end);
  }

  write(bytes: string | Uint8Array): void {
    if (this.#end !== undefined) return;
    const chunk = Buffer.from(bytes as Uint8Array);
    this.written += chunk.toString('latin1');
    this.#unacknowledged += 1;
    this.#send((peer) => {
      peer.#heardAt = this.#mapping.clock.monotonic();
      if (peer.#end === undefined) {
        peer.#send((self) => (self.#unacknowledged -= 1));
        peer.#handler?.data(chunk);
      }
      // The kernel of an end that has gone answers with a RST.
      else peer.#send((self) => self.finish({ kind: 'reset', detail: 'connection reset' }));
    });
  }

  setKeepAlive(on: boolean): void {
    this.keepAlive = on;
    this.#probing?.cancel();
    if (on) this.#probe(1);
    else this.#unanswered = 0;
  }

  holdByKeepAlive(interval: Seconds): void {
    this.keepAlive = true;
    this.#probe(interval);
  }

  unansweredProbes(): Promise<UnansweredProbes> {
    return Promise.resolve(this.#end === undefined ? this.#unanswered : 'gone');
  }

  isAcknowledged(): Promise<boolean> {
    return Promise.resolve(this.#unacknowledged === 0);
  }

  /** As on a host without socket options. */
  refresh(): undefined {
    return undefined;
  }

  reaches(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** Closes: a FIN leaves. */
  destroy(): void {
    if (this.#end === undefined)
      this.#send((peer) => peer.finish({ kind: 'closed', detail: 'closed by the far end' }));
    this.#handler = undefined;
    this.#over({ kind: 'closed', detail: 'closed by us' });
  }

  /** Ends the connection with a RST. */
  reset(): void {
    this.#send((peer) => peer.finish({ kind: 'reset', detail: 'connection reset' }));
    this.#over({ kind: 'closed', detail: 'closed by us' });
  }

  /** The box forgets this connection, now. */
  forget(): void {
    this.#mapping.forgotten = true;
  }

  /** The end of the connection as this end learns of it; the first word counts. */
  finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#over(end);
    this.#handler?.ended(end);
  }

  #over(end: LinkEnd): void {
    this.#end ??= end;
    this.#probing?.cancel();
  }

  #send(arrive: (peer: FakeLink) => void): void {
    const { network, clock } = this.#mapping;
    const peer = this.#mapping.peerOf(this);
    if (peer !== undefined && this.#mapping.carries(this)) clock.after(network.latency, () => arrive(peer));
  }

  /** The kernel sends a keepalive probe once nothing has arrived for so long, and another each second until it has. */
  #probe(idle: Seconds): void {
    const { clock, network } = this.#mapping;
    const left = this.#heardAt + idle - clock.monotonic();
    // The least one is only asked for on connections that have idled for longer.
    if (idle > 1 && this.#unanswered === 0 && left > 1e-9) {
      this.#probing = clock.after(left, () => this.#probe(idle));
      return;
    }
    if (this.#unanswered >= MOST_PROBES) return this.finish({ kind: 'silence', detail: 'no answer' });
    this.#unanswered += 1;
    if (!network.eatsKeepalives)
      this.#send((peer) => {
        if (peer.#end === undefined)
          peer.#send((self) => {
            self.#unanswered = 0;
            self.#heardAt = clock.monotonic();
          });
      });
    this.#probing = clock.after(1, () => this.#probe(idle));
  }
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`. */
function written(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
