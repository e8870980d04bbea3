/**
 * Keepalives that somebody in between answers: a proxy or an accelerator acknowledges them itself, while data that has to
 * go on through the NAT behind it dies. The finding of that mode then says nothing about the mapping.
 */
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import { MODE_ROWS, MODES, type Mode } from '../modes.js';
import type { Verdict } from '../verdict.js';
import type { Seconds } from '../../units.js';
import { isFarBeyond, type PublishLimits } from './publishable.js';

/** One finished test, as far as it matters here. */
export interface TimedTest {
  /** Unix time of the verdict, seconds. */
  readonly at: Seconds;
  /** Idle time at the test, seconds. */
  readonly idle: Seconds;
  readonly verdict: Verdict;
}

/** What is known of one mode. */
export interface ModeTests {
  readonly finding: Finding;
  /** Newest last. */
  readonly tests: readonly TimedTest[];
}

/** Of ten tests one may say otherwise: connections are evicted by chance. */
const TOLERATED_SHARE = 0.1;

/**
 * Whether keepalives get answers at idle times at which data from the same side gets none. A timeout that has just
 * dropped or risen looks alike, since one mode notices it before the other: so only survivors count that were opened
 * between two connections whose data died, and next to nothing may say otherwise meanwhile.
 *
 * @param deadline how long a test may stay unanswered: a death is told this much later than it was tested, seconds
 */
export function areKeepalivesAnsweredBetween(
  modes: Readonly<Partial<Record<Mode, ModeTests>>>,
  limits: PublishLimits,
  deadline: Seconds,
): boolean {
  const fromInside = MODES.filter((mode) => MODE_ROWS[mode].from === 'inside');
  return fromInside.some((empty) =>
    fromInside.some((full) => {
      if (MODE_ROWS[empty].answeredBy !== 'kernel' || MODE_ROWS[full].answeredBy !== 'program') return false;
      const [keepalives, data] = [modes[empty], modes[full]];
      return keepalives !== undefined && data !== undefined && outlive(keepalives, data, limits, deadline);
    }),
  );
}

function outlive(keepalives: ModeTests, data: ModeTests, limits: PublishLimits, deadline: Seconds): boolean {
  const { finding } = data;
  if (finding.timeout === undefined || finding.upper === undefined || finding.closed === true) return false;
  if (finding.suspect || finding.deaths < DEATHS_OF_A_CLAIM) return false;
  const { upper } = finding;
  if (!isFarBeyond(keepalives.finding.lower ?? 0, upper, limits)) return false;
  const isBeyond = ({ idle }: TimedTest): boolean => isFarBeyond(idle, upper, limits);
  const died = data.tests.filter((test) => test.verdict.kind === 'dead' && !isBeyond(test));
  if (died.length < DEATHS_OF_A_CLAIM) return false;
  // When they were opened: the last word of a death came up to a deadline after its test.
  const earliest = Math.min(...died.map(({ at, idle }) => at - idle - deadline));
  const latest = Math.max(...died.map(({ at, idle }) => at - idle));
  const wasMeanwhile = ({ at, idle }: TimedTest): boolean => at - idle >= earliest && at - idle <= latest;
  const beyond = (tests: readonly TimedTest[], kind: Verdict['kind']): number =>
    tests.filter((test) => test.verdict.kind === kind && isBeyond(test) && wasMeanwhile(test)).length;
  const survivors = beyond(keepalives.tests, 'alive');
  if (survivors < DEATHS_OF_A_CLAIM) return false;
  return (
    beyond(keepalives.tests, 'dead') <= TOLERATED_SHARE * survivors &&
    beyond(data.tests, 'alive') <= TOLERATED_SHARE * died.length
  );
}
