/** The native protocol: heartbeat canaries that also carry requests, and probes that the far end can be asked about. */
import type { Clock } from '../../clock.js';
import type { AnnounceConfig } from '../../config/config.js';
import type { FarEnd } from '../../config/far-ends.js';
import type { Mode } from '../../core/modes.js';
import { defined } from '../../defined.js';
import type { LinkEnd } from '../../net/errors.js';
import type { Endpoint } from '../../net/link.js';
import { LiveToken, randomHex, tokenMac } from '../../net/token.js';
import type { Seconds } from '../../units.js';
import { announcementMacInput, encodeClientMessage } from '../../wire/codec.js';
import type { ResponderMessage } from '../../wire/messages.js';
import { type AnnouncementChannel, type AnnouncementOutcome, Announcer } from '../announcer.js';
import type { Conversation, Heard } from '../conversation.js';
import { MODE_TESTS } from '../modes/index.js';
import { greet, type Greeting, type GreetingOptions, introductionOf } from '../native-greeting.js';
import { LONGEST_STALL, type Moment, type Observation, type TestContext } from '../observe.js';
import {
  type Canary,
  endpointAt,
  type IdleConnection,
  type Introduction,
  mayBeSame,
  openingDeadline,
  type Path,
  type ProbeConnection,
  type Protocol,
  type Ring,
  type Welcomed,
} from '../path.js';

export const native: Protocol<Extract<FarEnd, { kind: 'native' }>> = {
  path(options) {
    const { target, clock, announced = () => undefined, trouble = () => undefined } = options;
    const { openLink, welcomed } = options;
    const endpoint = endpointAt(options, target.far_end.port);
    const common = defined({
      clock,
      deadline: openingDeadline(target),
      endpoint: () => endpoint,
      openLink,
      welcomed,
    });
    if (target.token_file === undefined) return createNativePath(common);
    const token = new LiveToken(target.token_file, trouble);
    const announcer = target.announce && announcerOf(target.announce, clock, announced);
    // Read anew for each connection: a token that is replaced on both ends must not need a restart here.
    return createNativePath({ ...common, token: () => token.value, ...defined({ announcer }) });
  },
};

function announcerOf(
  { address, scheme, metrics_path: path, labels }: AnnounceConfig,
  clock: Clock,
  answered: (outcome: AnnouncementOutcome) => void,
): Announcer {
  const labelled = Object.keys(labels).length === 0 ? {} : { labels };
  return new Announcer({ announcement: { address, scheme, path, ...labelled }, clock, answered });
}

export interface NativePathOptions extends GreetingOptions {
  /** Where connections of this mode go; canaries and checks go to `endpoint('send')`. */
  readonly endpoint: (mode: Mode) => Endpoint;
  /** Announces this exporter over the canaries; needs the token. */
  readonly announcer?: Announcer;
  /** Told of each welcome that says from whom it is. */
  readonly welcomed?: (welcomed: Welcomed) => void;
}

/** A native path is one session: a secret of its own ties its connections together. */
export function createNativePath(options: NativePathOptions): Path {
  return new NativePath(options);
}

class NativePath implements Path {
  readonly #options: NativePathOptions;
  readonly #session = randomHex(16);
  /** The conversations of the canaries, the youngest last. */
  readonly #controls = new Set<Control>();
  readonly #probes = new Map<number, NativeProbe>();
  #lastProbe = 0;
  #newest = '';

  constructor(options: NativePathOptions) {
    this.#options = options;
  }

  async open(mode: Mode, _testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection> {
    const probe = ++this.#lastProbe;
    const greeting = await this.#greet({ role: 'probe', session: this.#session, probe }, signal, mode);
    const connection = new NativeProbe(this, mode, probe, greeting);
    this.#probes.set(probe, connection);
    return connection;
  }

  async openCanary(signal: AbortSignal): Promise<Canary> {
    const { announcer, clock } = this.#options;
    const greeting = await this.#greet(
      // Only who asks is told: a responder's WELCOME to everybody else stays as it always was.
      defined({ role: 'control', session: this.#session, announce: announcer && true }),
      signal,
    );
    const { conversation } = greeting;
    const channel = announcer === undefined ? undefined : channelOf(greeting);
    const silenced = (): void => {
      if (channel !== undefined) announcer?.closed(channel);
    };
    conversation.whenStray((message) => {
      if (message.kind === 'gone') this.#gone(message.probe, message.cause);
      else announcer?.heard(message);
    });
    const control: Control = { conversation, instance: greeting.welcome.instance };
    this.#controls.add(control);
    if (channel !== undefined) announcer?.opened(channel);
    return {
      introduction: introductionOf(greeting),
      greeted: true,
      get end() {
        return conversation.end;
      },
      beat: async (deadline, beatSignal) =>
        (await ping(conversation, { clock, deadline, signal: beatSignal })).kind === 'message',
      whenEnded: (run) =>
        conversation.whenEnded((end) => {
          silenced();
          run(end);
        }),
      close: () => {
        this.#controls.delete(control);
        silenced();
        conversation.close();
      },
    };
  }

  async check(signal: AbortSignal): Promise<Introduction> {
    const greeting = await this.#greet({ role: 'check', session: this.#session }, signal);
    greeting.conversation.close();
    return introductionOf(greeting);
  }

  async #greet(
    says: Parameters<typeof greet>[2],
    signal: AbortSignal,
    mode: Mode = 'send',
  ): Promise<Greeting> {
    const greeting = await greet(this.#options, this.#options.endpoint(mode), says, signal);
    const { opened: moment, welcome } = greeting;
    if (welcome.instance !== undefined) this.#options.welcomed?.({ instance: welcome.instance, moment });
    return greeting;
  }

  /**
   * The youngest canary that has not ended: the one least likely to be forgotten. One that leads to the far end that
   * welcomed the probe is preferred: another one does not know it.
   */
  control(instance: string | undefined): Control | undefined {
    const living = [...this.#controls].filter(({ conversation }) => conversation.end === undefined);
    return living.findLast((control) => mayBeSame(control.instance, instance)) ?? living.at(-1);
  }

  /** One text for each far end, whatever line it was cut out of: thousands of probes hold on to it. */
  nameOf(instance: string): string {
    if (this.#newest !== instance) this.#newest = detached(instance);
    return this.#newest;
  }

  /** A probe was closed: what the far end says of it concerns nobody any more. */
  forget(probe: number): void {
    this.#probes.delete(probe);
  }

  /** The far end saw a probe connection end; our side may never hear of it. */
  #gone(probe: number, cause: 'reset' | 'closed' | 'timed_out'): void {
    this.#probes.get(probe)?.endedThere({
      kind: cause === 'timed_out' ? 'silence' : cause,
      detail: `the far end saw the connection end (${cause})`,
    });
  }
}

/** A canary's conversation, and the far end that welcomed it. */
interface Control {
  readonly conversation: Conversation<ResponderMessage>;
  readonly instance: string | undefined;
}

/** A probe connection; there are very many of them, so its methods are not made anew for each. */
class NativeProbe implements ProbeConnection, IdleConnection {
  readonly #path: NativePath;
  readonly #mode: Mode;
  readonly number: number;
  #unanswered = false;
  #whenEnded: ((end: LinkEnd) => void) | undefined;
  readonly conversation: Conversation<ResponderMessage>;
  readonly opened: Moment;
  readonly local: string;
  readonly seen: string;
  readonly instance?: string;

  constructor(path: NativePath, mode: Mode, probe: number, { conversation, opened, welcome }: Greeting) {
    this.#path = path;
    this.#mode = mode;
    this.number = probe;
    this.conversation = conversation;
    this.opened = opened;
    this.local = conversation.link.local;
    this.seen = welcome.seen === this.local ? this.local : detached(welcome.seen);
    if (welcome.instance !== undefined) this.instance = path.nameOf(welcome.instance);
  }

  get remote(): string {
    return this.conversation.link.remote;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.#whenEnded = run;
    this.conversation.whenEnded(run);
  }

  async test(context: TestContext): Promise<Observation> {
    const observation = await MODE_TESTS[this.#mode](this, context);
    this.#unanswered = observation.kind !== 'answered';
    return observation;
  }

  echo(context: TestContext): Promise<Heard<ResponderMessage>> {
    return ping(this.conversation, context);
  }

  /** Asks on a control connection for a `ring` on this one. */
  async ring(context: TestContext): Promise<Ring | Observation> {
    const asked = this.#path.control(this.instance);
    if (asked === undefined) return { kind: 'unclear', reason: 'canary_lost' };
    const { conversation: control } = asked;
    const { deadline } = context;
    const nonce = randomHex(8);
    const rung = this.conversation.hear(
      (message) => message.kind === 'ring' && message.nonce === nonce,
      deadline,
      context,
    );
    // A box may answer the ring with a RST that only the far end sees.
    const seenReset = control.hear(
      (message) => message.kind === 'gone' && message.probe === this.number && message.cause === 'reset',
      deadline,
      context,
    );
    const answered = control.hear(
      (message) => message.kind === 'heard' && message.nonce === nonce,
      deadline,
      context,
    );
    const called = await call(asked, this, nonce, context);
    if ('kind' in called) return called;
    const heard = await Promise.race([
      rung,
      seenReset.then((gone) => (gone.kind === 'message' ? FAR_END_WAS_RESET : rung)),
    ]);
    return {
      broken: called,
      heard,
      answer: () => {
        this.conversation.say(encodeClientMessage({ kind: 'answer', nonce }));
        return answered;
      },
    };
  }

  close(): void {
    this.#path.forget(this.number);
    this.conversation.close();
    // Our FIN may never arrive where a mapping is gone: spare the far end a ghost.
    if (this.#unanswered)
      this.#path
        .control(this.instance)
        ?.conversation.say(encodeClientMessage({ kind: 'drop', probe: this.number }));
  }

  /** The far end saw the connection end. */
  endedThere(end: LinkEnd): void {
    this.#whenEnded?.(end);
  }
}

const FAR_END_WAS_RESET: Heard<never> = {
  kind: 'ended',
  end: { kind: 'reset', detail: 'the far end was reset when it wrote' },
};

/** Asks for an answer on a connection of any role. */
function ping(
  conversation: Conversation<ResponderMessage>,
  context: TestContext,
): Promise<Heard<ResponderMessage>> {
  const nonce = randomHex(8);
  conversation.say(encodeClientMessage({ kind: 'ping', nonce }));
  return conversation.hear(
    (message) => message.kind === 'pong' && message.nonce === nonce,
    context.deadline,
    context,
  );
}

/**
 * Asks the far end to write on a probe.
 * @returns when it wrote, or what was observed instead
 */
async function call(
  { conversation, instance }: Control,
  { number: probe, instance: welcomedBy }: NativeProbe,
  nonce: string,
  context: TestContext,
): Promise<Moment | Observation> {
  const { clock } = context;
  const earliest = clock.monotonic();
  conversation.say(encodeClientMessage({ kind: 'call', probe, nonce }));
  const rung = await conversation.hear(
    (message) =>
      (message.kind === 'rung' && message.nonce === nonce) ||
      (message.kind === 'error' && message.code === 'unknown_probe' && message.probe === probe),
    context.deadline,
    context,
  );
  const broken = { earliest, latest: clock.monotonic() };
  if (rung.kind === 'message') {
    if (rung.message.kind === 'rung') return broken;
    // A far end that has no such connection any more saw it end while idle; another one never had it.
    return mayBeSame(instance, welcomedBy)
      ? { kind: 'died', evidence: 'reset_idle', broken }
      : { kind: 'unclear', reason: 'other_instance' };
  }
  if (rung.kind === 'aborted') return { kind: 'unclear', reason: 'interrupted' };
  const late = rung.kind === 'deadline' && rung.stalled > LONGEST_STALL;
  return { kind: 'unclear', reason: late ? 'late' : 'canary_lost' };
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

/** A copy that does not keep the line alive out of which the text was cut. */
function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
