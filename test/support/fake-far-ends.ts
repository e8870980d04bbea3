/** Far ends for connections in virtual time: one that speaks the native protocol, and those of NAT-TCP-test. */
import { randomHex, sameMac, tokenMac } from '../../src/net/token.js';
import { decodeClientMessage, encodeResponderMessage } from '../../src/wire/codec.js';
import { macInput } from '../../src/wire/proofs.js';
import { decodeSleepRequest } from '../../src/wire/nat-tcp-test-messages.js';
import { LineSplitter } from '../../src/wire/lines.js';
import type { ClientMessage, Hello, ResponderMessage } from '../../src/wire/messages.js';
import type { FakeClock } from './fake-clock.js';
import type { FakeLink } from './fake-link.js';

const WRONG = 'f'.repeat(16);

/** Does what docs/PROTOCOL.md asks of a responder, as far as probes, canaries and checks need it. */
export class FakeResponder {
  readonly #token: string | undefined;
  readonly #probes = new Map<number, FakeLink>();
  readonly #controls = new Set<FakeLink>();
  #ringing: { readonly control: FakeLink; readonly nonce: string } | undefined;
  /** All that was heard. */
  readonly heard: ClientMessage[] = [];
  /** What it does not say although it should. */
  readonly withholds = new Set<ResponderMessage['kind']>();
  instance = '0011223344556677';
  /** The process that has the probes is stopped: nothing is answered on them, and nothing is told of them. */
  hangs = false;
  /** Answers and rings, but never with the number that it was given. */
  lies = false;

  constructor(token?: string) {
    this.#token = token;
  }

  /** Give this to the network. */
  readonly serve = (link: FakeLink): void => {
    const splitter = new LineSplitter();
    let hello: Hello | undefined;
    let challenge: string | undefined;
    const hear = (message: ClientMessage): void => {
      this.heard.push(message);
      if (message.kind === 'hello') {
        hello = message;
        if (this.#token === undefined) this.#welcome(link, message);
        else this.#say(link, { kind: 'challenge', nonce: (challenge = randomHex(16)) });
      } else if (message.kind === 'auth' && hello !== undefined && challenge !== undefined) {
        const expected = tokenMac(this.#token ?? '', macInput('client', hello, challenge));
        if (sameMac(expected, message.mac)) this.#welcome(link, hello, challenge);
        else this.#say(link, { kind: 'error', code: 'auth' });
      } else if (!this.hangs || (hello?.role !== 'probe' && message.kind !== 'call'))
        this.#answer(link, message);
    };
    link.own({
      data: (chunk) => {
        for (const line of splitter.push(chunk).lines) {
          const decoded = decodeClientMessage(line);
          if (!decoded.ok) throw new Error(`the client said ${line}: ${decoded.problem}`);
          hear(decoded.message);
        }
      },
      ended: ({ kind }) => this.#ended(link, kind),
    });
  };

  /** Forgets every probe, as if it had seen them end. */
  forget(): void {
    this.#probes.clear();
  }

  /** Sees the connection of this client end, and tells so. */
  see(client: string, kind: string): void {
    for (const link of this.#probes.values()) if (link.remote === client) this.#ended(link, kind);
  }

  #welcome(link: FakeLink, hello: Hello, challenge?: string): void {
    if (hello.role === 'control') this.#controls.add(link);
    if (hello.probe !== undefined) this.#probes.set(hello.probe, link);
    const welcome = {
      kind: 'welcome',
      version: 1,
      nonce: hello.nonce,
      seen: link.remote,
      instance: this.instance,
    } as const;
    const proof =
      challenge === undefined
        ? {}
        : { mac: tokenMac(this.#token ?? '', macInput('responder', hello, challenge, welcome)) };
    this.#say(link, { ...welcome, ...proof });
  }

  #answer(link: FakeLink, message: ClientMessage): void {
    if (message.kind === 'ping') this.#say(link, { kind: 'pong', nonce: this.lies ? WRONG : message.nonce });
    else if (message.kind === 'answer') {
      const probe = this.#numberOf(link);
      const { control, nonce } = this.#ringing ?? {};
      if (probe !== undefined && control !== undefined && nonce === message.nonce)
        this.#say(control, { kind: 'heard', probe, nonce });
    } else if (message.kind === 'call') {
      const { probe: number, nonce } = message;
      const probe = this.#probes.get(number);
      if (probe === undefined)
        return this.#say(link, { kind: 'error', code: 'unknown_probe', probe: number });
      this.#ringing = { control: link, nonce };
      this.#say(probe, { kind: 'ring', nonce: this.lies ? WRONG : nonce });
      this.#say(link, { kind: 'rung', probe: number, nonce });
    } else if (message.kind === 'drop') this.#probes.delete(message.probe);
  }

  /** The session's controls are told how a probe ended. */
  #ended(link: FakeLink, kind: string): void {
    this.#controls.delete(link);
    const probe = this.#numberOf(link);
    if (probe === undefined) return;
    this.#probes.delete(probe);
    const cause = kind === 'reset' ? 'reset' : 'closed';
    for (const control of this.#controls) this.#say(control, { kind: 'gone', probe, cause });
  }

  #numberOf(link: FakeLink): number | undefined {
    return [...this.#probes].find(([, probe]) => probe === link)?.[0];
  }

  #say(link: FakeLink, message: ResponderMessage): void {
    if (!this.withholds.has(message.kind)) link.write(encodeResponderMessage(message));
  }
}

/** The original's echo server: one read, one write, close. */
export function serveEcho(link: FakeLink): void {
  once(link, (bytes) => {
    link.write(bytes);
    link.destroy();
  });
}

/** The original's sleep server: writes what it has read after as many seconds as that says. */
export function serveSleep(clock: FakeClock): (link: FakeLink) => void {
  return (link) =>
    once(link, (bytes) =>
      clock.after(decodeSleepRequest(bytes.toString('latin1')) ?? 0, () => {
        link.write(bytes);
        link.destroy();
      }),
    );
}

/** Reads and never says a word. */
export function serveSilence(link: FakeLink): void {
  once(link, () => undefined);
}

function once(link: FakeLink, read: (bytes: Buffer) => void): void {
  let done = false;
  link.own({
    data: (chunk) => {
      if (done) return;
      done = true;
      read(Buffer.from(chunk));
    },
    ended: () => undefined,
  });
}
