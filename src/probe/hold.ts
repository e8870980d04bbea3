/** A connection that is held before its test instead of being left idle: by the kernel's keepalives, or by data. */
import { PROOF_INTERVALS, type ProofKind } from '../core/diagnosis/proof.js';
import { defined } from '../defined.js';
import type { LinkEnd } from '../net/errors.js';
import { Rest } from '../pause.js';
import type { Seconds } from '../units.js';
import { LONGEST_STALL, type TestContext } from './observe.js';
import type { Path, ProbeConnection } from './path.js';

/** What holds a connection, and how often. */
export interface Holding {
  readonly by: ProofKind;
  /** Whole seconds. */
  readonly interval: Seconds;
}

/**
 * The same path, but its connections are held from the moment in which they are open until their test, or for
 * `PROOF_INTERVALS`. What they tell by their end or their test is what came of that; data that is not answered is an end.
 *
 * @param context `deadline`: how long data may stay unanswered, seconds
 */
export function heldPath(path: Path, holding: Holding, context: Omit<TestContext, 'signal'>): Path {
  return {
    open: async (mode, testAt, signal) =>
      hold(await path.open(mode, testAt, signal), holding, { ...context, signal }),
    openCanary: (signal) => path.openCanary(signal),
    check: (signal) => path.check(signal),
  };
}

function hold(connection: ProbeConnection, holding: Holding, context: TestContext): ProbeConnection {
  const { opened, local, remote, seen, instance } = connection;
  const busy = new Rest(context.clock);
  let ended: LinkEnd | undefined;
  let tell: ((end: LinkEnd) => void) | undefined;
  const end = (how: LinkEnd): void => {
    busy.end();
    if (ended !== undefined) return;
    ended = how;
    tell?.(how);
  };
  connection.whenEnded(end);
  if (holding.by === 'keepalive') connection.keepAlive?.(holding.interval);
  else
    void keepBusy(connection, holding.interval, busy, context).then((how) => {
      if (how !== undefined && !busy.over) end(how);
    });
  return defined({
    opened,
    local,
    remote,
    seen,
    instance,
    whenEnded: (run: (end: LinkEnd) => void) => {
      tell = run;
      if (ended !== undefined) run(ended);
    },
    test: (testContext: TestContext) => {
      busy.end();
      return connection.test(testContext);
    },
    close: () => {
      busy.end();
      connection.close();
    },
  });
}

/**
 * Sends data an interval after the last answer, until only the test is left to come.
 * @returns what came in the place of an answer; undefined where all were there or it is over
 */
async function keepBusy(
  connection: ProbeConnection,
  interval: Seconds,
  busy: Rest,
  context: TestContext,
): Promise<LinkEnd | undefined> {
  const { clock } = context;
  for (let sent = 1; sent < PROOF_INTERVALS; sent += 1) {
    const due = clock.monotonic() + interval;
    await busy.pause(interval);
    if (busy.over) return undefined;
    // Held less often than advised, its death would say nothing.
    if (clock.monotonic() - due > LONGEST_STALL) return TOO_LATE;
    const heard = await connection.refresh?.(context);
    if (heard?.kind === 'ended') return heard.end;
    if (heard?.kind === 'deadline') return heard.stalled > LONGEST_STALL ? TOO_LATE : UNANSWERED;
    if (heard?.kind === 'aborted') return undefined;
  }
  return undefined;
}

const TOO_LATE: LinkEnd = { kind: 'local', detail: 'our own process stood still' };
const UNANSWERED: LinkEnd = { kind: 'silence', detail: 'data was not answered' };
