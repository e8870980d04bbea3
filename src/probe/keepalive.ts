/** keepalive: the client's kernel breaks the silence with a TCP keepalive, the far end's kernel must acknowledge it. */
import type { Seconds } from '../units.js';
import type { Conversation, Heard } from './conversation.js';
import { observeEnd, observeFailure } from './observe.js';
import type { Moment, Observation, Prober, TestContext } from './prober.js';

/** First look at the kernel's count of unanswered probes after the first probe left, seconds. */
const FIRST_LOOK: Seconds = 0.05;
/** Time between further looks, seconds. */
const NEXT_LOOK: Seconds = 0.1;
/** A row may slip through one reading of a table that changes meanwhile; missing so often, it is not there. */
const LOOKS_WITHOUT_A_ROW = 3;
/**
 * RFC 9293 §3.8.4: one lost keepalive must not be taken for a dead connection.
 */
const LEAST_UNANSWERED = 2;
/**
 * Where the kernel does not tell its count, silence for this long means alive: a dead connection would have been
 * reset after 10 probes, one a second (10.24 s measured on Linux), seconds.
 */
const BLIND_DEADLINE: Seconds = 12;

export const keepaliveProber: Prober = {
  mode: 'keepalive',
  legacyServer: 'echo',
  native: (connection, context) => keepaliveTest(connection, context),
  legacy: (connection, context) => keepaliveTest(connection, context),
};

/**
 * Switches keepalive on for a connection that has idled: the first probe leaves at once, then one a second. The
 * switch goes off again at the end, since each probe refreshes the mapping.
 */
export async function keepaliveTest<M>(
  connection: Conversation<M>,
  context: TestContext,
): Promise<Observation> {
  const { clock } = context;
  const earliest = clock.monotonic();
  connection.link.setKeepAlive(true);
  const broken = { earliest, latest: clock.monotonic() };
  try {
    return await watch(connection, broken, context);
  } finally {
    connection.link.setKeepAlive(false);
  }
}

async function watch<M>(
  connection: Conversation<M>,
  broken: Moment,
  context: TestContext,
): Promise<Observation> {
  const { clock, deadline } = context;
  const end = clock.monotonic() + deadline;
  let before: number | undefined;
  let repeated = false;
  let missing = 0;
  for (let look = FIRST_LOOK; ; look = NEXT_LOOK) {
    const heard = await pause(connection, look, context);
    if (heard.kind !== 'deadline' || heard.stalled > 0.5) return observeFailure(stall(heard), broken, clock);
    const count = await connection.link.unansweredProbes();
    if (connection.end !== undefined) return observeEnd(connection.end, broken, clock);
    if (count === 'gone') missing += 1;
    if (count === undefined || missing === LOOKS_WITHOUT_A_ROW)
      return watchBlindly(connection, broken, context);
    if (count === 'gone') continue;
    missing = 0;
    repeated ||= count > 0;
    // Answered: nothing is outstanding on two looks in a row, or an outstanding probe was answered.
    if (count === 0 && before !== undefined)
      return { kind: 'answered', broken, ...(repeated && clock.monotonic() > end ? { delayed: true } : {}) };
    if (count >= LEAST_UNANSWERED && clock.monotonic() >= end)
      return { kind: 'died', evidence: 'silence', broken };
    before = count;
  }
}

/** A stall between two looks hides what the kernel did meanwhile; keep its size above what `observeFailure` accepts. */
function stall<M>(heard: Exclude<Heard<M>, { kind: 'message' }>): Exclude<Heard<M>, { kind: 'message' }> {
  return heard.kind === 'deadline' ? { kind: 'deadline', stalled: Infinity } : heard;
}

async function watchBlindly<M>(
  connection: Conversation<M>,
  broken: Moment,
  context: TestContext,
): Promise<Observation> {
  const heard = await pause(connection, Math.max(BLIND_DEADLINE, context.deadline), context);
  return heard.kind === 'deadline'
    ? { kind: 'answered', broken }
    : observeFailure(heard, broken, context.clock);
}

async function pause<M>(
  connection: Conversation<M>,
  duration: Seconds,
  context: TestContext,
): Promise<Exclude<Heard<M>, { kind: 'message' }>> {
  const heard = await connection.hear(() => false, duration, context);
  if (heard.kind === 'message') throw new Error('unreachable: nothing was asked for');
  return heard;
}
