/** The greeting of the native protocol as its client: hello, token, welcome, and the decoder of what follows. */
import type { Clock } from '../clock.js';
import { defined } from '../defined.js';
import { openLink, type Endpoint, type OpenLink } from '../net/link.js';
import { randomHex, sameMac, tokenMac } from '../net/token.js';
import type { Seconds } from '../units.js';
import { decodeResponderMessage, encodeClientMessage } from '../wire/codec.js';
import { macInput } from '../wire/proofs.js';
import { LineSplitter } from '../wire/lines.js';
import {
  type Hello,
  PROTOCOL_VERSION,
  type RejectCode,
  type ResponderMessage,
  type Welcome,
} from '../wire/messages.js';
import { Conversation, type Decoder } from './conversation.js';
import type { Moment } from './observe.js';
import { DELAYED_ACK, FarEndError, type Introduction } from './path.js';

export interface GreetingOptions {
  readonly clock: Clock;
  /** Seconds that a connection, its hello included, may take to open. */
  readonly deadline: Seconds;
  /** The shared secret; asked for each connection so that it can be rotated. */
  readonly token?: () => string;
  /** Opens the connections; real sockets unless given. */
  readonly openLink?: OpenLink;
}

/** A connection that the far end has welcomed. */
export interface Greeting {
  readonly conversation: Conversation<ResponderMessage>;
  readonly hello: Hello;
  /** The token and what it was asked for with, where it was. */
  readonly token: string | undefined;
  readonly challenge: string | undefined;
  readonly welcome: Welcome;
  /** When the idle clock started. */
  readonly opened: Moment;
}

/**
 * Opens a connection and introduces itself on it.
 * @param says what the hello says beyond version and nonce
 * @throws ConnectError | FarEndError
 */
export async function greet(
  { clock, deadline, token: secret, openLink: open = openLink }: GreetingOptions,
  endpoint: Endpoint,
  says: Omit<Hello, 'kind' | 'version' | 'nonce'>,
  signal: AbortSignal,
): Promise<Greeting> {
  const token = secret?.();
  const link = await open(endpoint, deadline, signal);
  const conversation = new Conversation(link, new NativeDecoder());
  const hello: Hello = { kind: 'hello', version: PROTOCOL_VERSION, nonce: randomHex(16), ...says };
  try {
    let earliest = clock.monotonic();
    const ask = async (message: Parameters<typeof encodeClientMessage>[0]): Promise<ResponderMessage> => {
      earliest = clock.monotonic();
      conversation.say(encodeClientMessage(message));
      const heard = await conversation.hear(() => true, deadline, { clock, signal });
      if (heard.kind === 'message') return heard.message;
      if (heard.kind === 'ended') throw new FarEndError(`no hello from ${link.remote}: ${heard.end.detail}`);
      if (heard.kind === 'aborted') throw new FarEndError(`no hello from ${link.remote}: called off`);
      throw new FarEndError(`no hello from ${link.remote} within ${deadline} s`);
    };
    let answer = await ask(hello);
    let challenge: string | undefined;
    if (answer.kind === 'challenge') {
      if (token === undefined)
        throw new FarEndError(`${link.remote} asks for a token: set token_file`, TOKEN);
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

/** What concerns the token does not get better by itself. */
const TOKEN = { remedy: 'token_file' } as const;

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
      answer.code === 'auth' ? TOKEN : {},
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
    throw new FarEndError(
      `${remote} did not ask for the token: it has none, or it is not our responder`,
      TOKEN,
    );
  const expected = tokenMac(token, macInput('responder', hello, challenge, welcome));
  if (welcome.mac === undefined || !sameMac(expected, welcome.mac))
    throw new FarEndError(`${remote} did not prove that it knows the token`, TOKEN);
}

/** What a welcome tells about the path. */
export function introductionOf({ conversation, hello, welcome }: Greeting): Introduction {
  const { conntrack, fresh, instance, seen } = welcome;
  return defined({
    localAddress: conversation.link.localAddress,
    seenAddress: seen.slice(0, seen.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
    conntrack,
    instance,
    // A responder that can refresh says so to whoever asks.
    fresh: hello.fresh === undefined ? undefined : fresh === true,
  });
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

/** A copy that does not keep the line alive out of which the text was cut. */
export function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
