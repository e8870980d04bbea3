/** The protocol of NAT-TCP-test: an echo server and a sleep server, no hello, one answer a connection. */
import { randomBytes } from 'node:crypto';
import type { FarEnd } from '../../config/far-ends.js';
import type { Mode } from '../../core/modes.js';
import { defined } from '../../defined.js';
import type { LinkEnd } from '../../net/errors.js';
import { openLink } from '../../net/link.js';
import type { Seconds } from '../../units.js';
import { MAX_SLEEP, encodeSleepRequest } from '../../wire/nat-tcp-test-messages.js';
import { Conversation, type Decoder, type Heard } from '../conversation.js';
import { MODE_TESTS } from '../modes/index.js';
import { keepalive } from '../modes/keepalive.js';
import { type Moment, type Observation, observeIdleEnd, type TestContext } from '../observe.js';
import {
  DELAYED_ACK,
  endpointAt,
  FarEndError,
  type IdleConnection,
  openingDeadline,
  type ProbeConnection,
  type Protocol,
  type Ring,
} from '../path.js';
import { clientEnd, type RefreshingEnds } from '../refreshing-ends.js';

/** How much earlier or later than asked the sleep server may write, seconds. */
const SLEEP_SLACK: Seconds = 1;

/** @see https://github.com/AndersTrier/NAT-TCP-test */
export const natTcpTest: Protocol<Extract<FarEnd, { kind: 'nat-tcp-test' }>> = {
  path(options) {
    const { target, clock, openLink: open = openLink } = options;
    const deadline = openingDeadline(target);
    const { echo_port: echo, sleep_port: sleep } = target.far_end;

    async function connect(mode: Mode, port: number, signal: AbortSignal): Promise<NatTcpTestProbe> {
      const earliest = clock.monotonic();
      const link = await open(endpointAt(options, port), deadline, signal);
      const opened = { earliest, latest: clock.monotonic() + DELAYED_ACK };
      return new NatTcpTestProbe(mode, new Conversation(link, gatherBytes()), opened);
    }

    return {
      // An echo connection answers once.
      holds: ['keepalive'],

      async open(mode, testAt, signal) {
        const probe = await connect(mode, mode === 'recv' ? sleep : echo, signal);
        if (testAt !== undefined) probe.askForRing(testAt);
        return probe;
      },

      /** An echo connection cannot be used twice, so its sign of life is a TCP keepalive. */
      async openCanary(signal) {
        const { conversation } = await connect('keepalive', echo, signal);
        return {
          introduction: { localAddress: conversation.link.localAddress },
          greeted: false,
          get end() {
            return conversation.end;
          },
          beat: async (beatDeadline, beatSignal) => {
            const context = { clock, deadline: beatDeadline, signal: beatSignal };
            const observed = await keepalive({ conversation }, context);
            return observed.kind === 'answered' && observed.delayed !== true;
          },
          whenEnded: (run) => conversation.whenEnded(run),
          close: () => conversation.close(),
        };
      },

      async check(signal) {
        const probe = await connect('send', echo, signal);
        try {
          const echoed = await probe.test({ clock, deadline, signal });
          if (echoed.kind !== 'answered') throw new FarEndError(`${probe.remote} does not echo`);
          return { localAddress: probe.conversation.link.localAddress };
        } finally {
          probe.close();
        }
      },
    };
  },
};

class NatTcpTestProbe implements ProbeConnection, IdleConnection {
  readonly #mode: Mode;
  readonly conversation: Conversation<Buffer>;
  readonly opened: Moment;
  #ends: RefreshingEnds | undefined;
  /** What the sleep server was asked for at launch: to write these bytes after so many seconds. */
  #asked: { readonly request: Buffer; readonly testAt: Seconds } | undefined;

  constructor(mode: Mode, conversation: Conversation<Buffer>, opened: Moment) {
    this.#mode = mode;
    this.conversation = conversation;
    this.opened = opened;
  }

  get local(): string {
    return this.conversation.link.local;
  }

  get remote(): string {
    return this.conversation.link.remote;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.conversation.whenEnded(run);
  }

  /** Servers that know nothing of it acknowledge what this host sends. */
  get ends(): RefreshingEnds {
    return (this.#ends ??= defined({ client: clientEnd(this.conversation.link) }));
  }

  async test(context: TestContext): Promise<Observation> {
    await this.#ends?.client?.rest(context);
    return MODE_TESTS[this.#mode](this, context);
  }

  echo(context: TestContext): Promise<Heard<Buffer>> {
    const question = randomBytes(16);
    this.conversation.say(question);
    return this.conversation.hear((echoed) => echoed.equals(question), context.deadline, context);
  }

  async hangs(): Promise<boolean> {
    return (await this.conversation.link.isAcknowledged()) === true;
  }

  keepAlive(interval: Seconds): void {
    this.conversation.link.holdByKeepAlive(interval);
  }

  /** Asks the sleep server to write when the connection has idled for `testAt` seconds: whole ones, a day at most. */
  askForRing(testAt: Seconds): void {
    const whole = Math.min(Math.max(1, Math.round(testAt)), MAX_SLEEP);
    const request = Buffer.from(encodeSleepRequest(whole));
    this.conversation.say(request);
    this.#asked = { request, testAt: whole };
  }

  /** The far end was asked at launch; its bytes are our own request. */
  async ring(context: TestContext): Promise<Ring | Observation> {
    if (this.#asked === undefined)
      throw new Error('a far end of NAT-TCP-test is asked at launch for the idle time of a ring');
    const { request, testAt } = this.#asked;
    const { earliest, latest } = this.opened;
    const { clock, deadline } = context;
    const patience = latest + testAt + deadline - clock.monotonic();
    const heard = await this.conversation.hear((bytes) => bytes.equals(request), patience, context);
    const now = clock.monotonic();
    if (heard.kind === 'ended' && now < earliest + testAt) return observeIdleEnd(heard.end, clock);
    // A far end that writes too early did not test what was asked.
    if (heard.kind === 'message' && now < earliest + testAt - SLEEP_SLACK)
      return { kind: 'unclear', reason: 'late' };
    return { broken: { earliest: latest + testAt, latest: earliest + testAt + SLEEP_SLACK }, heard };
  }

  close(): void {
    this.conversation.close();
  }
}

/** All bytes so far as one message: an answer may arrive in pieces. */
function gatherBytes(): Decoder<Buffer> {
  let gathered = Buffer.alloc(0);
  return {
    push(chunk) {
      gathered = Buffer.concat([gathered, chunk]).subarray(0, 64);
      return { messages: [gathered] };
    },
  };
}
