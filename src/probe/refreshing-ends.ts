/**
 * What either end of a probe connection can do so that it is learnt which box forgets: keepalives that go only so many
 * hops, and the distance to the other end. The client's end is this host's kernel, the responder's is asked for it.
 */
import { socketOptions } from '../net/socket-options/library.js';
import type { RefreshCount, Refreshing } from '../net/socket-options/refreshing.js';
import type { Link } from '../net/link.js';
import type { Seconds } from '../units.js';
import type { FreshRequest, ResponderMessage } from '../wire/messages.js';
import type { Heard } from './conversation.js';
import type { TestContext } from './observe.js';

/** One end. Of one connection only one thing can be done at a time; a test wants both ends at rest. */
export interface RefreshingEnd {
  /**
   * From now on a keepalive of so many hops leaves whenever the connection has been idle for `interval`.
   * @param hops 1 to 64
   * @param interval whole seconds, 1 to 60
   * @returns whether it has begun
   */
  refresh(hops: number, interval: Seconds, context: TestContext): Promise<boolean>;
  /**
   * Ends it: what this end sends from then on goes all the way.
   * @returns what came of it; undefined where it is not known, or not even whether it has ended
   */
  rest(context: TestContext): Promise<RefreshCount | undefined>;
  /**
   * Whether the other end acknowledges a keepalive of so many hops, on a connection that has been idle for a second. It
   * takes 2.5 s where it does not, and refreshes every box that the keepalive meets.
   * @param hops 1 to 64
   * @returns undefined where it cannot be told
   */
  reaches(hops: number, context: TestContext): Promise<boolean | undefined>;
}

/** The ends that can do it. */
export interface RefreshingEnds {
  readonly client?: RefreshingEnd;
  readonly responder?: RefreshingEnd;
}

/** This host's end; undefined where the host cannot do it. */
export function clientEnd(link: Link): RefreshingEnd | undefined {
  return socketOptions().available ? new ClientEnd(link) : undefined;
}

class ClientEnd implements RefreshingEnd {
  readonly #link: Link;
  #refreshing: Refreshing | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  refresh(hops: number, interval: Seconds): Promise<boolean> {
    this.#refreshing?.stop();
    this.#refreshing = this.#link.refresh(hops, interval);
    return Promise.resolve(this.#refreshing !== undefined);
  }

  rest(): Promise<RefreshCount | undefined> {
    const counted = this.#refreshing?.stop();
    this.#refreshing = undefined;
    return Promise.resolve(counted);
  }

  reaches(hops: number): Promise<boolean | undefined> {
    return this.#refreshing === undefined ? this.#link.reaches(hops) : Promise.resolve(undefined);
  }
}

/** Asks the far end about a probe connection and waits for the answer to just that. */
export type AskAbout = (
  request: FreshRequest,
  isAnswer: (message: ResponderMessage) => boolean,
  context: TestContext,
) => Promise<Heard<ResponderMessage>>;

/** How long a responder tries whether a keepalive arrives. */
const TRIAL: Seconds = 2.5;

/** The responder's end of the probe connection of that number. */
export class ResponderEnd implements RefreshingEnd {
  readonly #probe: number;
  readonly #ask: AskAbout;

  constructor(probe: number, ask: AskAbout) {
    this.#probe = probe;
    this.#ask = ask;
  }

  async refresh(hops: number, interval: Seconds, context: TestContext): Promise<boolean> {
    return (await this.#fresh({ ttl: hops, interval }, context)) !== undefined;
  }

  rest(context: TestContext): Promise<RefreshCount | undefined> {
    return this.#fresh({ ttl: 0 }, context);
  }

  async reaches(hops: number, context: TestContext): Promise<boolean | undefined> {
    const probe = this.#probe;
    const patient = { ...context, deadline: context.deadline + TRIAL };
    const heard = await this.#ask(
      { kind: 'reach', probe, ttl: hops },
      (message) => message.kind === 'reached' && message.probe === probe,
      patient,
    );
    return heard.kind === 'message' && heard.message.kind === 'reached' ? heard.message.acked : undefined;
  }

  async #fresh(
    what: { readonly ttl: number; readonly interval?: Seconds },
    context: TestContext,
  ): Promise<RefreshCount | undefined> {
    const probe = this.#probe;
    const heard = await this.#ask(
      { kind: 'fresh', probe, ...what },
      (message) => message.kind === 'freshened' && message.probe === probe,
      context,
    );
    if (heard.kind !== 'message' || heard.message.kind !== 'freshened') return undefined;
    const { sent, heard: came } = heard.message;
    return { sent, heard: came };
  }
}
