/** From a target's runners and facts to what readers see: what may be published, diagnosis, recommendation. */
import { isSet } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { addressClass, sameAddress } from '../core/diagnosis/address.js';
import { explain } from '../core/diagnosis/explain.js';
import { type AddressClass, type DiagnosisInput, type ModeEvidence } from '../core/diagnosis/outcome.js';
import { type PathVerdict, pathVerdict } from '../core/diagnosis/path-verdict.js';
import { type FindingsByMode, keepaliveRecommended, publishable } from '../core/diagnosis/publishable.js';
import { settings } from '../core/diagnosis/settings.js';
import type { Explanation, Settings } from '../core/diagnosis/types.js';
import type { Finding, SearchPhase } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import type { DeathEvidence } from '../core/verdict.js';
import type { Introduction } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { FINDING_EXPIRES_AFTER } from './expiry.js';
import type { ModeRunner } from './mode-runner.js';
import type { ModeSnapshot, TargetEvent, TargetSnapshot, TestRecord, WaitingConnection } from './snapshot.js';

/** Deaths are counted over this long for the diagnosis, seconds. */
const EVIDENCE_WINDOW: Seconds = 86_400;

/** The wall clock may go back by so little without anybody's doing, seconds. */
const CLOCK_SLACK: Seconds = 5;

/** What is known about a path besides its searches. */
export interface PathFacts {
  readonly up?: boolean;
  readonly downReason?: string;
  readonly address?: string;
  readonly introduction?: Introduction;
  /** Our own addresses as the far end saw them, newest last, bounded. */
  readonly seenAddresses: readonly string[];
  /** The router's outer address, where it told it since our seen address changed last. */
  readonly routerAddress?: string;
  /** This host's own conntrack timeout, seconds. */
  readonly localConntrack?: Seconds;
  /** Whether the far end took the newest announcement of this exporter; absent before it answered one. */
  readonly announced?: boolean;
}

type Limits = DiagnosisInput['limits'];

/** What a snapshot reads of a mode's runner. */
export type ModeReadings = Pick<
  ModeRunner,
  | 'mode'
  | 'finding'
  | 'confirmedTimestamp'
  | 'conclusiveAt'
  | 'connections'
  | 'waiting'
  | 'tests'
  | 'belowLower'
>;

/** What follows from the findings of all modes together. */
interface Derived {
  /** The findings that it was derived from, in the order of the modes. */
  readonly from: readonly Finding[];
  readonly raw: FindingsByMode;
  readonly published: FindingsByMode;
  readonly interval: Seconds | undefined;
  readonly verdict: PathVerdict;
}

/**
 * Takes the snapshots of one target. A scrape of a fleet takes thousands: what follows from the findings is kept until
 * they change, and what only the page, the API and reports show is made when they ask for it.
 */
export class TargetSnapshots {
  readonly #target: TargetConfig;
  readonly #limits: Limits;
  #derived: Derived | undefined;

  constructor(target: TargetConfig) {
    this.#target = target;
    const { min_idle: minIdle, max_idle: maxIdle, resolution, guard } = target.search;
    this.#limits = { minIdle, maxIdle, resolution, guard };
  }

  /** @param now Unix time, seconds */
  take(
    facts: PathFacts,
    runners: readonly ModeReadings[],
    events: readonly TargetEvent[],
    now: Seconds,
  ): TargetSnapshot {
    const derived = this.#derive(runners, now);
    return new PathSnapshot(this.#target, this.#limits, facts, runners, derived, events, now);
  }

  #derive(runners: readonly ModeReadings[], now: Seconds): Derived {
    const from = runners.map((runner) => unexpired(runner, now));
    const known = this.#derived;
    if (known?.from.length === from.length && from.every((finding, index) => finding === known.from[index]))
      return known;
    const raw: FindingsByMode = Object.fromEntries(runners.map(({ mode }, index) => [mode, from[index]]));
    return (this.#derived = {
      from,
      raw,
      published: publishable(raw, this.#limits),
      interval: keepaliveRecommended(raw, this.#target.modes, this.#limits),
      verdict: pathVerdict(raw, this.#target.modes, this.#limits),
    });
  }
}

/**
 * A target at one moment. The facts and the findings are values: the runners replace them, never change them. Lists
 * (tests, waiting connections, events) are those of the moment in which they are read.
 */
class PathSnapshot implements TargetSnapshot {
  readonly config: TargetConfig;
  readonly modes: readonly ModeSnapshot[];
  readonly events: readonly TargetEvent[];
  readonly #limits: Limits;
  readonly #facts: PathFacts;
  readonly #runners: readonly ModeReadings[];
  readonly #derived: Derived;
  readonly #now: Seconds;
  #explanations: readonly Explanation[] | undefined;

  constructor(
    config: TargetConfig,
    limits: Limits,
    facts: PathFacts,
    runners: readonly ModeReadings[],
    derived: Derived,
    events: readonly TargetEvent[],
    now: Seconds,
  ) {
    this.config = config;
    this.modes = runners.map(
      (runner) => new OneMode(runner, derived.published[runner.mode] ?? runner.finding, now),
    );
    this.events = events;
    this.#limits = limits;
    this.#facts = facts;
    this.#runners = runners;
    this.#derived = derived;
    this.#now = now;
  }

  get up(): boolean | undefined {
    return this.#facts.up;
  }

  get downReason(): string | undefined {
    return this.#facts.downReason;
  }

  get address(): string | undefined {
    return this.#facts.address;
  }

  get localAddress(): string | undefined {
    return this.#facts.introduction?.localAddress;
  }

  get seenAddress(): string | undefined {
    return this.#facts.introduction?.seenAddress;
  }

  get routerAddress(): string | undefined {
    return this.#facts.routerAddress;
  }

  get natDetected(): boolean | undefined {
    const { localAddress, seenAddress } = this;
    if (seenAddress === undefined) return undefined;
    return localAddress === undefined || !sameAddress(seenAddress, localAddress);
  }

  get announced(): boolean | undefined {
    // While the far end is down nobody knows whether it still lists this exporter.
    return this.#facts.up === true ? this.#facts.announced : undefined;
  }

  get conntrack(): TargetSnapshot['conntrack'] {
    const local = this.#facts.localConntrack;
    const responder = this.#facts.introduction?.conntrack;
    if (responder === undefined) return local === undefined ? {} : { local };
    return local === undefined ? { responder } : { local, responder };
  }

  get verdict(): PathVerdict {
    return this.#derived.verdict;
  }

  get keepaliveRecommended(): Seconds | undefined {
    return this.#derived.interval;
  }

  get settings(): Settings | undefined {
    const { interval, verdict } = this.#derived;
    if (interval === undefined) return undefined;
    return settings(interval, { keepalivesEaten: verdict.conditions.includes('keepalives_eaten') });
  }

  get explanations(): readonly Explanation[] {
    this.#explanations ??= this.#diagnose();
    return this.#explanations;
  }

  #diagnose(): readonly Explanation[] {
    const { localAddress, seenAddress, routerAddress, natDetected } = this;
    const evidence = this.#runners.map((runner) => {
      const finding = this.#derived.raw[runner.mode] ?? runner.finding;
      return [runner.mode, evidenceOf(runner, finding, this.#now)];
    });
    return explain({
      modes: Object.fromEntries(evidence) as DiagnosisInput['modes'],
      limits: this.#limits,
      conntrack: this.conntrack,
      addresses: {
        ...(localAddress === undefined ? {} : { local: addressClass(localAddress) }),
        ...(seenAddress === undefined ? {} : { seen: addressClass(seenAddress) }),
        ...(routerAddress === undefined ? {} : routerEvidence(routerAddress, seenAddress)),
      },
      ...(natDetected === undefined ? {} : { natDetected }),
      severalSeenAddresses: this.#facts.seenAddresses.length > 1,
    });
  }
}

/** What is left of a target when its searches cannot be read. */
export function unreadableTarget(
  config: TargetConfig,
  { up, downReason, address }: PathFacts,
  events: readonly TargetEvent[],
): TargetSnapshot {
  return {
    config,
    up,
    downReason,
    address,
    conntrack: {},
    verdict: pathVerdict({}, config.modes, { minIdle: config.search.min_idle, guard: config.search.guard }),
    explanations: [],
    modes: [],
    events,
  };
}

class OneMode implements ModeSnapshot {
  readonly finding: Finding;
  readonly confirmedTimestamp: Seconds | undefined;
  readonly connections: number;
  readonly #runner: ModeReadings;

  constructor(runner: ModeReadings, finding: Finding, now: Seconds) {
    this.finding = finding;
    this.confirmedTimestamp = tellable(runner.confirmedTimestamp, now);
    this.connections = runner.connections;
    this.#runner = runner;
  }

  get mode(): Mode {
    return this.#runner.mode;
  }

  get waiting(): readonly WaitingConnection[] {
    return this.#runner.waiting;
  }

  get tests(): readonly TestRecord[] {
    return this.#runner.tests;
  }
}

/** A moment that can be told: not by a clock that was never set, nor one that it has yet to reach. */
function tellable(at: Seconds | undefined, now: Seconds): Seconds | undefined {
  return at === undefined || !isSet(now) || at > now + CLOCK_SLACK ? undefined : Math.min(at, now);
}

/** The finding, emptied when its newest evidence is too old to be shown. Bounds need no finding to grow old. */
function unexpired(runner: ModeReadings, now: Seconds): Finding {
  const { finding } = runner;
  const evidenceAt = runner.confirmedTimestamp ?? runner.conclusiveAt;
  return evidenceAt === undefined || now - evidenceAt <= FINDING_EXPIRES_AFTER
    ? finding
    : EXPIRED[finding.phase];
}

/** What is left of a finding that is too old: the same value each time, so that nothing is derived anew. */
const EXPIRED: Readonly<Record<SearchPhase, Finding>> = {
  climb: { phase: 'climb', suspect: false, deaths: 0 },
  refine: { phase: 'refine', suspect: false, deaths: 0 },
  track: { phase: 'track', suspect: false, deaths: 0 },
};

function routerEvidence(
  address: string,
  seen: string | undefined,
): { router: AddressClass; routerDiffersFromSeen?: boolean } {
  const router = addressClass(address);
  return {
    router,
    ...(router === 'public' && seen !== undefined
      ? { routerDiffersFromSeen: !sameAddress(address, seen) }
      : {}),
  };
}

function evidenceOf(runner: ModeReadings, finding: Finding, now: Seconds): ModeEvidence {
  const deaths: Partial<Record<DeathEvidence, number>> = {};
  for (const { at, verdict } of runner.tests)
    if (verdict.kind === 'dead' && now - at <= EVIDENCE_WINDOW)
      deaths[verdict.evidence] = (deaths[verdict.evidence] ?? 0) + 1;
  return { finding, deaths, ...runner.belowLower };
}
