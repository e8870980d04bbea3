/**
 * Every metric family of the probes as a row: its name, its HELP, its labels and how its value is read. A row more is a
 * metric more; those of the exporter itself stand in `self-families.ts`.
 */
import { CONDITION_ROWS, PATH_CONDITIONS } from '../core/diagnosis/conditions.js';
import { PROOF_KINDS } from '../core/diagnosis/proof.js';
import { type Mixture, SEARCH_PHASES } from '../core/finding.js';
import { humanDuration } from '../core/human-duration.js';
import type { RefreshedBy } from '../core/locate/cells.js';
import { SIDES } from '../core/locate/locate-contract.js';
import type { LocalizationTold } from '../core/locate/locating.js';
import { type Mode, MODES, requirementOf, requirementsOf } from '../core/modes.js';
import { reasonOf, type Verdict, VERDICT_REASONS, type VerdictReason } from '../core/verdict.js';
import type { ModeSnapshot, TargetSnapshot, TestRecord } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { type LabelSet, labelSet } from './label-set.js';

/** What a family is called, and which labels its series have beside the targets' own. */
export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** A value; true is 1, false is 0, and what is undefined is unknown and has no series. */
export type Shown = number | boolean | undefined;

/**
 * Shows a value of a target, or of one of its modes.
 * @param more the labels that the target and the mode do not have
 */
export type Show = (value: Shown, mode?: Mode, more?: LabelSet) => void;

/** A gauge: read from the snapshots at every scrape. */
export interface GaugeFamily extends MetricDescription {
  readonly type: 'gauge';
  /** Shows the values of one target. */
  readonly read: (target: TargetSnapshot, show: Show) => void;
}

/** What the engine tells of, and what it says about it; see `EngineObserver`. */
export interface EngineEvents {
  readonly tested: TestRecord;
  readonly earlyDeath: Seconds;
  readonly changed: 'drop' | 'rise';
  readonly mappingLoss: undefined;
  /** A connection of a localisation was tested. */
  readonly localized: { readonly side: RefreshedBy; readonly verdict: Verdict };
}

/** A counter: grows with the engine's events. Those of a family with the label `mode` must have one. */
export interface CounterFamily extends MetricDescription {
  readonly type: 'counter';
  /** The series that an event counts in, by its further labels. */
  readonly counts: {
    readonly [Event in keyof EngineEvents]?: (what: EngineEvents[Event]) => LabelSet | undefined;
  };
  /** The series that are there from the start, so that `rate()` sees the first event. */
  readonly initial: readonly (LabelSet | undefined)[];
}

/** A histogram over the finished tests. */
export interface HistogramFamily extends MetricDescription {
  readonly type: 'histogram';
  /** Upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[];
  /** The value of a test, and its further labels. */
  readonly observe: (test: TestRecord) => readonly [value: number, more: LabelSet];
}

export type Family = GaugeFamily | CounterFamily | HistogramFamily;

/** The idle times at which known devices forget, and those that are required. */
const IDLE_BUCKETS = [
  ...new Set([
    ...[15, 30, 60, 120, 240, 350, 600, 900, 1800, 3600, 7200, 14_400, 86_400],
    ...requirementsOf(MODES).map(({ idle }) => idle),
  ]),
].sort((a, b) => a - b);

/** A gauge with one value of each mode. */
function ofMode(name: string, help: string, read: (mode: ModeSnapshot) => Shown): GaugeFamily {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['target', 'mode'],
    read: ({ modes }, show) => {
      for (const each of modes) show(read(each), each.mode);
    },
  };
}

/** A gauge with one value of each target. */
function ofTarget(name: string, help: string, read: (target: TargetSnapshot) => Shown): GaugeFamily {
  return { name, help, type: 'gauge', labels: ['target'], read: (target, show) => show(read(target)) };
}

/** The largest minority that a mode has found. */
function mixtureOf({ modes }: TargetSnapshot): Mixture | undefined {
  const found = modes.flatMap(({ finding: { mixture } }) => mixture ?? []);
  return found.sort((a, b) => b.share - a.share)[0];
}

/** One further label with each of its values, made once: a fleet has the same ones over and over. */
function labelSets<Value extends string>(name: string, values: readonly Value[]) {
  const sets = values.map((value) => [value, labelSet({ [name]: value })] as const);
  return Object.fromEntries(sets) as Readonly<Record<Value, LabelSet>>;
}

const ENDS = ['local', 'responder'] as const;
const PHASE_LABELS = labelSets('phase', SEARCH_PHASES);
const END_LABELS = labelSets('end', ENDS);
const CONDITION_LABELS = labelSets('condition', PATH_CONDITIONS);
const KIND_LABELS = labelSets('kind', PROOF_KINDS);
const DIRECTION_LABELS = labelSets('direction', ['drop', 'rise']);
const SIDE_LABELS = labelSets('side', SIDES);
const VERDICT_LABELS = labelSets('verdict', ['alive', 'dead', 'inconclusive']);
const REASON_LABELS = Object.fromEntries(
  Object.entries(VERDICT_REASONS).map(([reason, verdict]) => [reason, labelSet({ verdict, reason })]),
) as Readonly<Record<VerdictReason, LabelSet>>;

/** A gauge about each mode in which a box was located. */
function ofBox(
  name: string,
  help: string,
  labels: readonly string[],
  read: (found: LocalizationTold, show: (value: Shown, more?: LabelSet) => void) => void,
): GaugeFamily {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['target', 'mode', ...labels],
    read: ({ locating }, show) => {
      for (const { mode, found } of locating?.modes ?? [])
        if (found?.result.kind === 'located') read(found, (value, more) => show(value, mode, more));
    },
  };
}

/** A gauge with a value of each place of the profile. */
function ofPlaces(
  name: string,
  help: string,
  read: (entry: NonNullable<LocalizationTold['profile']>['places'][number]) => Shown,
): GaugeFamily {
  return ofBox(name, help, ['hop'], ({ profile }, show) => {
    for (const entry of profile?.places ?? []) show(read(entry), labelSet({ hop: entry.hop }));
  });
}

/** In the order in which they are shown. */
export const FAMILIES: readonly Family[] = [
  ofMode(
    'nat_idle_timeout_seconds',
    'Best estimate of the established connection idle-timeout on the path to the target: the middle of the closed bracket, or the lower bound while nothing died. Absent until there is a finding. Cached between probe rounds.',
    ({ finding }) => finding.timeout,
  ),
  ofMode(
    'nat_idle_timeout_lower_bound_seconds',
    'Longest idle time that a connection survived; grows while the search climbs. Absent until one survived. Cached between probe rounds.',
    ({ finding }) => finding.lower,
  ),
  ofMode(
    'nat_idle_timeout_upper_bound_seconds',
    'Shortest idle time that a connection did not survive, +Inf while none died. Absent until there was a verdict. Cached between probe rounds.',
    ({ finding: { lower, upper } }) => upper ?? (lower === undefined ? undefined : Infinity),
  ),
  ...requirementsOf(MODES).map((requirement) =>
    ofMode(
      requirement.metric,
      `${requirement.clause} (idle-timeout not less than ${humanDuration(requirement.idle)}): 1 proven to hold, 0 proven not to hold. Absent while unknown. Cached between probe rounds.`,
      ({ mode, finding }) => (requirementOf(mode) === requirement ? finding.compliant : undefined),
    ),
  ),
  ofMode(
    'nat_idle_timeout_last_confirmed_timestamp_seconds',
    'Unix time of the newest evidence that agreed with the published value; the values of this mode are cached since then.',
    ({ confirmedTimestamp }) => confirmedTimestamp,
  ),
  {
    name: 'nat_probe_verdicts_total',
    help: 'Finished tests of idle connections by verdict (alive, dead, inconclusive) and its reason.',
    type: 'counter',
    labels: ['target', 'mode', 'verdict', 'reason'],
    counts: { tested: ({ verdict }) => REASON_LABELS[reasonOf(verdict)] },
    initial: [REASON_LABELS.answered, REASON_LABELS.silence],
  },
  {
    name: 'nat_probe_idle_seconds',
    help: 'Idle time of the connections when they were tested, by verdict. Without the target label when there are more than 200 targets.',
    type: 'histogram',
    labels: ['target', 'mode', 'verdict'],
    buckets: IDLE_BUCKETS,
    observe: ({ idle, verdict }) => [idle, VERDICT_LABELS[verdict.kind]],
  },
  ofMode(
    'nat_probe_connections',
    'Open idle connections that wait for their test or are being tested. Two canaries a target come on top.',
    ({ connections }) => connections,
  ),
  {
    name: 'nat_search_phase',
    help: '1 for the phase that the search is in, 0 for the others: climb (nothing died yet), refine (the bracket is being closed), track (the finding is kept fresh).',
    type: 'gauge',
    labels: ['target', 'mode', 'phase'],
    read: ({ modes }, show) => {
      for (const { mode, finding } of modes)
        for (const phase of SEARCH_PHASES) show(phase === finding.phase, mode, PHASE_LABELS[phase]);
    },
  },
  ofMode(
    'nat_search_suspect',
    '1 while deaths below or survivals beyond the published bounds await confirmation, else 0.',
    ({ finding }) => finding.suspect,
  ),
  {
    name: 'nat_probe_early_deaths_total',
    help: 'Connections that died after an idle time below the published lower bound: one bad node of several, a full table.',
    type: 'counter',
    labels: ['target', 'mode'],
    counts: { earlyDeath: () => undefined },
    initial: [undefined],
  },
  ofTarget(
    'nat_idle_early_death_ratio',
    'Share of the connections that are forgotten early while the others survive (0-1): a pool with bad nodes; the bounds and the timeout are those of this share. Absent unless there is such a minority.',
    (target) => mixtureOf(target)?.share,
  ),
  ofTarget(
    'nat_idle_early_death_ratio_lower_bound',
    'Lower bound of nat_idle_early_death_ratio at 95 %.',
    (target) => mixtureOf(target)?.shareLower,
  ),
  ofTarget(
    'nat_idle_early_death_ratio_upper_bound',
    'Upper bound of nat_idle_early_death_ratio at 95 %.',
    (target) => mixtureOf(target)?.shareUpper,
  ),
  {
    name: 'nat_idle_timeout_changes_total',
    help: 'Confirmed changes of the published idle-timeout by direction (drop, rise).',
    type: 'counter',
    labels: ['target', 'mode', 'direction'],
    counts: { changed: (direction) => DIRECTION_LABELS[direction] },
    initial: Object.values(DIRECTION_LABELS),
  },
  {
    name: 'nat_host_conntrack_timeout_seconds',
    help: 'Established timeout of the connection tracking on a host itself: end="local" this one, end="responder" the far end. Absent where there is none. Cached between probe rounds.',
    type: 'gauge',
    labels: ['target', 'end'],
    read: ({ conntrack }, show) => {
      for (const end of ENDS) show(conntrack[end], undefined, END_LABELS[end]);
    },
  },
  {
    name: 'nat_localization_available',
    help: '1 if an end can refresh connections with a limited TTL, which is how the box that forgets is located, 0 if not: end="local" this one, end="responder" the far end. Absent while the far end has not said so.',
    type: 'gauge',
    labels: ['target', 'end'],
    read: ({ localization: { local, responder } }, show) => {
      show(local.available, undefined, END_LABELS.local);
      show(responder, undefined, END_LABELS.responder);
    },
  },
  ofBox(
    'nat_forgetting_box_info',
    'Which box forgets, 1 where it was located: hop (3 a router, 1-2 something between two, 1,3 the nearest and the farthest of several, empty where one end alone cannot tell), kind (router, transparent, ttl_first, several, one_sided) and place (own_host, before_hop_1, private_hop, cgn_hop, public_hop, far_end, unknown). Absent unless confirmed. Cached between localisations.',
    ['hop', 'kind', 'place'],
    ({ result, hop = '', place = 'unknown' }, show) => {
      if (result.kind === 'located') show(true, labelSet({ hop, kind: result.box.kind, place }));
    },
  ),
  ofBox(
    'nat_forgetting_hop',
    'Smallest TTL with which refreshes of an end keep the box that forgets fresh: side="client" this end, side="responder" the far end. Absent unless confirmed. Cached between localisations.',
    ['side'],
    ({ result }, show) => {
      if (result.kind !== 'located') return;
      show(result.box.kc, SIDE_LABELS.client);
      show(result.box.ks, SIDE_LABELS.responder);
    },
  ),
  {
    name: 'nat_path_hops',
    help: 'Routers on the path as an end counts them: side="client" this end, side="responder" the far end. Absent until counted. Cached between localisations.',
    type: 'gauge',
    labels: ['target', 'side'],
    read: ({ locating }, show) => {
      for (const side of SIDES) show(locating?.hops[side], undefined, SIDE_LABELS[side]);
    },
  },
  ofPlaces(
    'nat_hop_idle_timeout_seconds',
    'Idle timeout of a hop, or of what stands between two: the middle of its bracket. Only with `profile`, and absent where nothing died. Cached between localisations.',
    ({ lower, upper }) => upper && (lower + upper) / 2,
  ),
  ofPlaces(
    'nat_hop_idle_timeout_lower_bound_seconds',
    'Longest idle time that a hop was seen to remember. Cached between localisations.',
    ({ lower }) => lower,
  ),
  ofPlaces(
    'nat_hop_idle_timeout_upper_bound_seconds',
    'Shortest idle time after which a hop had forgotten, +Inf where it never had. Cached between localisations.',
    ({ upper = Infinity }) => upper,
  ),
  ofBox(
    'nat_idle_timeout_behind_seconds',
    'What is left when the box at this hop is mended: the idle timeout of the others, or its lower bound where nothing died. Only with `profile`. Cached between localisations.',
    ['hop'],
    ({ hop = '', profile }, show) => {
      const { lower, upper } = profile?.behind ?? {};
      if (lower !== undefined) show(upper === undefined ? lower : (lower + upper) / 2, labelSet({ hop }));
    },
  ),
  {
    name: 'nat_localization_tests_total',
    help: 'Finished tests of localisations by the end that kept the connection fresh (client, responder, both, none) and verdict. They are no part of nat_probe_verdicts_total.',
    type: 'counter',
    labels: ['target', 'mode', 'side', 'verdict'],
    counts: {
      localized: ({ side, verdict }) => labelSet({ side, verdict: verdict.kind }),
    },
    initial: [],
  },
  ofBox(
    'nat_localization_last_confirmed_timestamp_seconds',
    'Unix time at which the box that forgets was located last; nat_forgetting_box_info is cached since then.',
    [],
    ({ at }, show) => show(at),
  ),
  ofTarget(
    'nat_target_up',
    '1 if the far end answers now, 0 if not. Absent before the first try ended.',
    ({ up }) => up,
  ),
  {
    name: 'nat_mapping_losses_total',
    help: 'Times that all mappings of the path vanished at once: a reboot, a changed address. They move no bound.',
    type: 'counter',
    labels: ['target'],
    counts: { mappingLoss: () => undefined },
    initial: [undefined],
  },
  ofTarget(
    'nat_detected',
    '1 if the far end sees another address than the local one, 0 if the same. Absent while unknown. Cached between probe rounds.',
    ({ natDetected }) => natDetected,
  ),
  ofTarget(
    'nat_target_announced',
    '1 if the far end took the newest announcement of this exporter, 0 if it refused it or takes none. Absent without announce, before an answer, and while the far end is down.',
    ({ announced }) => announced,
  ),
  {
    name: 'nat_path_condition',
    help: `1 while something was found about the path beside its timeout: ${PATH_CONDITIONS.map((condition) => `${condition} (${CONDITION_ROWS[condition].meaning})`).join(', ')}. Absent while not found. Cached between probe rounds.`,
    type: 'gauge',
    labels: ['target', 'condition'],
    read: ({ verdict }, show) => {
      for (const condition of verdict.conditions) show(true, undefined, CONDITION_LABELS[condition]);
    },
  },
  ofTarget(
    'nat_keepalive_recommended_seconds',
    'Recommended interval of keepalives: half of the smallest lower bound over the modes, at most 3600. Absent until every configured mode has a finding. Cached between probe rounds.',
    ({ keepaliveRecommended }) => keepaliveRecommended,
  ),
  {
    name: 'nat_keepalive_verified',
    help: 'Whether a connection was kept alive here by the recommended interval, by kind: keepalive (TCP keepalives of the kernel) or data. 1 it was, 0 it was not; absent until tried, and again when the timeout or the path changes. Cached between probe rounds.',
    type: 'gauge',
    labels: ['target', 'kind'],
    read: ({ proving }, show) => {
      for (const { kind, held } of proving?.proofs ?? []) show(held, undefined, KIND_LABELS[kind]);
    },
  },
];
