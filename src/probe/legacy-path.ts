/** The protocol of NAT-TCP-test as its client: an echo server and a sleep server, no hello, one answer a connection. */
import type { Clock } from '../clock.js';
import type { Mode } from '../core/modes.js';
import { openLink, type Endpoint, type Link, type OpenLink } from '../net/link.js';
import { MAX_SLEEP, encodeSleepRequest } from '../wire/nat-tcp-test-messages.js';
import type { Seconds } from '../units.js';
import { Conversation, type Decoder } from './conversation.js';
import { keepaliveTest } from './keepalive.js';
import {
  DELAYED_ACK,
  FarEndError,
  type Canary,
  type Introduction,
  type Path,
  type ProbeConnection,
} from './path.js';
import { PROBERS } from './table.js';
import { sendProber } from './send.js';

export interface LegacyPathOptions {
  readonly clock: Clock;
  /** Seconds that a connection may take to open, and an echo to come back. */
  readonly deadline: Seconds;
  readonly echo: Endpoint;
  readonly sleep: Endpoint;
  /** Opens the connections; real sockets unless given. */
  readonly openLink?: OpenLink;
}

/** @see https://github.com/AndersTrier/NAT-TCP-test */
export function createLegacyPath(options: LegacyPathOptions): Path {
  const { clock, deadline, openLink: open = openLink } = options;

  async function connect(endpoint: Endpoint, signal: AbortSignal) {
    const earliest = clock.monotonic();
    const link = await open(endpoint, deadline, signal);
    const opened = { earliest, latest: clock.monotonic() + DELAYED_ACK };
    return { link, opened, conversation: new Conversation(link, gatherBytes()) };
  }

  return {
    timing: (mode) => (mode === 'recv' ? 'at_launch' : 'late'),

    async open(mode: Mode, testAt, signal): Promise<ProbeConnection> {
      const prober = PROBERS[mode];
      const { link, opened, conversation } = await connect(options[prober.legacyServer], signal);
      const request =
        testAt === undefined ? undefined : Buffer.from(encodeSleepRequest(wholeSeconds(testAt)));
      if (request !== undefined) conversation.say(request);
      return {
        opened,
        local: link.local,
        remote: link.remote,
        whenEnded: (run) => conversation.whenEnded(run),
        test: (context) =>
          prober.legacy(conversation, {
            ...context,
            opened,
            ...(testAt === undefined ? {} : { testAt: wholeSeconds(testAt) }),
            ...(request === undefined ? {} : { request }),
          }),
        close: () => conversation.close(),
      };
    },

    /** An echo connection cannot be used twice, so its sign of life is a TCP keepalive. */
    async openCanary(signal): Promise<Canary> {
      const { link, conversation } = await connect(options.echo, signal);
      return {
        introduction: introduce(link),
        greeted: false,
        get end() {
          return conversation.end;
        },
        beat: async (beatDeadline, beatSignal) => {
          const observed = await keepaliveTest(conversation, {
            clock,
            deadline: beatDeadline,
            signal: beatSignal,
          });
          return observed.kind === 'answered' && observed.delayed !== true;
        },
        whenEnded: (run) => conversation.whenEnded(run),
        close: () => conversation.close(),
      };
    },

    async check(signal): Promise<Introduction> {
      const { link, conversation, opened } = await connect(options.echo, signal);
      try {
        const echoed = await sendProber.legacy(conversation, { clock, deadline, signal, opened });
        if (echoed.kind !== 'answered') throw new FarEndError(`${link.remote} does not echo`);
        return introduce(link);
      } finally {
        conversation.close();
      }
    },
  };
}

/** The sleep server takes whole seconds up to a day. */
function wholeSeconds(idle: Seconds): Seconds {
  return Math.min(Math.max(1, Math.round(idle)), MAX_SLEEP);
}

function introduce(link: Link): Introduction {
  return { localAddress: link.localAddress };
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
