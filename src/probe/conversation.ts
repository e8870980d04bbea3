/** A link with messages on it: say something, wait for an answer, notice the end. */
import type { Clock } from '../clock.js';
import type { LinkEnd } from '../net/errors.js';
import type { Link, LinkHandler } from '../net/link.js';
import type { Seconds } from '../units.js';

/** How a wait ended. */
export type Heard<Message> = { readonly kind: 'message'; readonly message: Message } | Unheard;

/** How a wait ended without its message. `stalled` tells by how much our own process was late in noticing, seconds. */
export type Unheard =
  | { readonly kind: 'ended'; readonly end: LinkEnd }
  | { readonly kind: 'deadline'; readonly stalled: Seconds }
  | { readonly kind: 'aborted' };

/** Turns bytes into messages; a problem ends the conversation. */
export interface Decoder<Message> {
  push(chunk: Buffer): { readonly messages: readonly Message[]; readonly problem?: string };
}

/** What every wait needs. */
interface WaitContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A conversation as far as it does not matter which messages it is made of. */
export type AnyConversation = Pick<Conversation<unknown>, 'link' | 'end' | 'received' | 'rest'>;

interface Waiter<Message> {
  readonly wants: (message: Message) => boolean;
  readonly settle: (heard: Heard<Message>) => void;
}

/** One link, its decoder, and everybody who waits for something on it. */
export class Conversation<Message> implements LinkHandler {
  readonly link: Link;
  readonly #decoder: Decoder<Message>;
  #waiters: readonly Waiter<Message>[] = [];
  #onEnd: ((end: LinkEnd) => void) | undefined;
  #onStray: ((message: Message) => void) | undefined;
  #end: LinkEnd | undefined;
  /** How many messages have arrived, whether anybody waited for them or not. */
  received = 0;

  constructor(link: Link, decoder: Decoder<Message>) {
    this.link = link;
    this.#decoder = decoder;
    link.own(this);
  }

  /** How the conversation ended, if it did. */
  get end(): LinkEnd | undefined {
    return this.#end;
  }

  say(bytes: string | Uint8Array): void {
    this.link.write(bytes);
  }

  /** Calls `run` when the conversation ends by itself; at once if it has. */
  whenEnded(run: (end: LinkEnd) => void): void {
    this.#onEnd = run;
    if (this.#end !== undefined) run(this.#end);
  }

  /** Calls `run` for each message that nobody waits for. */
  whenStray(run: (message: Message) => void): void {
    this.#onStray = run;
  }

  /**
   * Waits for the first message that `wants` accepts, at most `deadline` seconds. An answer that has arrived in the
   * kernel by then counts even when our own event loop was blocked.
   */
  hear(
    wants: (message: Message) => boolean,
    deadline: Seconds,
    { clock, signal }: WaitContext,
  ): Promise<Heard<Message>> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) return resolve({ kind: 'ended', end: this.#end });
      if (signal.aborted) return resolve({ kind: 'aborted' });
      const due = clock.monotonic() + deadline;
      const timer = clock.after(deadline, () => {
        const stalled = Math.max(0, clock.monotonic() - due);
        // Timers run before sockets are read: let what has already arrived speak first.
        setImmediate(() => setImmediate(() => waiter.settle({ kind: 'deadline', stalled })));
      });
      const abort = (): void => waiter.settle({ kind: 'aborted' });
      const waiter: Waiter<Message> = {
        wants,
        settle: (heard) => {
          this.#waiters = this.#waiters.filter((each) => each !== waiter);
          timer.cancel();
          signal.removeEventListener('abort', abort);
          resolve(heard);
        },
      };
      this.#waiters = [...this.#waiters, waiter];
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Waits for nothing but the end, for `duration` seconds: where the connection lives on, it is `deadline`. */
  rest(duration: Seconds, context: WaitContext): Promise<Unheard> {
    return this.hear(() => false, duration, context) as Promise<Unheard>;
  }

  /** Closes the link; waiters are told that it ended. */
  close(): void {
    this.#onEnd = undefined;
    this.link.destroy();
    this.ended({ kind: 'closed', detail: 'closed by us' });
  }

  /** Takes what has arrived on the link. */
  data(chunk: Buffer): void {
    const { messages, problem } = this.#decoder.push(chunk);
    this.received += messages.length;
    for (const message of messages) {
      const waiter = this.#waiters.find((each) => each.wants(message));
      if (waiter !== undefined) waiter.settle({ kind: 'message', message });
      else this.#onStray?.(message);
    }
    if (problem !== undefined) {
      this.link.destroy();
      this.ended({ kind: 'local', detail: problem });
    }
  }

  /** Takes the end of the link; the first word counts. */
  ended(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const waiter of this.#waiters) waiter.settle({ kind: 'ended', end });
    this.#onEnd?.(end);
  }
}
