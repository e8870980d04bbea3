/** A session with an SSH server that idles until its one test, or is held until then. */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Mode } from '../core/modes.js';
import { defined } from '../defined.js';
import type { LinkEnd } from '../net/errors.js';
import { randomHex } from '../net/token.js';
import type { Seconds } from '../units.js';
import type { Heard } from './conversation.js';
import { MODE_TESTS } from './modes/index.js';
import {
  ANSWERED_WRONGLY,
  LONGEST_STALL,
  type Moment,
  type Observation,
  observeFailure,
  type TestContext,
} from './observe.js';
import type { IdleConnection, ProbeConnection, Ring } from './path.js';
import {
  ask,
  hasUnacknowledged,
  ping,
  type RemoteMessage,
  type SshConversation,
  type SshSession,
} from './ssh-session.js';

/** A session that others can have written to, or that has others written to. */
export interface Boxed {
  readonly conversation: SshConversation;
  /** Absent where no program runs. */
  readonly box?: string;
}

/** What its path does for it. */
export interface ProbedPath {
  readonly clock: Clock;
  /** After so long a silence the far end breaks it by itself, seconds. */
  readonly speaksAfter: Seconds;
  /** The youngest control session that has not ended, with its box. */
  readonly control: (Boxed & { readonly box: string }) | undefined;
  /** The far end broke a silence by itself. */
  spoke(after: Seconds): void;
}

/** The far end's boot, without telling its id. */
export function instanceOf({ hello }: SshSession): string | undefined {
  const boot = hello?.boot;
  return boot === undefined ? undefined : createHash('sha256').update(boot).digest('hex').slice(0, 16);
}

const DISTURBED: Observation = { kind: 'unclear', reason: 'disturbed' };

export class SshProbe implements ProbeConnection, IdleConnection {
  readonly #path: ProbedPath;
  readonly #mode: Mode;
  readonly #pid: string | undefined;
  readonly #box: string | undefined;
  readonly #seenPort: string | undefined;
  #unanswered = false;
  #disturbed = false;
  /** When the last exchange on it ended. */
  #quietSince: Moment;
  /** What had arrived by then; of the far end's kernel nothing else is seen. */
  #heardBefore: number | undefined;
  /** What is heard now was asked for. */
  #refreshing = false;
  /** Its kernel is asked again and again, and answers. */
  #keptAlive = false;
  readonly conversation: SshConversation;
  readonly opened: Moment;
  readonly local: string;
  readonly seen?: string;
  readonly instance?: string;

  constructor(
    path: ProbedPath,
    mode: Mode,
    session: SshSession,
    { opened, box }: { readonly opened: Moment; readonly box?: string },
  ) {
    const { conversation, hello } = session;
    this.#path = path;
    this.#mode = mode;
    this.#pid = hello?.pid;
    this.#box = box;
    this.conversation = conversation;
    this.opened = opened;
    this.local = conversation.link.local;
    const { seenAddress, seenPort } = hello ?? {};
    this.#seenPort = seenPort;
    if (seenAddress !== undefined && seenPort !== undefined)
      this.seen = seenAddress.includes(':') ? `[${seenAddress}]:${seenPort}` : `${seenAddress}:${seenPort}`;
    Object.assign(this, defined({ instance: instanceOf(session) }));
    this.#quietSince = opened;
    this.#heardBefore = conversation.link.segmentsHeard();
    conversation.link.whenHeard = () => {
      if (this.#refreshing) return;
      this.#disturbed = true;
      path.spoke(path.clock.monotonic() - this.#quietSince.latest);
    };
  }

  get remote(): string {
    return this.conversation.link.remote;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.conversation.whenEnded((end) =>
      run(
        this.#disturbed ? { kind: 'local', detail: 'ended after the far end had broken its silence' } : end,
      ),
    );
  }

  async test(context: TestContext): Promise<Observation> {
    const idle = context.clock.monotonic() - this.#quietSince.earliest;
    const heardMore = !this.#keptAlive && this.conversation.link.segmentsHeard() !== this.#heardBefore;
    if (this.#disturbed || heardMore || idle >= this.#path.speaksAfter) return DISTURBED;
    this.conversation.link.whenHeard = undefined;
    const observation = await MODE_TESTS[this.#mode](this, context);
    this.#unanswered = observation.kind !== 'answered';
    return observation;
  }

  echo(context: TestContext): Promise<Heard<RemoteMessage>> {
    return ping(this.conversation, context);
  }

  keepAlive(interval: Seconds): void {
    this.#keptAlive = true;
    this.conversation.link.holdByKeepAlive(interval);
  }

  async refresh(context: TestContext): Promise<Heard<RemoteMessage>> {
    const earliest = context.clock.monotonic();
    this.#refreshing = true;
    const heard = await ping(this.conversation, context);
    this.#refreshing = false;
    this.#quietSince = { earliest, latest: context.clock.monotonic() };
    this.#heardBefore = this.conversation.link.segmentsHeard();
    return heard;
  }

  /** Has a control session leave a line in this one's box, which the far end says here. */
  async ring(context: TestContext): Promise<Ring | Observation> {
    const { control } = this.#path;
    if (control === undefined || this.#box === undefined) return { kind: 'unclear', reason: 'canary_lost' };
    const { clock, deadline } = context;
    const nonce = randomHex(8);
    const says =
      (verb: string) =>
      (message: RemoteMessage): boolean =>
        message.verb === verb && message.words[0] === nonce;
    const heard = this.conversation.hear(says('ring'), deadline, context);
    const answered = control.conversation.hear(says('heard'), deadline, context);
    const earliest = clock.monotonic();
    const posted = await ask(
      control.conversation,
      `post ${this.#box} ring ${nonce}`,
      ({ verb, words }) => (verb === 'posted' || verb === 'unposted') && words[1] === nonce,
      context,
    );
    const broken = { earliest, latest: clock.monotonic() };
    if (posted.kind === 'aborted') return { kind: 'unclear', reason: 'interrupted' };
    if (posted.kind !== 'message') {
      const late = posted.kind === 'deadline' && posted.stalled > LONGEST_STALL;
      return { kind: 'unclear', reason: late ? 'late' : 'canary_lost' };
    }
    // The program of this connection is gone at the far end, which says nothing about what is in between.
    if (posted.message.verb === 'unposted') return { kind: 'unclear', reason: 'control_failed' };
    const rung = await heard;
    // Decided here: what the session answers when it is asked whether it hangs is no answer to the ring.
    if (rung.kind === 'deadline')
      return (await this.#wroteNothing(control, context))
        ? ANSWERED_WRONGLY
        : observeFailure(rung, broken, clock);
    return {
      broken,
      heard: rung,
      answer: () => {
        this.conversation.say(`post ${control.box} heard ${nonce}\n`);
        return answered;
      },
    };
  }

  /**
   * Whether the far end never wrote what it was to say here, for this session hangs there. What its kernel repeats was
   * written. Where that cannot be read the session itself is asked: one that answers does not hang, and of one whose
   * mapping is gone nobody acknowledges the question.
   */
  async #wroteNothing(control: Boxed, context: TestContext): Promise<boolean> {
    const port = this.#seenPort;
    const wrote = port && (await hasUnacknowledged(control.conversation, port, context));
    if (typeof wrote === 'boolean') return !wrote;
    const heard = await this.echo(context);
    return heard.kind === 'deadline' && (await this.hangs());
  }

  async hangs(): Promise<boolean> {
    return (await this.conversation.link.isAcknowledged()) === true;
  }

  close(): void {
    this.conversation.close();
    // Our end may never arrive where a mapping is gone: spare the far end a program that waits for ever.
    if (this.#unanswered && this.#pid !== undefined)
      this.#path.control?.conversation.say(`end ${this.#pid}\n`);
  }
}
