/** From a target's runners and facts to what readers see: what may be published, diagnosis, recommendation. */
import { isSet } from '../clock.js';
import type { Locating } from '../core/locate/locating.js';
import type { TargetConfig } from '../config/config.js';
import { addressClass, sameAddress } from '../core/diagnosis/address-class.js';
import { areKeepalivesAnsweredBetween } from '../core/diagnosis/answered-between.js';
import { type Circumstances, whyDataOnly } from '../core/diagnosis/conditions.js';
import { explain } from '../core/diagnosis/explain.js';
import { type AddressClass, type DiagnosisInput, type ModeEvidence } from '../core/diagnosis/outcome.js';
import { type PathVerdict, pathVerdict } from '../core/diagnosis/path-verdict.js';
import { type FindingsByMode, keepaliveRecommended, publishable } from '../core/diagnosis/publishable.js';
import { type Advice, adviceOf, type Proving, provingOf, standing } from '../core/diagnosis/proof.js';
import { type Settings, settings } from '../core/diagnosis/settings.js';
import type { Explanation } from '../core/diagnosis/explanation.js';
import type { Finding, SearchPhase } from '../core/finding.js';
import type { DeathEvidence } from '../core/verdict.js';
import { defined } from '../defined.js';
import { socketOptions } from '../net/socket-options/library.js';
import type { Seconds } from '../units.js';
import type { AdviceProver } from './advice-prover.js';
import { FINDING_EXPIRES_AFTER } from './restored-search.js';
import type { Localizer } from './localizer.js';
import type { ModeRunner } from './mode-runner.js';
import { endsOf, type PathFacts } from './path-facts.js';
import type { ModeSnapshot, TargetEvent, TargetSnapshot } from './snapshot.js';

/** Deaths are counted over this long for the diagnosis, seconds. */
const EVIDENCE_WINDOW: Seconds = 86_400;

/** The wall clock may go back by so little without anybody's doing, seconds. */
const CLOCK_SLACK: Seconds = 5;

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

/** What a snapshot reads of a target's prover. */
export type ProofReadings = Pick<AdviceProver, 'proofs' | 'holds'>;

/** What follows from the findings of all modes together. */
interface Derived {
  /** The findings that it was derived from, in the order of the modes. */
  readonly from: readonly Finding[];
  readonly circumstances: Circumstances;
  readonly raw: FindingsByMode;
  readonly published: FindingsByMode;
  readonly interval: Seconds | undefined;
  readonly verdict: PathVerdict;
  readonly advice: Advice;
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
    const { min_idle: minIdle, resolution, guard } = target.search;
    this.#limits = { minIdle, resolution, guard };
  }

  /**
   * A target at one moment. The facts and the findings are values: the runners replace them, never change them. Lists
   * (tests, waiting connections, events) are those of the moment in which they are read.
   * @param now Unix time, seconds
   * @param prover absent where nobody tries the advice
   * @param localizer absent where nobody looks for the box that forgets
   */
  take(
    facts: PathFacts,
    runners: readonly ModeReadings[],
    events: readonly TargetEvent[],
    now: Seconds,
    prover?: ProofReadings,
    localizer?: Pick<Localizer, 'locating'>,
  ): TargetSnapshot {
    const derived = this.#derive(runners, circumstances(facts), now);
    const { up, downReason, remedy, address, introduction, routerAddress } = facts;
    const { localAddress, seenAddress, conntrack: responder, fresh } = introduction ?? {};
    const { published, verdict, interval } = derived;
    const proving = prover && provingAt(prover, derived.advice, facts, now);
    const advise = (): Settings | undefined => advised(derived, proving);
    let advisedSettings: Settings | undefined;
    const diagnose = (snapshot: TargetSnapshot): readonly Explanation[] =>
      this.#diagnose(snapshot, facts, runners, derived, now);
    let explanations: readonly Explanation[] | undefined;
    const ownTracking = defined({ local: facts.localConntrack, responder });
    let locating: Locating | undefined;
    return {
      config: this.#target,
      modes: runners.map((runner) => modeSnapshot(runner, published[runner.mode] ?? runner.finding, now)),
      events,
      up,
      downReason,
      remedy,
      address,
      localAddress,
      seenAddress,
      routerAddress,
      natDetected: isTranslated(localAddress, seenAddress),
      // While the far end is down nobody knows whether it still lists this exporter.
      announced: up === true ? facts.announced : undefined,
      conntrack: ownTracking,
      localization: defined({ local: socketOptions(), responder: this.#responderLocates(fresh) }),
      get locating() {
        return (locating ??= localizer?.locating({ findings: published, verdict }, ownTracking));
      },
      verdict,
      keepaliveRecommended: interval,
      get settings() {
        return (advisedSettings ??= advise());
      },
      proving,
      get explanations() {
        return (explanations ??= diagnose(this));
      },
    };
  }

  /** Far ends that speak another protocol have no word for it. */
  #responderLocates(fresh: boolean | undefined): boolean | undefined {
    const { kind } = this.#target.far_end;
    return kind === 'native' || kind === 'embedded' ? fresh : false;
  }

  #derive(runners: readonly ModeReadings[], facts: Circumstances, now: Seconds): Derived {
    const from = runners.map((runner) => unexpired(runner, now));
    const known = { ...facts, keepalivesAnsweredBetween: this.#areAnsweredBetween(runners, from) };
    const before = this.#derived;
    const unchanged =
      before?.from.length === from.length &&
      from.every((finding, index) => finding === before.from[index]) &&
      isSame(before.circumstances, known);
    if (before !== undefined && unchanged) return before;
    const { modes } = this.#target;
    const raw: FindingsByMode = Object.fromEntries(runners.map(({ mode }, index) => [mode, from[index]]));
    const verdict = pathVerdict(raw, modes, this.#limits, known);
    const speaking = modes.filter((mode) => !verdict.leftOut.includes(mode));
    const interval = keepaliveRecommended(raw, speaking, this.#limits);
    const published = publishable(raw, this.#limits, known.quota);
    return (this.#derived = {
      from,
      circumstances: known,
      raw,
      published,
      interval,
      verdict,
      advice: adviceOf({ interval, findings: published, speaking, conditions: verdict.conditions }),
    });
  }

  #areAnsweredBetween(runners: readonly ModeReadings[], from: readonly Finding[]): boolean {
    const seen = runners.map(({ mode, tests }, index) => [mode, { finding: from[index], tests }]);
    const modes = Object.fromEntries(seen) as Parameters<typeof areKeepalivesAnsweredBetween>[0];
    return areKeepalivesAnsweredBetween(modes, this.#limits, this.#target.search.deadline);
  }

  #diagnose(
    { localAddress, seenAddress, routerAddress, natDetected, conntrack }: TargetSnapshot,
    { seenAddresses }: PathFacts,
    runners: readonly ModeReadings[],
    { raw, circumstances: { keepalivesAnsweredBetween, fixedLifetime, quota } }: Derived,
    now: Seconds,
  ): readonly Explanation[] {
    const evidence = runners.map((runner) => [
      runner.mode,
      evidenceOf(runner, raw[runner.mode] ?? runner.finding, now),
    ]);
    return explain({
      modes: Object.fromEntries(evidence) as DiagnosisInput['modes'],
      limits: this.#limits,
      conntrack,
      addresses: {
        ...defined({
          local: localAddress === undefined ? undefined : addressClass(localAddress),
          seen: seenAddress === undefined ? undefined : addressClass(seenAddress),
        }),
        ...(routerAddress === undefined ? {} : routerEvidence(routerAddress, seenAddress)),
      },
      ...defined({ natDetected, keepalivesAnsweredBetween, fixedLifetime, quota }),
      severalSeenAddresses: seenAddresses.length > 1,
    });
  }
}

/** What was shown counts only for the advice and the path of this moment. */
function provingAt(prover: ProofReadings, advice: Advice, facts: PathFacts, now: Seconds): Proving {
  const proofs = standing(prover.proofs, advice.ground, endsOf(facts));
  return provingOf(advice, proofs, prover.holds, now);
}

function advised({ interval, verdict, circumstances }: Derived, proving?: Proving): Settings | undefined {
  if (interval === undefined) return undefined;
  const noKeepalives = whyDataOnly(verdict.conditions, circumstances);
  return settings(interval, { noKeepalives, proofs: proving?.proofs ?? [] });
}

/** What the verdict needs to know beside the findings. */
function circumstances(facts: PathFacts): Circumstances {
  const { severalFarEnds, fixedLifetime, speaksAfter, cannotBeAsked, quota } = facts;
  return { severalFarEnds, fixedLifetime, speaksAfter, cannotBeAsked, quota };
}

/** Whether nothing has changed: the facts are values. */
function isSame(a: Circumstances, b: Circumstances): boolean {
  return (Object.keys(b) as (keyof Circumstances)[]).every((name) => a[name] === b[name]);
}

/** Whether a NAT stands on the path; undefined where the far end does not say how it sees us. */
function isTranslated(local: string | undefined, seen: string | undefined): boolean | undefined {
  return seen === undefined ? undefined : local === undefined || !sameAddress(seen, local);
}

/** What is left of a target when its searches cannot be read. */
export function unreadableTarget(
  config: TargetConfig,
  { up, downReason, remedy, address }: PathFacts,
  events: readonly TargetEvent[],
): TargetSnapshot {
  return {
    config,
    up,
    downReason,
    remedy,
    address,
    conntrack: {},
    localization: { local: socketOptions() },
    verdict: pathVerdict({}, config.modes, { minIdle: config.search.min_idle, guard: config.search.guard }),
    explanations: [],
    modes: [],
    events,
  };
}

function modeSnapshot(runner: ModeReadings, finding: Finding, now: Seconds): ModeSnapshot {
  return {
    mode: runner.mode,
    finding,
    confirmedTimestamp: tellable(runner.confirmedTimestamp, now),
    connections: runner.connections,
    get waiting() {
      return runner.waiting;
    },
    get tests() {
      return runner.tests;
    },
  };
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
  const comparable = router === 'public' && seen !== undefined;
  return comparable ? { router, routerDiffersFromSeen: !sameAddress(address, seen) } : { router };
}

function evidenceOf(runner: ModeReadings, finding: Finding, now: Seconds): ModeEvidence {
  const deaths: Partial<Record<DeathEvidence, number>> = {};
  for (const { at, verdict } of runner.tests)
    if (verdict.kind === 'dead' && now - at <= EVIDENCE_WINDOW)
      deaths[verdict.evidence] = (deaths[verdict.evidence] ?? 0) + 1;
  return { finding, deaths, ...runner.belowLower };
}
