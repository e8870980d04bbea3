/** From a target's runners and facts to what readers see: what may be published, diagnosis, recommendation. */
import type { TargetConfig } from '../config/types.js';
import {
  type AddressClass,
  addressClass,
  explain,
  keepaliveRecommended,
  keepalivesEaten,
  type ModeEvidence,
  publishable,
  settings,
} from '../core/diagnosis/index.js';
import type { Explanation } from '../core/diagnosis/types.js';
import type { Finding } from '../core/finding.js';
import type { Mode } from '../core/mode.js';
import type { DeathEvidence } from '../core/verdict.js';
import type { Introduction } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { FINDING_EXPIRES_AFTER } from './expiry.js';
import type { ModeRunner } from './mode-runner.js';
import type { ModeSnapshot, TargetEvent, TargetSnapshot } from './snapshot.js';

/** Deaths are counted over this long for the diagnosis, seconds. */
const EVIDENCE_WINDOW: Seconds = 86_400;

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

/** @param now Unix time, seconds */
export function snapshotTarget(
  target: TargetConfig,
  facts: PathFacts,
  runners: readonly ModeRunner[],
  events: readonly TargetEvent[],
  now: Seconds,
): TargetSnapshot {
  const { search } = target;
  const limits = {
    minIdle: search.min_idle,
    maxIdle: search.max_idle,
    resolution: search.resolution,
    guard: search.guard,
  };
  const raw = findingsOf(runners.map((runner) => [runner.mode, unexpired(runner, now)]));
  const published = publishable(raw, limits);
  const interval = keepaliveRecommended(raw, target.modes, limits);
  const { localAddress, seenAddress, conntrack } = facts.introduction ?? {};
  const natDetected = seenAddress === undefined ? undefined : seenAddress !== localAddress;
  const { routerAddress } = facts;
  const conntracks = {
    ...(facts.localConntrack === undefined ? {} : { local: facts.localConntrack }),
    ...(conntrack === undefined ? {} : { responder: conntrack }),
  };
  const diagnose = (): readonly Explanation[] =>
    explain({
      modes: Object.fromEntries(
        runners.map((runner) => [runner.mode, evidenceOf(runner, raw[runner.mode] ?? runner.finding, now)]),
      ),
      limits,
      conntrack: conntracks,
      addresses: {
        ...(localAddress === undefined ? {} : { local: addressClass(localAddress) }),
        ...(seenAddress === undefined ? {} : { seen: addressClass(seenAddress) }),
        ...(routerAddress === undefined ? {} : routerEvidence(routerAddress, seenAddress)),
      },
      ...(natDetected === undefined ? {} : { natDetected }),
      severalSeenAddresses: facts.seenAddresses.length > 1,
    });
  let explanations: readonly Explanation[] | undefined;
  return {
    config: target,
    ...(facts.up === undefined ? {} : { up: facts.up }),
    ...(facts.downReason === undefined ? {} : { downReason: facts.downReason }),
    ...(facts.address === undefined ? {} : { address: facts.address }),
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(seenAddress === undefined ? {} : { seenAddress }),
    ...(routerAddress === undefined ? {} : { routerAddress }),
    ...(natDetected === undefined ? {} : { natDetected }),
    // While the far end is down nobody knows whether it still lists this exporter.
    ...(facts.announced === undefined || facts.up !== true ? {} : { announced: facts.announced }),
    conntrack: conntracks,
    ...(interval === undefined
      ? {}
      : {
          keepaliveRecommended: interval,
          get settings() {
            return settings(interval, { keepalivesEaten: keepalivesEaten(raw, limits) });
          },
        }),
    // A scrape of a fleet needs no diagnosis: it is made for whoever looks at it.
    get explanations() {
      explanations ??= diagnose();
      return explanations;
    },
    modes: runners.map((runner) => modeSnapshot(runner, published[runner.mode] ?? runner.finding)),
    events,
  };
}

function modeSnapshot(runner: ModeRunner, finding: Finding): ModeSnapshot {
  const { confirmedTimestamp } = runner;
  return {
    mode: runner.mode,
    finding,
    ...(confirmedTimestamp === undefined ? {} : { confirmedTimestamp }),
    connections: runner.connections,
    // A scrape needs their number only.
    get waiting() {
      return runner.waiting;
    },
    tests: runner.tests,
  };
}

function findingsOf(entries: readonly (readonly [Mode, Finding])[]): Partial<Record<Mode, Finding>> {
  return Object.fromEntries(entries);
}

/** The finding, emptied when its newest evidence is too old to be shown. Bounds need no finding to grow old. */
function unexpired(runner: ModeRunner, now: Seconds): Finding {
  const { finding } = runner;
  const evidenceAt = runner.confirmedTimestamp ?? runner.conclusiveAt;
  if (evidenceAt === undefined || now - evidenceAt <= FINDING_EXPIRES_AFTER) return finding;
  return { phase: finding.phase, suspect: false, deaths: 0 };
}

function routerEvidence(
  address: string,
  seen: string | undefined,
): { router: AddressClass; routerDiffersFromSeen?: boolean } {
  const router = addressClass(address);
  return {
    router,
    ...(router === 'public' && seen !== undefined ? { routerDiffersFromSeen: address !== seen } : {}),
  };
}

function evidenceOf(runner: ModeRunner, finding: Finding, now: Seconds): ModeEvidence {
  const deaths: Partial<Record<DeathEvidence, number>> = {};
  for (const { at, verdict } of runner.tests)
    if (verdict.kind === 'dead' && now - at <= EVIDENCE_WINDOW)
      deaths[verdict.evidence] = (deaths[verdict.evidence] ?? 0) + 1;
  return { finding, deaths, ...runner.belowLower };
}
