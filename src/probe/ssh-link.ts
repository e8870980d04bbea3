/**
 * A connection to an SSH server as two things: the stream that ssh2 speaks over, and the link that a conversation with
 * the program at its far end uses. Below both is our own socket: its keepalives, its end and its silence stay ours.
 */
import { Duplex } from 'node:stream';
import type { Channel, Client } from 'ssh2';
import type { LinkEnd } from '../net/errors.js';
import type { Link, LinkHandler } from '../net/link.js';
import type { UnansweredProbes } from '../net/tcp-table.js';
import type { Seconds } from '../units.js';

/** What ssh2 takes for a socket. */
export class LinkStream extends Duplex {
  readonly link: Link;
  /** Told how the connection ended, when it does; there is one listener. */
  whenOver: (end: LinkEnd) => void = () => undefined;
  /** Called for whatever arrives. */
  whenHeard: () => void = () => undefined;

  constructor(link: Link) {
    super();
    this.link = link;
    link.own({
      data: (chunk) => {
        this.whenHeard();
        // The chunk is the link's own again as soon as this returns.
        this.push(Buffer.from(chunk));
      },
      ended: (end) => {
        this.whenOver(end);
        this.destroy();
      },
    });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.link.write(chunk);
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.link.destroy();
    done();
  }
}

/** Who speaks at the far end: a program on a channel, or the server itself. */
interface Speaker {
  write(text: string): void;
  /** Calls `hear` for what it says and `ended` when it has gone although the connection stands. */
  attend(hear: (chunk: Buffer) => void, ended: (detail: string) => void): void;
}

/** The program that was started on a channel. */
export function programOn(channel: Channel): Speaker {
  return {
    write: (text) => void channel.write(text),
    attend: (hear, ended) => {
      channel.on('data', hear);
      // Nobody reads what it complains of, which may be much.
      channel.stderr.resume();
      channel.on('close', () => ended('the program at the far end has ended'));
    },
  };
}

/** The port of a forwarding that nobody asked for: the server has to answer that there is none. */
const NO_FORWARDING = ['127.0.0.1', 1] as const;

/** The server itself where it runs no program: it has to answer a global request (RFC 4254 section 4). */
export function serverOf(client: Client): Speaker {
  let heard: (chunk: Buffer) => void = () => undefined;
  return {
    write: (text) => {
      const [, nonce] = /^ping (\w+)\n$/.exec(text) ?? [];
      if (nonce === undefined) return;
      client.unforwardIn(...NO_FORWARDING, () => heard(Buffer.from(`pong ${nonce}\n`)));
    },
    attend: (hear) => {
      heard = hear;
    },
  };
}

/** What a conversation with the far end goes over. */
export class SshLink implements Link {
  readonly #stream: LinkStream;
  readonly #client: Client;
  readonly #speaker: Speaker;
  #handler: LinkHandler | undefined;
  #end: LinkEnd | undefined;
  /** Called for whatever arrives on the socket, the protocol's own messages, too. */
  whenHeard: (() => void) | undefined;

  constructor(stream: LinkStream, client: Client, speaker: Speaker) {
    this.#stream = stream;
    this.#client = client;
    this.#speaker = speaker;
    stream.whenOver = (end) => this.#finish(end);
    stream.whenHeard = () => this.whenHeard?.();
    // Whatever is wrong now was said by the server itself, or is not SSH: no sign of a mapping.
    client.on('error', ({ message }: Error) =>
      this.#finish({ kind: 'local', detail: message.slice(0, 200) }),
    );
    speaker.attend(
      (chunk) => this.#handler?.data(chunk),
      (detail) => this.#finish({ kind: 'local', detail }),
    );
    if (stream.link.end !== undefined) this.#finish(stream.link.end);
  }

  get localAddress(): string {
    return this.#stream.link.localAddress;
  }
  get localPort(): number {
    return this.#stream.link.localPort;
  }
  get remoteAddress(): string {
    return this.#stream.link.remoteAddress;
  }
  get remotePort(): number {
    return this.#stream.link.remotePort;
  }
  get local(): string {
    return this.#stream.link.local;
  }
  get remote(): string {
    return this.#stream.link.remote;
  }
  get end(): LinkEnd | undefined {
    return this.#end;
  }

  own(handler: LinkHandler): void {
    this.#handler = handler;
    if (this.#end !== undefined) handler.ended(this.#end);
  }

  write(bytes: string | Uint8Array): void {
    if (this.#end === undefined) this.#speaker.write(bytes.toString());
  }

  setKeepAlive(on: boolean): void {
    this.#stream.link.setKeepAlive(on);
  }

  holdByKeepAlive(interval: Seconds): void {
    this.#stream.link.holdByKeepAlive(interval);
  }

  unansweredProbes(): Promise<UnansweredProbes> {
    return this.#stream.link.unansweredProbes();
  }

  isAcknowledged(): Promise<boolean | undefined> {
    return this.#stream.link.isAcknowledged();
  }

  refresh(...asked: Parameters<Link['refresh']>): ReturnType<Link['refresh']> {
    return this.#stream.link.refresh(...asked);
  }

  reaches(hops: number): Promise<boolean | undefined> {
    return this.#stream.link.reaches(hops);
  }

  segmentsHeard(): number | undefined {
    return this.#stream.link.segmentsHeard?.();
  }

  destroy(): void {
    this.#handler = undefined;
    this.#end ??= { kind: 'closed', detail: 'closed by us' };
    // Says so, which keeps the server's log free of lost connections.
    this.#client.end();
    this.#stream.destroy();
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stream.destroy();
    this.#handler?.ended(end);
  }
}
