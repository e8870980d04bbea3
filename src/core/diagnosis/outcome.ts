/** What one mode's search came to, reduced to what a diagnosis compares. */
import { defined } from '../../defined.js';
import { DEATHS_OF_A_CLAIM, type Finding, type Mixture } from '../finding.js';
import { durationWithSeconds, plainSeconds, secondsInWords } from '../human-duration.js';
import { diesAtMinIdle } from './publishable.js';
import { MODES, type Mode } from '../modes.js';
import type { QuotaStanding } from '../quota/memory.js';
import type { DeathEvidence } from '../verdict.js';
import { mixtureWords, REASON_WORDS } from '../words.js';
import type { Seconds } from '../../units.js';

/** Where an address belongs, without the address itself. */
export type AddressClass = 'public' | 'private' | 'cgn' | 'loopback' | 'link_local' | 'other';

/** One configured mode, as the search and the engine's counters know it. */
export interface ModeEvidence {
  /** The search's own finding, nothing withheld. */
  readonly finding: Finding;
  /** Deaths by what showed them. */
  readonly deaths: Readonly<Partial<Record<DeathEvidence, number>>>;
  /** Deaths below the published lower bound. */
  readonly earlyDeaths?: number;
  /** Tests below the published lower bound, early deaths included. */
  readonly testsBelowLower?: number;
}

/** All that a diagnosis may rest on. Durations in seconds. */
export interface DiagnosisInput {
  /** Every configured mode. */
  readonly modes: Readonly<Partial<Record<Mode, ModeEvidence>>>;
  readonly limits: {
    readonly minIdle: Seconds;
    readonly resolution: Seconds;
    readonly guard: Seconds;
  };
  /** The two hosts' own established timeouts; absent where a host tracks nothing or does not say. */
  readonly conntrack: { readonly local?: Seconds; readonly responder?: Seconds };
  /** Whether the far end sees another address than this host; absent when it does not say. */
  readonly natDetected?: boolean;
  /** This host's address, the router's outer address where it tells, and the one that the far end sees. */
  readonly addresses: {
    readonly local?: AddressClass;
    readonly router?: AddressClass;
    readonly seen?: AddressClass;
    /** The router's outer address is public, but not the one that the far end sees. */
    readonly routerDiffersFromSeen?: boolean;
  };
  /** Whether deaths depend on how many connections are open; absent where nothing waits for that. */
  readonly quota?: QuotaStanding;
  /** Somebody in between answers TCP keepalives while data dies. */
  readonly keepalivesAnsweredBetween?: boolean;
  /** Every connection ends at this age, however busy it is, seconds; absent where that was not found. */
  readonly fixedLifetime?: Seconds;
  /** Connections of one search arrived from several public addresses. */
  readonly severalSeenAddresses?: boolean;
}

/** One mode's result. */
export type Outcome =
  /** Not decided yet: nothing is said about it. */
  | { readonly kind: 'open' }
  /** Nothing died up to `lower`, as far as was asked. */
  | { readonly kind: 'survives'; readonly lower: Seconds }
  /** Idle connections die between `lower` and `upper`; `lower` is 0 when nothing survived at all. */
  | {
      readonly kind: 'forgets';
      readonly lower: Seconds;
      readonly upper: Seconds;
      readonly deaths: number;
      readonly compliant?: boolean;
      /** Only a share of the connections dies there. */
      readonly mixture?: Mixture;
      /** What showed most of the deaths; absent when no death was counted since the start. */
      readonly manner?: DeathEvidence;
    };

/** Reduces one mode's evidence. */
export function outcomeOf(evidence: ModeEvidence, limits: DiagnosisInput['limits']): Outcome {
  const { finding } = evidence;
  const { lower, upper } = finding;
  if (upper === undefined) {
    // Without a death, `track` means that the longest idle time was reached.
    const asked = finding.timeout !== undefined || finding.phase === 'track';
    return asked && lower !== undefined ? { kind: 'survives', lower } : { kind: 'open' };
  }
  const atOnce = diesAtMinIdle(finding, limits) && finding.deaths >= DEATHS_OF_A_CLAIM;
  const { mixture } = finding;
  if (finding.timeout === undefined && !atOnce && mixture === undefined) return { kind: 'open' };
  return defined({
    kind: 'forgets',
    lower: lower ?? 0,
    upper,
    deaths: finding.deaths,
    compliant: finding.compliant,
    mixture,
    manner: finding.closed === true ? 'closed' : commonest(evidence.deaths),
  });
}

/** The commonest of the manners in which a mapping that is gone shows itself. */
function commonest(deaths: ModeEvidence['deaths']): DeathEvidence | undefined {
  let best: DeathEvidence | undefined;
  for (const kind of ['silence', 'reset', 'reset_idle'] as const) {
    if ((deaths[kind] ?? 0) > (best === undefined ? 0 : (deaths[best] ?? 0))) best = kind;
  }
  return best;
}

/** One plain sentence of evidence for one mode. */
export function outcomeSentence(mode: Mode, outcome: Outcome): string {
  switch (outcome.kind) {
    case 'open':
      return `${mode}: not decided yet.`;
    case 'survives':
      return `${mode}: survived ${durationWithSeconds(outcome.lower)} idle, nothing died.`;
    case 'forgets': {
      if (outcome.mixture !== undefined) return `${mode}: ${mixtureWords(outcome, outcome.mixture)}.`;
      const survived = outcome.lower > 0 ? `survived ${plainSeconds(outcome.lower)}` : 'nothing survived';
      const died = `died at ${secondsInWords(outcome.upper)}`;
      const how = outcome.manner === undefined ? '' : `: ${REASON_WORDS[outcome.manner]}`;
      const times = outcome.deaths === 1 ? 'once' : `${outcome.deaths} times`;
      return `${mode}: ${survived}, ${died} (${times}${how}).`;
    }
  }
}

/** Whether a value may be the limit that a bracket shows: inside it, or outside by no more than the guard or 1 %. */
export function nearBracket(
  bracket: { readonly lower: Seconds; readonly upper: Seconds },
  value: Seconds,
  guard: Seconds,
): boolean {
  const tolerance = Math.max(guard, 0.01 * value);
  return value >= bracket.lower - tolerance && value <= bracket.upper + tolerance;
}

/** The configured modes in reading order. */
export function configuredModes(input: DiagnosisInput): readonly Mode[] {
  return MODES.filter((mode) => input.modes[mode] !== undefined);
}

/** A mode that forgets. */
export type Forgets = Extract<Outcome, { kind: 'forgets' }>;

/** Whether the connection was ended while it idled, so that its end passed: nothing was forgotten in silence. */
export function wasEnded({ manner }: Forgets): boolean {
  return manner === 'closed' || manner === 'reset_idle';
}

/** The result of each configured mode. */
export type Outcomes = ReadonlyMap<Mode, Outcome>;

/** The modes that forget. */
export function forgetting(outcomes: Outcomes): readonly (readonly [Mode, Forgets])[] {
  return [...outcomes].flatMap(([mode, outcome]) =>
    outcome.kind === 'forgets' ? [[mode, outcome] as const] : [],
  );
}

/** One plain sentence of evidence for each mode. */
export function outcomeSentences(outcomes: Outcomes): readonly string[] {
  return [...outcomes].map(([mode, outcome]) => outcomeSentence(mode, outcome));
}
