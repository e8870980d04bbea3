/** A probe connection of the native protocol: it idles, and is tested once through it or a canary beside it. */
import { defined } from '../defined.js';
import type { Mode } from '../core/modes.js';
import type { LinkEnd } from '../net/errors.js';
import { randomHex } from '../net/token.js';
import type { Seconds } from '../units.js';
import { encodeClientMessage } from '../wire/codec.js';
import type { ResponderMessage } from '../wire/messages.js';
import type { Conversation, Heard } from './conversation.js';
import { MODE_TESTS } from './modes/index.js';
import { detached, type Greeting } from './native-greeting.js';
import { askAbout, call, type Control, ping } from './native-requests.js';
import type { Moment, Observation, TestContext } from './observe.js';
import { type IdleConnection, mayBeSame, type ProbeConnection, type Ring } from './path.js';
import { type AskAbout, clientEnd, type RefreshingEnds, ResponderEnd } from './refreshing-ends.js';

/** The path of a probe connection, as far as the connection needs it. */
export interface NativeHome {
  /** The canary to ask over about a connection that `instance` welcomed. */
  control(instance: string | undefined): Control | undefined;
  /** One text for each far end. */
  nameOf(instance: string): string;
  /** The connection was closed. */
  forget(probe: number): void;
}

/** A probe connection; there are very many of them, so its methods are not made anew for each. */
export class NativeProbe implements ProbeConnection, IdleConnection {
  readonly #path: NativeHome;
  readonly #mode: Mode;
  readonly number: number;
  #unanswered = false;
  #whenEnded: ((end: LinkEnd) => void) | undefined;
  readonly conversation: Conversation<ResponderMessage>;
  readonly opened: Moment;
  readonly local: string;
  readonly seen: string;
  readonly instance?: string;
  #ends: RefreshingEnds | undefined;

  constructor(path: NativeHome, mode: Mode, probe: number, { conversation, opened, welcome }: Greeting) {
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
    // What is said in a test, and its answer, must arrive.
    await this.#ends?.client?.rest(context);
    const observation = await MODE_TESTS[this.#mode](this, context);
    this.#unanswered = observation.kind !== 'answered';
    return observation;
  }

  echo(context: TestContext): Promise<Heard<ResponderMessage>> {
    return ping(this.conversation, context);
  }

  keepAlive(interval: Seconds): void {
    this.conversation.link.holdByKeepAlive(interval);
  }

  segmentsHeard(): number | undefined {
    return this.conversation.link.segmentsHeard?.();
  }

  async refresh(context: TestContext): Promise<Heard<ResponderMessage>> {
    const heard = await this.echo(context);
    this.#unanswered = heard.kind !== 'message';
    return heard;
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

  /**
   * Where somebody acknowledges, that may be a proxy in front of the box that forgets: whether the far end still looks
   * after this connection it has to say itself.
   */
  async hangs(context: TestContext): Promise<boolean> {
    const control = this.#path.control(this.instance);
    if (control === undefined || (await this.conversation.link.isAcknowledged()) !== true) return false;
    const called = await call(control, this, randomHex(8), context);
    return 'kind' in called && called.kind === 'unclear';
  }

  get ends(): RefreshingEnds {
    return (this.#ends ??= defined({
      client: clientEnd(this.conversation.link),
      responder: this.#freshControl() && new ResponderEnd(this.number, (...what) => this.#askAbout(...what)),
    }));
  }

  /** The canary over which the far end can be asked to refresh this connection. */
  #freshControl(): Control | undefined {
    const control = this.#path.control(this.instance);
    return control?.fresh === true && mayBeSame(control.instance, this.instance) ? control : undefined;
  }

  #askAbout(...[request, isAnswer, context]: Parameters<AskAbout>): ReturnType<AskAbout> {
    const control = this.#freshControl();
    return control === undefined
      ? Promise.resolve({ kind: 'aborted' })
      : askAbout(control, request, isAnswer, context);
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

  /** Its silence was broken for another purpose: its test would tell nothing. */
  spend(): void {
    this.conversation.ended({
      kind: 'local',
      detail: 'its silence was broken to find out why canaries are lost',
    });
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
