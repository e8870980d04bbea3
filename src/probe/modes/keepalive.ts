/** keepalive: the client's kernel breaks the silence with a TCP keepalive, the far end's kernel must acknowledge it. */
import type { Seconds } from '../../units.js';
import type { AnyConversation } from '../conversation.js';
import { type Moment, type Observation, observeEnd, observeFailure, type TestContext } from '../observe.js';
import type { IdleConnection } from '../path.js';

/** First look at the kernel's count of unanswered probes after the first probe left, seconds. */
const FIRST_LOOK: Seconds = 0.05;
/** Time between further looks, seconds. */
const NEXT_LOOK: Seconds = 0.1;
/** Time between two probes, seconds, and how late the kernel's timer may be. */
const PROBES_EVERY: Seconds = 1;
const TIMER_SLACK: Seconds = 0.2;
/** A stall of our own process between two looks longer than this makes the test worthless, seconds. */
const LONGEST_STALL: Seconds = 0.5;
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

/**
 * Switches keepalive on for a connection that has idled: the first probe leaves at once, then one a second. The
 * switch goes off again at the end, since each probe refreshes the mapping.
 */
export async function keepalive(
  { conversation }: Pick<IdleConnection, 'conversation'>,
  context: TestContext,
): Promise<Observation> {
  const { clock } = context;
  const earliest = clock.monotonic();
  conversation.link.setKeepAlive(true);
  const broken = { earliest, latest: clock.monotonic() };
  try {
    return await watch(conversation, broken, context);
  } finally {
    conversation.link.setKeepAlive(false);
  }
}

async function watch(
  conversation: AnyConversation,
  broken: Moment,
  context: TestContext,
): Promise<Observation> {
  const { clock, deadline } = context;
  const end = clock.monotonic() + deadline;
  let before: number | undefined;
  let answeredAtFirst = false;
  let repeated = false;
  let missing = 0;
  for (let look = FIRST_LOOK; ; look = NEXT_LOOK) {
    const heard = await conversation.rest(look, context);
    if (heard.kind !== 'deadline') return observeFailure(heard, broken, clock);
    // A stall between two looks hides what the kernel did meanwhile.
    if (heard.stalled > LONGEST_STALL) return { kind: 'unclear', reason: 'late' };
    const count = await conversation.link.unansweredProbes();
    if (conversation.end !== undefined) return observeEnd(conversation.end, broken, clock);
    if (count === 'gone') missing += 1;
    if (count === undefined || missing === LOOKS_WITHOUT_A_ROW)
      return watchBlindly(conversation, broken, context);
    if (count === 'gone') continue;
    missing = 0;
    // A timer that counts payload only goes on during the test: what a later probe meets is older than the silence.
    if (before === undefined) answeredAtFirst = count < probesSent(clock.monotonic() - broken.latest);
    repeated ||= count > 0;
    // Answered: nothing is outstanding on two looks in a row, or an outstanding probe was answered.
    if (count === 0 && before !== undefined)
      return { kind: 'answered', broken, ...(repeated && clock.monotonic() > end ? { delayed: true } : {}) };
    if (count >= LEAST_UNANSWERED && clock.monotonic() >= end)
      return answeredAtFirst
        ? { kind: 'unclear', reason: 'late' }
        : { kind: 'died', evidence: 'silence', broken };
    before = count;
  }
}

/** How many probes have left so long after the first one, seconds. */
function probesSent(since: Seconds): number {
  return 1 + Math.floor(Math.max(0, since - TIMER_SLACK) / PROBES_EVERY);
}

async function watchBlindly(
  conversation: AnyConversation,
  broken: Moment,
  context: TestContext,
): Promise<Observation> {
  const heard = await conversation.rest(Math.max(BLIND_DEADLINE, context.deadline), context);
  return heard.kind === 'deadline'
    ? { kind: 'answered', broken }
    : observeFailure(heard, broken, context.clock);
}
