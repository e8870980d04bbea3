/**
 * What may be found about a path beside its timeouts: each condition with its words. Pages, reports, logs, alerts and
 * the audit say these and no others.
 */
import type { Seconds } from '../../units.js';
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import type { Mode } from '../modes.js';
import type { QuotaStanding } from '../quota/memory.js';
import { sinceStart } from '../words.js';
import { eatenModes, EMPTY_MODES, type FindingsByMode, type PublishLimits } from './publishable.js';

/** Something about a path that explains its findings, keeps a mode out of the verdict or forbids a verdict. */
export type PathCondition =
  | 'keepalives_eaten'
  | 'keepalives_answered_between'
  | 'mixture'
  | 'connection_quota'
  | 'fixed_lifetime'
  | 'several_far_ends'
  | 'proxy_closes';

/** What is known of a path that its findings do not tell; absent where it was not found. */
export interface Circumstances {
  /** Somebody in between answers TCP keepalives while data dies. */
  readonly keepalivesAnsweredBetween?: boolean | undefined;
  /** More than one responder answers at the far end's address. */
  readonly severalFarEnds?: boolean | undefined;
  /** Every connection ends at one age, however busy it is: that age, seconds. */
  readonly fixedLifetime?: Seconds | undefined;
  /** The far end breaks a silence by itself after so long, seconds. */
  readonly speaksAfter?: Seconds | undefined;
  /** Configured modes that the far end cannot be asked. */
  readonly cannotBeAsked?: readonly Mode[] | undefined;
  /** Whether deaths depend on how many connections are open; absent where an accusation need not wait for that. */
  readonly quota?: QuotaStanding | undefined;
}

/** The words of one condition. */
interface ConditionRow {
  /** What it is, for HELP and tables. */
  readonly meaning: string;
  /** What the verdict's sentence adds, without a full stop. */
  readonly said: (circumstances: Circumstances) => string;
}

/** Every condition, in the order in which people read them. */
export const CONDITION_ROWS: Readonly<Record<PathCondition, ConditionRow>> = {
  keepalives_eaten: {
    meaning: 'TCP keepalives get no answer although data does; the verdict leaves that mode out',
    said: () => 'TCP keepalives get no answer at all on this path and say nothing about it',
  },
  keepalives_answered_between: {
    meaning:
      'TCP keepalives are answered by somebody in between while data dies; the verdict leaves that mode out',
    said: () => 'somebody in between answers TCP keepalives, so that they say nothing about the mapping',
  },
  mixture: {
    meaning: 'a share of the connections is forgotten early, as by a pool with bad nodes, the others are not',
    said: () => 'not all connections are treated alike, as behind a pool with bad nodes',
  },
  connection_quota: {
    meaning: 'idle connections die among many and survive among few: a limit on how many are remembered',
    said: ({ quota }) =>
      quota?.kind === 'quota'
        ? `how long one survives depends on how many connections are open (about ${quota.connections} are too many, ${quota.held} are not)`
        : 'how long one survives depends on how many connections are open',
  },
  fixed_lifetime: {
    meaning: 'every connection ends at one age, however busy it is',
    said: ({ fixedLifetime }) =>
      `every connection ends ${fixedLifetime === undefined ? 'at one age' : sinceStart(fixedLifetime)}, however busy it is`,
  },
  several_far_ends: {
    meaning: 'more than one responder answers at this address',
    said: () => 'several far ends answer at this address, so a test may meet another one than its connection',
  },
  proxy_closes: {
    meaning:
      "somebody closes idle connections in an orderly way, a proxy or the far end; that is no NAT's forgetting",
    said: () => "somebody closes idle connections in an orderly way (a FIN), which is no NAT's forgetting",
  },
};

/** Every condition, in the order in which people read them. */
export const PATH_CONDITIONS = Object.keys(CONDITION_ROWS) as readonly PathCondition[];

/** Where TCP keepalives do not reach whoever forgets or closes the connection: only data keeps it alive. */
const WITHOUT_KEEPALIVES: readonly PathCondition[] = [
  'keepalives_eaten',
  'keepalives_answered_between',
  'proxy_closes',
];

/** Why only settings that send data help on a path with these conditions; undefined where others may. */
export function whyDataOnly(
  conditions: readonly PathCondition[],
  circumstances: Circumstances,
): string | undefined {
  const reason = conditions.find((condition) => WITHOUT_KEEPALIVES.includes(condition));
  return reason && CONDITION_ROWS[reason].said(circumstances);
}

/** Whether enough connections of a mode were closed by somebody to say so. */
function isClosedEarly({ closed, deaths }: Finding): boolean {
  return closed === true && deaths >= DEATHS_OF_A_CLAIM;
}

/** The conditions of a path, in the order of the rows. */
export function conditionsOf(
  findings: FindingsByMode,
  limits: PublishLimits,
  circumstances: Circumstances,
): readonly PathCondition[] {
  const found: Readonly<Record<PathCondition, boolean>> = {
    keepalives_eaten: eatenModes(findings, limits).length > 0,
    keepalives_answered_between: circumstances.keepalivesAnsweredBetween === true,
    mixture: Object.values(findings).some(({ mixture }) => mixture !== undefined),
    connection_quota: circumstances.quota?.kind === 'quota',
    fixed_lifetime: circumstances.fixedLifetime !== undefined,
    several_far_ends: circumstances.severalFarEnds === true,
    proxy_closes: Object.values(findings).some(isClosedEarly),
  };
  return PATH_CONDITIONS.filter((condition) => found[condition]);
}

/**
 * The configured modes that say nothing about the mapping: keepalives that something eats or answers, and what the far
 * end cannot be asked.
 */
export function leftOutModes(
  findings: FindingsByMode,
  modes: readonly Mode[],
  limits: PublishLimits,
  circumstances: Circumstances,
): readonly Mode[] {
  const silent =
    circumstances.keepalivesAnsweredBetween === true ? EMPTY_MODES : eatenModes(findings, limits);
  const { cannotBeAsked = [] } = circumstances;
  return modes.filter((mode) => silent.includes(mode) || cannotBeAsked.includes(mode));
}
