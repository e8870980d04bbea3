/** What the native protocol's client asks the far end for: an answer, and to write on a probe connection. */
import { randomHex } from '../net/token.js';
import { encodeClientMessage } from '../wire/codec.js';
import type { FreshRequest, ResponderMessage } from '../wire/messages.js';
import type { Conversation, Heard } from './conversation.js';
import { LONGEST_STALL, type Moment, type Observation, type TestContext } from './observe.js';
import { mayBeSame } from './path.js';

/** A canary's conversation, and the far end that welcomed it. */
export interface Control {
  readonly conversation: Conversation<ResponderMessage>;
  readonly instance: string | undefined;
  /** Whether that far end can refresh probe connections. */
  readonly fresh: boolean;
}

/** Asks for an answer on a connection of any role. */
export function ping(
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

/** Asks the far end about a probe and waits for the answer, or for its word that it does not do it. */
export function askAbout(
  { conversation }: Control,
  request: FreshRequest,
  isAnswer: (message: ResponderMessage) => boolean,
  context: TestContext,
): Promise<Heard<ResponderMessage>> {
  const { probe } = request;
  conversation.say(encodeClientMessage(request));
  const isRefusal = (message: ResponderMessage): boolean =>
    message.kind === 'error' &&
    (message.code === 'fresh' || message.code === 'unknown_probe') &&
    message.probe === probe;
  return conversation.hear((message) => isAnswer(message) || isRefusal(message), context.deadline, context);
}

/**
 * Asks the far end to write on a probe.
 * @returns when it wrote, or what was observed instead
 */
export async function call(
  { conversation, instance }: Control,
  { number: probe, instance: welcomedBy }: { readonly number: number; readonly instance?: string },
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
