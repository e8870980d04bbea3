/** One SSH session: from a socket to the program at its far end, which answers; and what that is asked. */
import type { Channel, Client } from 'ssh2';
import type { Clock } from '../clock.js';
import { defined } from '../defined.js';
import { openLink, type Endpoint, type OpenLink } from '../net/link.js';
import { randomHex } from '../net/token.js';
import { pause } from '../pause.js';
import { REMOTE_COMMAND } from '../ssh/remote-program.js';
import type { SshServer } from '../ssh/ssh-server.js';
import { SshError } from '../ssh/ssh-error.js';
import { type Seconds, toMilliseconds } from '../units.js';
import { Conversation, type Decoder, type Heard } from './conversation.js';
import type { Moment, TestContext } from './observe.js';
import { DELAYED_ACK, FarEndError } from './path.js';
import { LinkStream, programOn, serverOf, SshLink } from './ssh-link.js';

/** How long login and program may take together, seconds: name look-ups of the server and its user's own start-up files. */
const OPENING_DEADLINE: Seconds = 20;
/** How long a program that was started may be silent before there is none, seconds. */
const HELLO_DEADLINE: Seconds = 10;
/** How long the server itself may take for an answer, seconds: well within the rest of what opening may take. */
const ANSWER_DEADLINE: Seconds = 5;
/** A kernel that has just sent something shows no keepalive timer; it is asked so often, after so many seconds. */
const FACTS_TRIES = 4;
const FACTS_PAUSE: Seconds = 0.3;

/** A line of the program: its verb and what follows. */
export interface RemoteMessage {
  readonly verb: string;
  readonly words: readonly string[];
}

export type SshConversation = Conversation<RemoteMessage> & { readonly link: SshLink };

/** What a program says of itself when it starts; absent where it does not know. */
export interface RemoteHello {
  readonly pid: string;
  /** This host as the far end sees it. */
  readonly seenAddress?: string;
  readonly seenPort?: string;
  /** Another one each time the far end's host is started. */
  readonly boot?: string;
}

/** What the far end's kernel would do by itself. */
export interface RemoteFacts {
  /** Its own conntrack timeout, seconds. */
  readonly conntrack?: Seconds;
  /** After so long it sends a TCP keepalive on a silent connection, seconds; absent: never. */
  readonly speaksAfter?: Seconds;
}

export interface SshSession {
  readonly conversation: SshConversation;
  /** Absent where the server runs no program for us. */
  readonly hello?: RemoteHello;
}

export interface SessionOptions {
  readonly server: SshServer;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly openLink: OpenLink | undefined;
  /** Whether a program is worth a try. */
  readonly wantsProgram: boolean;
}

/**
 * Opens a session.
 * @throws ConnectError | FarEndError
 */
export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<SshSession> {
  const { server, endpoint, clock, openLink: open = openLink, wantsProgram } = options;
  try {
    const offers = await server.offers(clock.monotonic());
    const link = await open(endpoint, OPENING_DEADLINE, signal);
    const stream = new LinkStream(link);
    const patience = new AbortController();
    const timer = setTimeout(
      () =>
        patience.abort(new SshError(`${link.remote} did not finish the login within ${OPENING_DEADLINE} s`)),
      toMilliseconds(OPENING_DEADLINE),
    );
    try {
      const here = AbortSignal.any([signal, patience.signal]);
      const client = await server.login(stream, offers, clock.monotonic(), here);
      return await greet(client, stream, wantsProgram, { clock, signal: here });
    } catch (error) {
      stream.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  } catch (error) {
    throw error instanceof SshError ? asFarEndError(error) : error;
  }
}

type Waiting = Pick<TestContext, 'clock' | 'signal'>;

/** What the engine is told of what goes wrong on the way to a session. */
export function asFarEndError(error: SshError): FarEndError {
  return new FarEndError(error.message, { cause: error });
}

/** Starts the program, or finds out that the server runs none for us and answers by itself. */
async function greet(
  client: Client,
  stream: LinkStream,
  wantsProgram: boolean,
  context: Waiting,
): Promise<SshSession> {
  const channel = wantsProgram ? await started(client, context.signal) : undefined;
  if (channel !== undefined) {
    const hello = await hearHello(channel, context);
    if (hello !== undefined) return { conversation: converse(stream, client, programOn(channel)), hello };
    channel.close();
  }
  const conversation = converse(stream, client, serverOf(client));
  const heard = await ping(conversation, { ...context, deadline: ANSWER_DEADLINE });
  if (heard.kind === 'message') return { conversation };
  conversation.close();
  throw new SshError(`${stream.link.remote} does not answer after the login`);
}

function converse(
  stream: LinkStream,
  client: Client,
  speaker: ConstructorParameters<typeof SshLink>[2],
): SshConversation {
  return new Conversation(new SshLink(stream, client, speaker), new RemoteDecoder()) as SshConversation;
}

/** The program's channel; undefined where the server opens none, or runs nothing. */
function started(client: Client, signal: AbortSignal): Promise<Channel | undefined> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true });
    client.exec(REMOTE_COMMAND, (error, channel) => resolve(error === undefined ? channel : undefined));
  });
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof SshError ? reason : new SshError('called off');
}

/** The program's first word; undefined where it ends, or is silent for too long. */
function hearHello(channel: Channel, { clock, signal }: Waiting): Promise<RemoteHello | undefined> {
  return new Promise((resolve) => {
    const decoder = new RemoteDecoder();
    const settle = (hello?: RemoteHello): void => {
      timer.cancel();
      channel.off('data', hear).off('close', none);
      signal.removeEventListener('abort', none);
      resolve(hello);
    };
    const none = (): void => settle();
    const timer = clock.after(HELLO_DEADLINE, none);
    signal.addEventListener('abort', none, { once: true });
    const hear = (chunk: Buffer): void => {
      const ready = decoder
        .push(chunk)
        .messages.find(({ verb, words }) => verb === 'ready' && words.length === 4);
      if (ready !== undefined) settle(helloOf(ready));
    };
    channel.on('data', hear).on('close', none);
    // Nobody reads what a shell complains of, which may be much.
    channel.stderr.resume();
  });
}

function helloOf({ words: [pid = '', address = '-', port = '-', boot = '-'] }: RemoteMessage): RemoteHello {
  const known = (word: string): string | undefined => (word === '-' ? undefined : word);
  return defined({ pid, seenAddress: known(address), seenPort: known(port), boot: known(boot) });
}

/** Has the far end answer, and waits for the answer. */
export function ping(conversation: SshConversation, context: TestContext): Promise<Heard<RemoteMessage>> {
  const nonce = randomHex(8);
  return ask(
    conversation,
    `ping ${nonce}`,
    ({ verb, words }) => verb === 'pong' && words[0] === nonce,
    context,
  );
}

/** Says a line and waits for what answers it. */
export function ask(
  conversation: SshConversation,
  line: string,
  answers: (message: RemoteMessage) => boolean,
  context: TestContext,
): Promise<Heard<RemoteMessage>> {
  conversation.say(`${line}\n`);
  return conversation.hear(answers, context.deadline, context);
}

/**
 * The last exchange before a connection idles.
 * @returns when its idle clock started
 * @throws FarEndError
 */
export async function settle(conversation: SshConversation, context: TestContext): Promise<Moment> {
  const { clock } = context;
  const earliest = clock.monotonic();
  const heard = await ping(conversation, context);
  if (heard.kind !== 'message')
    throw new FarEndError(`${conversation.link.remote} does not answer on a new session`);
  return { earliest, latest: clock.monotonic() + DELAYED_ACK };
}

/** Has the program make a box, in which other sessions can leave lines. @throws FarEndError */
export async function makeBox(conversation: SshConversation, context: TestContext): Promise<string> {
  const answers = ({ verb }: RemoteMessage): boolean => verb === 'box' || verb === 'nobox';
  const heard = await ask(conversation, `box ${randomHex(16)}`, answers, context);
  const [path = ''] = heard.kind === 'message' ? heard.message.words : [];
  if (/^\/[\w./-]{1,200}$/.test(path)) return path;
  throw new FarEndError(
    `the program at ${conversation.link.remote} can make no FIFO in TMPDIR or /tmp: mode recv needs one`,
  );
}

/** What the far end's kernel would do by itself; where it does not say, what kernels do. */
export async function askFacts(conversation: SshConversation, context: TestContext): Promise<RemoteFacts> {
  let [conntrack, idle, timer]: readonly (string | undefined)[] = [];
  for (let tries = 0; tries < FACTS_TRIES; tries += 1) {
    if (tries > 0) await pause(context.clock, FACTS_PAUSE, context.signal);
    const heard = await ask(conversation, 'facts', ({ verb }) => verb === 'facts', context);
    if (heard.kind !== 'message') break;
    [conntrack, idle, timer] = heard.message.words;
    if (timer === ALIVE_TIMER || timer === NO_TIMER) break;
  }
  return defined({
    conntrack: secondsOf(conntrack),
    speaksAfter: timer === NO_TIMER ? undefined : (secondsOf(idle) ?? USUAL_KEEPALIVE_TIME),
  });
}

/**
 * Whether the far end's kernel has something on its way to the client's port that was not acknowledged: it was written,
 * and does not come through. Undefined where it does not say, or has no such connection any more.
 */
export async function hasUnacknowledged(
  conversation: SshConversation,
  port: string,
  context: TestContext,
): Promise<boolean | undefined> {
  const nonce = randomHex(8);
  const answers = ({ verb, words }: RemoteMessage): boolean => verb === 'queue' && words[0] === nonce;
  const heard = await ask(conversation, `queue ${nonce} ${port}`, answers, context);
  const said = heard.kind === 'message' ? heard.message.words[1] : undefined;
  return said === 'full' ? true : said === 'empty' ? false : undefined;
}

/** Column `tr` of `/proc/net/tcp`: a keepalive timer runs, or none at all. */
const ALIVE_TIMER = '02';
const NO_TIMER = '00';
/** Linux' net.ipv4.tcp_keepalive_time, and what others have, seconds. @see RFC 9293 section 3.8.4 */
export const USUAL_KEEPALIVE_TIME: Seconds = 7200;

function secondsOf(word: string | undefined): Seconds | undefined {
  return word !== undefined && /^\d{1,9}$/.test(word) ? Number(word) : undefined;
}

/** Longest line that means anything, bytes. */
const LONGEST_LINE = 512;

/** Bytes to lines; what is longer than any line of the program, a greeting of the host for instance, is passed over. */
class RemoteDecoder implements Decoder<RemoteMessage> {
  #pending = '';

  push(chunk: Buffer): { messages: RemoteMessage[] } {
    const [first = '', ...others] = chunk.toString('latin1').split('\n');
    const lines = [this.#pending + first, ...others];
    this.#pending = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    const messages = lines
      .filter((line) => line.length < LONGEST_LINE)
      .map((line) => line.trim().split(' '))
      .filter(([verb = '']) => VERBS.includes(verb));
    return { messages: messages.map(([verb = '', ...words]) => ({ verb, words })) };
  }
}

const VERBS = ['ready', 'pong', 'facts', 'box', 'nobox', 'posted', 'unposted', 'queue', 'ring', 'heard'];
