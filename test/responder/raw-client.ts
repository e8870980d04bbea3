/** A bare client for tests: says what it is told to, keeps what it hears. */
import { connect, type Socket } from 'node:net';
import { randomHex } from '../../src/net/token.js';
import { decodeResponderMessage, encodeClientMessage } from '../../src/wire/codec.js';
import { LineSplitter } from '../../src/wire/lines.js';
import type { ClientMessage, Hello, ResponderMessage, Role } from '../../src/wire/messages.js';

/** How long a test waits for something that must happen. */
const DEADLINE_MS = 15_000;

export function newHello(role: Role = 'control', fields: Partial<Hello> = {}): Hello {
  const probe = role === 'probe' ? { probe: 0 } : {};
  return {
    kind: 'hello',
    version: 1,
    role,
    session: randomHex(16),
    nonce: randomHex(16),
    ...probe,
    ...fields,
  };
}

export class RawClient {
  readonly socket: Socket;
  readonly #splitter = new LineSplitter();
  readonly #waiting = new Set<() => void>();
  readonly messages: ResponderMessage[] = [];
  /** All bytes that arrived. */
  received = Buffer.alloc(0);
  sent = 0;
  closed = false;
  errorCode: string | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      for (const line of this.#splitter.push(chunk).lines) {
        const decoded = decodeResponderMessage(line);
        if (!decoded.ok) throw new Error(`the responder said ${JSON.stringify(line)}: ${decoded.problem}`);
        this.messages.push(decoded.message);
      }
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  static connect(port: number, localAddress = '127.0.0.1', host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, localAddress, noDelay: true });
      const client = new RawClient(socket);
      socket.once('connect', () => {
        // A port of the kernel's choice at which nobody listens any more may be chosen for this end, too.
        if (socket.localPort === port && socket.localAddress === host) {
          socket.destroy();
          reject(new Error(`connected to itself: nobody listens at ${host}:${port}`));
        } else resolve(client);
      });
      socket.once('error', reject);
    });
  }

  /** Connects, says hello and returns after the first answer. */
  static async open(port: number, hello: Hello = newHello(), localAddress?: string): Promise<RawClient> {
    const client = await RawClient.connect(port, localAddress);
    client.say(hello);
    await client.hear(1);
    return client;
  }

  say(message: ClientMessage): void {
    this.write(encodeClientMessage(message));
  }

  write(bytes: string | Buffer): void {
    this.sent += bytes.length;
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The first `count` messages, as soon as they are there. */
  async hear(count: number): Promise<ResponderMessage[]> {
    await this.until(() => this.messages.length >= count, `message ${count}`);
    return this.messages.slice(0, count);
  }

  /** The kind, or an error's code, of everything that was heard until the connection ended. */
  async hearToTheEnd(): Promise<string[]> {
    await this.until(() => this.closed, 'the end of the connection');
    return this.messages.map((message) => (message.kind === 'error' ? message.code : message.kind));
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const end = performance.now() + DEADLINE_MS;
    while (!condition()) {
      const left = end - performance.now();
      if (left <= 0 || (this.closed && what !== 'the end of the connection')) {
        throw new Error(
          `${what} did not come; heard ${JSON.stringify(this.messages)}, closed ${this.closed}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
