/** recv: the far end breaks the silence, the client must hear it and its answer must arrive. */
import { randomBytes } from 'node:crypto';
import type { Seconds } from '../units.js';
import { encodeClientMessage } from '../wire/codec.js';
import type { Conversation, Heard } from './conversation.js';
import type { ResponderMessage } from '../wire/messages.js';
import { ANSWERED_WRONGLY, LONGEST_STALL, observeFailure } from './observe.js';
import type { NativeTestContext, Observation, Prober } from './prober.js';

/** How much earlier or later than asked the original's sleep server may write, seconds. */
const SLEEP_SLACK: Seconds = 1;

const FAR_END_WAS_RESET: Heard<never> = {
  kind: 'ended',
  end: { kind: 'reset', detail: 'the far end was reset when it wrote' },
};

export const recvProber: Prober = {
  mode: 'recv',
  legacyServer: 'sleep',

  /**
   * Asks on a control connection for a `ring` on the idle one. Alive needs three things: the ring was heard, our
   * answer to it went out, and the far end says that it heard the answer.
   */
  async native(connection, context) {
    const control = context.control();
    if (control === undefined) return { kind: 'unclear', reason: 'canary_lost' };
    const nonce = randomBytes(8).toString('hex');
    const before = connection.received;
    const heardRing = connection.hear(
      (message) => message.kind === 'ring' && message.nonce === nonce,
      context.deadline,
      context,
    );
    // A box may answer the ring with a RST that only the far end sees.
    const seenReset = control.hear(
      (message) => message.kind === 'gone' && message.probe === context.probe && message.cause === 'reset',
      context.deadline,
      context,
    );
    const heardAnswer = control.hear(
      (message) => message.kind === 'heard' && message.nonce === nonce,
      context.deadline,
      context,
    );
    const rung = await callFarEnd(control, nonce, context);
    if (rung.kind !== 'rung') return rung;

    const ring = await Promise.race([
      heardRing,
      seenReset.then((gone) => (gone.kind === 'message' ? FAR_END_WAS_RESET : heardRing)),
    ]);
    if (ring.kind === 'deadline' && connection.received > before) return ANSWERED_WRONGLY;
    if (ring.kind !== 'message') return observeFailure(ring, rung.broken, context.clock);
    connection.say(encodeClientMessage({ kind: 'answer', nonce }));
    const answer = await heardAnswer;
    if (answer.kind === 'message') return { kind: 'answered', broken: rung.broken };
    // The control connection's end says nothing about the tested one.
    if (answer.kind === 'ended') return { kind: 'unclear', reason: 'canary_lost' };
    return observeFailure(answer, rung.broken, context.clock);
  },

  /** The far end was asked at launch to write after `testAt` seconds; its bytes are our own request. */
  async legacy(connection, context) {
    const { testAt, request, clock, opened } = context;
    if (testAt === undefined || request === undefined)
      throw new Error('a legacy recv test needs the idle time that was asked for at launch');
    const broken = { earliest: opened.latest + testAt, latest: opened.earliest + testAt + SLEEP_SLACK };
    const patience = opened.latest + testAt + context.deadline - clock.monotonic();
    const heard = await connection.hear((bytes) => bytes.equals(request), patience, context);
    if (heard.kind !== 'message') {
      if (heard.kind === 'ended' && clock.monotonic() < opened.earliest + testAt) {
        const now = clock.monotonic();
        const idle = observeFailure(heard, { earliest: now, latest: now }, clock);
        return idle.kind === 'died' && idle.evidence === 'reset' ? { ...idle, evidence: 'reset_idle' } : idle;
      }
      return observeFailure(heard, broken, clock);
    }
    // A far end that writes too early did not test what was asked.
    return clock.monotonic() < opened.earliest + testAt - SLEEP_SLACK
      ? { kind: 'unclear', reason: 'late' }
      : { kind: 'answered', broken };
  },
};

type Called =
  | { readonly kind: 'rung'; readonly broken: { earliest: Seconds; latest: Seconds } }
  | Observation;

async function callFarEnd(
  control: Conversation<ResponderMessage>,
  nonce: string,
  context: NativeTestContext,
): Promise<Called> {
  const { clock, probe } = context;
  const earliest = clock.monotonic();
  control.say(encodeClientMessage({ kind: 'call', probe, nonce }));
  const rung = await control.hear(
    (message) =>
      (message.kind === 'rung' && message.nonce === nonce) ||
      (message.kind === 'error' && message.code === 'unknown_probe' && message.probe === probe),
    context.deadline,
    context,
  );
  const broken = { earliest, latest: clock.monotonic() };
  if (rung.kind !== 'message') {
    const late = rung.kind === 'deadline' && rung.stalled > LONGEST_STALL;
    return {
      kind: 'unclear',
      reason: late ? 'late' : rung.kind === 'aborted' ? 'interrupted' : 'canary_lost',
    };
  }
  // The far end has no such connection any more: it saw it end while idle.
  if (rung.message.kind === 'error') return { kind: 'died', evidence: 'reset_idle', broken };
  return { kind: 'rung', broken };
}
