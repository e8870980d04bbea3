/** send: the client breaks the silence with data, the far end must answer. */
import { randomBytes } from 'node:crypto';
import { encodeClientMessage } from '../wire/codec.js';
import type { Conversation } from './conversation.js';
import { ANSWERED_WRONGLY, observeFailure } from './observe.js';
import type { Observation, Prober, TestContext } from './prober.js';

export const sendProber: Prober = {
  mode: 'send',
  legacyServer: 'echo',

  native(connection, context) {
    const nonce = randomBytes(8).toString('hex');
    const question = encodeClientMessage({ kind: 'ping', nonce });
    return ask(
      connection,
      question,
      (message) => message.kind === 'pong' && message.nonce === nonce,
      context,
    );
  },

  legacy(connection, context) {
    const question = randomBytes(16);
    return ask(connection, question, (echo) => echo.equals(question), context);
  },
};

async function ask<M>(
  connection: Conversation<M>,
  question: string | Uint8Array,
  isAnswer: (message: M) => boolean,
  context: TestContext,
): Promise<Observation> {
  const earliest = context.clock.monotonic();
  const before = connection.received;
  connection.say(question);
  const broken = { earliest, latest: context.clock.monotonic() };
  const heard = await connection.hear(isAnswer, context.deadline, context);
  if (heard.kind === 'message') return { kind: 'answered', broken };
  if (heard.kind === 'deadline' && connection.received > before) return ANSWERED_WRONGLY;
  return observeFailure(heard, broken, context.clock);
}
