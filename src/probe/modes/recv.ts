/** recv: the far end breaks the silence, the client must hear it and its answer must arrive. */
import { ANSWERED_WRONGLY, type Observation, observeFailure, type TestContext } from '../observe.js';
import type { IdleConnection } from '../path.js';

/**
 * Alive needs three things: the ring was heard, our answer to it went out, and the far end says that it heard the
 * answer. The original's sleep server says nothing of the kind: there the ring alone must do.
 */
export async function recv(connection: IdleConnection, context: TestContext): Promise<Observation> {
  const { conversation } = connection;
  const { clock } = context;
  const before = conversation.received;
  const ring = await connection.ring(context);
  if ('kind' in ring) return ring;
  const { heard, broken, answer } = ring;
  if (heard.kind === 'deadline' && conversation.received > before) return ANSWERED_WRONGLY;
  if (heard.kind !== 'message') return observeFailure(heard, broken, clock);
  const arrived = await answer?.();
  if (arrived === undefined || arrived.kind === 'message') return { kind: 'answered', broken };
  // The end of the connection that carries the word says nothing about the tested one.
  if (arrived.kind === 'ended') return { kind: 'unclear', reason: 'canary_lost' };
  if (arrived.kind === 'deadline' && (await connection.hangs?.(context))) return ANSWERED_WRONGLY;
  return observeFailure(arrived, broken, clock);
}
