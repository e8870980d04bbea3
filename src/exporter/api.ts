/** `/api/v1/targets`: everything that the status page shows, as JSON; docs/HTTP.md describes it. */
import type { FarEnd } from '../config/far-ends.js';
import type { SearchPhase } from '../core/finding.js';
import type { Settings, Explanation } from '../core/diagnosis/explanation.js';
import type { Mode } from '../core/modes.js';
import { reasonOf, type Verdict, type VerdictReason } from '../core/verdict.js';
import type { EngineView, ModeSnapshot, TargetSnapshot, WaitingConnection } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { guarded, type TellBroken } from './guard.js';
import type { BuildInfo } from './metrics.js';
import { modeSentence, type Standing, targetVerdict } from './page/sentences.js';

/** The document; what is unknown is absent. Times are seconds, moments Unix time. */
export interface TargetsDocument {
  readonly now: Seconds;
  readonly version: string;
  readonly revision: string;
  readonly schedule: string;
  readonly targets: readonly TargetDocument[];
}

export interface TargetDocument {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly far_end: FarEnd;
  readonly search: TargetSnapshot['config']['search'];
  readonly standing: Standing;
  readonly verdict: string;
  readonly up?: boolean;
  readonly down_reason?: string;
  readonly address?: string;
  readonly seen_address?: string;
  readonly local_address?: string;
  readonly router_address?: string;
  readonly nat_detected?: boolean;
  readonly conntrack: { readonly local?: Seconds; readonly responder?: Seconds };
  readonly keepalive_recommended?: Seconds;
  readonly explanations: readonly Explanation[];
  readonly settings?: Settings;
  readonly modes: readonly ModeDocument[];
  readonly events: TargetSnapshot['events'];
}

export interface ModeDocument {
  readonly mode: Mode;
  readonly sentence: string;
  readonly phase: SearchPhase;
  readonly lower_bound?: Seconds;
  /** Absent while none died. */
  readonly upper_bound?: Seconds;
  readonly timeout?: Seconds;
  readonly compliant?: boolean;
  readonly suspect: boolean;
  readonly deaths: number;
  readonly last_confirmed?: Seconds;
  readonly waiting: readonly {
    readonly id: number;
    readonly state: WaitingConnection['state'];
    readonly age?: Seconds;
    readonly test_at?: Seconds;
  }[];
  readonly tests: readonly {
    readonly at: Seconds;
    readonly id: number;
    readonly idle: Seconds;
    readonly verdict: Verdict['kind'];
    readonly reason: VerdictReason;
    readonly local?: string;
    readonly seen?: string;
    readonly remote?: string;
  }[];
}

export function targetsDocument(
  view: EngineView,
  build: BuildInfo,
  now: Seconds,
  broken: TellBroken,
  wanted?: ReadonlySet<string>,
): TargetsDocument {
  const targets = view.targets().filter((target) => wanted?.has(target.config.name) ?? true);
  const { version, revision } = build;
  return {
    now,
    version,
    revision,
    schedule: view.schedule,
    targets: targets.map((target) => documentOf(target, broken)),
  };
}

function documentOf(target: TargetSnapshot, broken: TellBroken): TargetDocument {
  return guarded(target, broken, targetDocument, (why) => {
    const { name, labels, far_end, search } = target.config;
    const verdict = `This target cannot be shown: ${why}`;
    const nothing = { conntrack: {}, explanations: [], modes: [], events: [] };
    return { name, labels, far_end, search, standing: 'measuring', verdict, ...nothing };
  });
}

function targetDocument(target: TargetSnapshot): TargetDocument {
  const { config } = target;
  const { standing, sentence } = targetVerdict(target);
  return {
    name: config.name,
    labels: config.labels,
    far_end: config.far_end,
    search: config.search,
    standing,
    verdict: sentence,
    ...known('up', target.up),
    ...known('down_reason', target.downReason),
    ...known('address', target.address),
    ...known('seen_address', target.seenAddress),
    ...known('local_address', target.localAddress),
    ...known('router_address', target.routerAddress),
    ...known('nat_detected', target.natDetected),
    conntrack: target.conntrack,
    ...known('keepalive_recommended', target.keepaliveRecommended),
    explanations: target.explanations,
    ...known('settings', target.settings),
    modes: target.modes.map((mode) => modeDocument(mode, target)),
    events: target.events,
  };
}

function modeDocument(snapshot: ModeSnapshot, target: TargetSnapshot): ModeDocument {
  const { finding } = snapshot;
  return {
    mode: snapshot.mode,
    sentence: modeSentence(snapshot, target),
    phase: finding.phase,
    ...known('lower_bound', finding.lower),
    ...known('upper_bound', finding.upper),
    ...known('timeout', finding.timeout),
    ...known('compliant', finding.compliant),
    suspect: finding.suspect,
    deaths: finding.deaths,
    ...known('last_confirmed', snapshot.confirmedTimestamp),
    waiting: snapshot.waiting.map(({ id, state, age, testAt }) => ({
      id,
      state,
      ...known('age', age),
      ...known('test_at', testAt),
    })),
    tests: snapshot.tests.map(({ at, id, idle, verdict, local, seen, remote }) => ({
      at,
      id,
      idle,
      verdict: verdict.kind,
      reason: reasonOf(verdict),
      ...known('local', local),
      ...known('seen', seen),
      ...known('remote', remote),
    })),
  };
}

/** A property that is there only when its value is known. */
function known<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: Value };
}
