/** send: the client breaks the silence with data, the far end must answer. */
import { ANSWERED_WRONGLY, type Observation, observeFailure, type TestContext } from '../observe.js';
import type { IdleConnection } from '../path.js';

export async function send(connection: IdleConnection, context: TestContext): Promise<Observation> {
  const { conversation } = connection;
  const { clock } = context;
  const earliest = clock.monotonic();
  const before = conversation.received;
  const answer = connection.echo(context);
  const broken = { earliest, latest: clock.monotonic() };
  const heard = await answer;
  if (heard.kind === 'message') return { kind: 'answered', broken };
  if (heard.kind === 'deadline' && (conversation.received > before || (await connection.hangs?.(context))))
    return ANSWERED_WRONGLY;
  return observeFailure(heard, broken, clock);
}
