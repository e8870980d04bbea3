/** The native protocol as its client: hello, token, heartbeat canaries that also carry requests, probes. */
import type { Clock } from '../clock.js';
import type { Mode } from '../core/modes.js';
import type { LinkEnd } from '../net/errors.js';
import { openLink, type Endpoint, type OpenLink } from '../net/link.js';
import { randomHex, sameMac, tokenMac } from '../net/token.js';
import type { Seconds } from '../units.js';
import {
  announcementMacInput,
  decodeResponderMessage,
  encodeClientMessage,
  macInput,
} from '../wire/codec.js';
import { LineSplitter } from '../wire/lines.js';
import {
  type Hello,
  PROTOCOL_VERSION,
  type RejectCode,
  type ResponderMessage,
  type Role,
  type Welcome,
} from '../wire/messages.js';
import type { AnnouncementChannel, Announcer } from './announcer.js';
import { Conversation, type Decoder } from './conversation.js';
import {
  DELAYED_ACK,
  FarEndError,
  type Canary,
  type Introduction,
  type Path,
  type ProbeConnection,
} from './path.js';
import type { Moment, Observation, TestContext } from './prober.js';
import { PROBERS } from './table.js';

export interface NativePathOptions {
  readonly clock: Clock;
  /** Seconds that a connection, its hello included, may take to open. */
  readonly deadline: Seconds;
  /** Where connections of this mode go; canaries and checks go to `endpoint('send')`. */
  readonly endpoint: (mode: Mode) => Endpoint;
  /** The shared secret; read anew for each connection so that it can be rotated. */
  readonly token?: string;
  /** Announces this exporter over the canaries; needs the token. */
  readonly announcer?: Announcer;
  /** Opens the connections; real sockets unless given. */
  readonly openLink?: OpenLink;
}

/** A native path is one session: a secret of its own ties its connections together. */
export function createNativePath(options: NativePathOptions): Path {
  return new NativePath(options);
}

class NativePath implements Path {
  readonly #options: NativePathOptions;
  readonly #session = randomHex(16);
  readonly #canaries = new Set<NativeCanary>();
  readonly #probes = new Map<number, NativeProbe>();
  #lastProbe = 0;

  constructor(options: NativePathOptions) {
    this.#options = options;
  }

  timing(): 'late' {
    return 'late';
  }

  async open(mode: Mode, _testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection> {
    const number = ++this.#lastProbe;
    const greeting = await this.#greet('probe', this.#options.endpoint(mode), signal, number);
    const probe = new NativeProbe(this, mode, number, greeting);
    this.#probes.set(number, probe);
    return probe;
  }

  async openCanary(signal: AbortSignal): Promise<Canary> {
    const endpoint = this.#options.endpoint('send');
    const greeting = await this.#greet('control', endpoint, signal);
    const { conversation, welcome } = greeting;
    const { announcer } = this.#options;
    const channel = announcer === undefined ? undefined : channelOf(greeting);
    const canary: NativeCanary = {
      conversation,
      introduction: introduce(welcome, conversation.link.localAddress),
      greeted: true,
      get end() {
        return conversation.end;
      },
      beat: async (deadline, beatSignal) => {
        const nonce = randomHex(8);
        conversation.say(encodeClientMessage({ kind: 'ping', nonce }));
        const heard = await conversation.hear(
          (message) => message.kind === 'pong' && message.nonce === nonce,
          deadline,
          { clock: this.#options.clock, signal: beatSignal },
        );
        return heard.kind === 'message';
      },
      whenEnded: (run) =>
        conversation.whenEnded((end) => {
          if (channel !== undefined) announcer?.closed(channel);
          run(end);
        }),
      close: () => {
        this.#canaries.delete(canary);
        if (channel !== undefined) announcer?.closed(channel);
        conversation.close();
      },
    };
    conversation.whenStray((message) => {
      if (message.kind === 'gone') this.#gone(message.probe, message.cause);
      else announcer?.heard(message);
    });
    this.#canaries.add(canary);
    if (channel !== undefined) announcer?.opened(channel);
    return canary;
  }

  async check(signal: AbortSignal): Promise<Introduction> {
    const { conversation, welcome } = await this.#greet('check', this.#options.endpoint('send'), signal);
    conversation.close();
    return introduce(welcome, conversation.link.localAddress);
  }

  /** The youngest canary that has not ended: the one least likely to be forgotten. */
  control(): Conversation<ResponderMessage> | undefined {
    return [...this.#canaries].findLast((canary) => canary.end === undefined)?.conversation;
  }

  /** A probe was closed: what the far end says of it concerns nobody any more. */
  forget(number: number): void {
    this.#probes.delete(number);
  }

  /** The far end saw a probe connection end; our side may never hear of it. */
  #gone(number: number, cause: 'reset' | 'closed' | 'timed_out'): void {
    const end: LinkEnd = {
      kind: cause === 'timed_out' ? 'silence' : cause,
      detail: `the far end saw the connection end (${cause})`,
    };
    this.#probes.get(number)?.endedThere(end);
  }

  async #greet(role: Role, endpoint: Endpoint, signal: AbortSignal, probe?: number): Promise<Greeting> {
    const { clock, deadline, token, openLink: open = openLink } = this.#options;
    const link = await open(endpoint, deadline, signal);
    const conversation = new Conversation(link, new NativeDecoder());
    const hello: Hello = {
      kind: 'hello',
      version: PROTOCOL_VERSION,
      role,
      session: this.#session,
      nonce: randomHex(16),
      ...(probe === undefined ? {} : { probe }),
      // Only who asks is told: a responder's WELCOME to everybody else stays as it always was.
      ...(role === 'control' && this.#options.announcer !== undefined ? { announce: true } : {}),
    };
    try {
      let earliest = clock.monotonic();
      const ask = async (message: Parameters<typeof encodeClientMessage>[0]): Promise<ResponderMessage> => {
        earliest = clock.monotonic();
        conversation.say(encodeClientMessage(message));
        const heard = await conversation.hear(() => true, deadline, { clock, signal });
        if (heard.kind === 'message') return heard.message;
        if (heard.kind === 'ended')
          throw new FarEndError(`no hello from ${link.remote}: ${heard.end.detail}`);
        if (heard.kind === 'aborted') throw new FarEndError(`no hello from ${link.remote}: called off`);
        throw new FarEndError(`no hello from ${link.remote} within ${deadline} s`);
      };
      let answer = await ask(hello);
      let challenge: string | undefined;
      if (answer.kind === 'challenge') {
        if (token === undefined) throw new FarEndError(`${link.remote} asks for a token: set token_file`);
        challenge = answer.nonce;
        answer = await ask({ kind: 'auth', mac: tokenMac(token, macInput('client', hello, challenge)) });
      }
      const welcome = requireWelcome(answer, hello, link.remote);
      if (token !== undefined) requireProof(token, hello, challenge, welcome, link.remote);
      const opened = { earliest, latest: clock.monotonic() + DELAYED_ACK };
      return { conversation, hello, token, challenge, welcome, opened };
    } catch (error) {
      conversation.close();
      throw error;
    }
  }
}

/** A probe connection; there are very many of them, so its methods are not made anew for each. */
class NativeProbe implements ProbeConnection {
  readonly #path: NativePath;
  readonly #mode: Mode;
  readonly #number: number;
  readonly #conversation: Conversation<ResponderMessage>;
  #unanswered = false;
  #whenEnded: ((end: LinkEnd) => void) | undefined;
  readonly opened: Moment;
  readonly local: string;
  readonly seen: string;

  constructor(path: NativePath, mode: Mode, number: number, { conversation, opened, welcome }: Greeting) {
    this.#path = path;
    this.#mode = mode;
    this.#number = number;
    this.#conversation = conversation;
    this.opened = opened;
    this.local = conversation.link.local;
    this.seen = welcome.seen === this.local ? this.local : detached(welcome.seen);
  }

  get remote(): string {
    return this.#conversation.link.remote;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.#whenEnded = run;
    this.#conversation.whenEnded(run);
  }

  async test(context: TestContext): Promise<Observation> {
    const control = (): Conversation<ResponderMessage> | undefined => this.#path.control();
    const observation = await PROBERS[this.#mode].native(this.#conversation, {
      probe: this.#number,
      control,
      ...context,
    });
    this.#unanswered = observation.kind !== 'answered';
    return observation;
  }

  close(): void {
    this.#path.forget(this.#number);
    this.#conversation.close();
    // Our FIN may never arrive where a mapping is gone: spare the far end a ghost.
    if (this.#unanswered)
      this.#path.control()?.say(encodeClientMessage({ kind: 'drop', probe: this.#number }));
  }

  /** The far end saw the connection end. */
  endedThere(end: LinkEnd): void {
    this.#whenEnded?.(end);
  }
}

type NativeCanary = Canary & { readonly conversation: Conversation<ResponderMessage> };

interface Greeting {
  readonly conversation: Conversation<ResponderMessage>;
  readonly hello: Hello;
  readonly token: string | undefined;
  readonly challenge: string | undefined;
  readonly welcome: Welcome;
  readonly opened: Moment;
}

/** How to announce on an opened canary; on one without a token nobody would be believed. */
function channelOf({ conversation, hello, token, challenge, welcome }: Greeting): AnnouncementChannel {
  const proven = token !== undefined && challenge !== undefined;
  return {
    interval: proven ? welcome.announce : undefined,
    mac: (announcement) =>
      proven ? tokenMac(token, announcementMacInput(hello, challenge, announcement)) : '',
    say: (line) => conversation.say(line),
  };
}

/** What a code means to the operator where the far end adds nothing to it. */
const REJECTIONS: Readonly<Partial<Record<RejectCode, string>>> = {
  auth: 'the token is not the one it was started with',
  limit_client: 'it holds as many connections of this address as it allows',
  limit_total: 'it holds as many connections as it allows',
};

function requireWelcome(answer: ResponderMessage, hello: Hello, remote: string): Welcome {
  if (answer.kind === 'error') {
    const words = answer.detail || REJECTIONS[answer.code];
    throw new FarEndError(
      `${remote} turned the connection away: ${answer.code}${words ? ` (${words})` : ''}`,
    );
  }
  if (answer.kind !== 'welcome' || answer.nonce !== hello.nonce)
    throw new FarEndError(`${remote} did not answer the hello as the protocol asks`);
  return answer;
}

function requireProof(
  token: string,
  hello: Hello,
  challenge: string | undefined,
  welcome: Welcome,
  remote: string,
): void {
  if (challenge === undefined)
    throw new FarEndError(`${remote} did not ask for the token: it has none, or it is not our responder`);
  const expected = tokenMac(token, macInput('responder', hello, challenge, welcome));
  if (welcome.mac === undefined || !sameMac(expected, welcome.mac))
    throw new FarEndError(`${remote} did not prove that it knows the token`);
}

function introduce(welcome: Welcome, localAddress: string): Introduction {
  return {
    localAddress,
    seenAddress: welcome.seen.slice(0, welcome.seen.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
    ...(welcome.conntrack === undefined ? {} : { conntrack: welcome.conntrack }),
    ...(welcome.instance === undefined ? {} : { instance: welcome.instance }),
  };
}

/** A copy that does not keep the line alive out of which the text was cut. */
function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Bytes to messages; a line of a verb that this version does not know is passed over. */
class NativeDecoder implements Decoder<ResponderMessage> {
  readonly #splitter = new LineSplitter();

  push(chunk: Uint8Array): { messages: ResponderMessage[]; problem?: string } {
    const { lines, oversized } = this.#splitter.push(chunk);
    const messages: ResponderMessage[] = [];
    for (const line of lines) {
      const decoded = decodeResponderMessage(line);
      if (decoded.ok) messages.push(decoded.message);
      else if (decoded.code !== 'verb')
        return { messages, problem: `the far end does not speak the native protocol (${decoded.problem})` };
    }
    return oversized
      ? { messages, problem: 'the far end does not speak the native protocol (no line break in 512 bytes)' }
      : { messages };
  }
}
