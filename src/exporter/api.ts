/** `/api/v1/targets`: everything that the status page shows, as JSON; docs/HTTP.md describes it. */
import { verifiedBy } from '../core/diagnosis/proof.js';
import type { Settings } from '../core/diagnosis/settings.js';
import { reasonOf } from '../core/verdict.js';
import { defined } from '../defined.js';
import type { EngineView, ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import { localizationDocument } from '../report/localization-document.js';
import type { Seconds } from '../units.js';
import { guarded, type TellBroken } from './guard.js';
import { modeSentence, targetVerdict } from './page/sentences.js';
import type { BuildInfo } from './self-families.js';

/** The document; what is unknown is absent. Times are seconds, moments Unix time. */
export type TargetsDocument = ReturnType<typeof targetsDocument>;

/** @param wanted names of the targets that are shown; all unless given */
export function targetsDocument(
  view: EngineView,
  build: BuildInfo,
  now: Seconds,
  broken: TellBroken,
  wanted?: ReadonlySet<string>,
) {
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

function documentOf(target: TargetSnapshot, broken: TellBroken) {
  return guarded<ReturnType<typeof targetDocument>>(target, broken, targetDocument, (why) => {
    const { name, labels, far_end, search } = target.config;
    const verdict = `This target cannot be shown: ${why}`;
    const nothing = { conditions: [], conntrack: {}, explanations: [], modes: [], events: [] };
    const localization = { local: false };
    return { name, labels, far_end, search, standing: 'measuring', verdict, ...nothing, localization };
  });
}

function targetDocument(target: TargetSnapshot) {
  const { config } = target;
  const { standing, sentence } = targetVerdict(target);
  return defined({
    name: config.name,
    labels: config.labels,
    far_end: config.far_end,
    search: config.search,
    standing,
    verdict: sentence,
    conditions: target.verdict.conditions,
    up: target.up,
    down_reason: target.downReason,
    address: target.address,
    seen_address: target.seenAddress,
    local_address: target.localAddress,
    router_address: target.routerAddress,
    nat_detected: target.natDetected,
    conntrack: target.conntrack,
    localization: defined({
      local: target.localization.local.available,
      responder: target.localization.responder,
    }),
    locating: target.locating && localizationDocument(target.locating, (at) => at),
    keepalive_recommended: target.keepaliveRecommended,
    explanations: target.explanations,
    keepalive_verified: target.proving && verifiedBy(target.proving.proofs),
    settings: target.settings && settingsDocument(target.settings),
    modes: target.modes.map((mode) => modeDocument(mode, target)),
    events: target.events,
  });
}

function settingsDocument({ interval, snippets, leftOut }: Settings) {
  return { interval, snippets, left_out: leftOut };
}

function modeDocument(snapshot: ModeSnapshot, target: TargetSnapshot) {
  const { finding } = snapshot;
  return defined({
    mode: snapshot.mode,
    sentence: modeSentence(snapshot, target),
    phase: finding.phase,
    lower_bound: finding.lower,
    // Absent while none died.
    upper_bound: finding.upper,
    timeout: finding.timeout,
    compliant: finding.compliant,
    suspect: finding.suspect,
    deaths: finding.deaths,
    last_confirmed: snapshot.confirmedTimestamp,
    waiting: snapshot.waiting.map(({ id, state, age, testAt }) =>
      defined({ id, state, age, test_at: testAt }),
    ),
    tests: snapshot.tests.map(({ at, id, idle, verdict, local, seen, remote }) =>
      defined({ at, id, idle, verdict: verdict.kind, reason: reasonOf(verdict), local, seen, remote }),
    ),
  });
}
