/** From the engine's snapshot to the report's document. */
import { defined } from '../defined.js';
import { isDecided } from '../core/diagnosis/decided.js';
import { durationWithSeconds } from '../core/human-duration.js';
import { longestRequired, MODE_ROWS, requirementOf, requirementsOf } from '../core/modes.js';
import { reasonOf } from '../core/verdict.js';
import { listed } from '../core/words.js';
import type { ModeSnapshot, TargetSnapshot, TestRecord } from '../engine/snapshot.js';
import type { HistoryEntry } from '../history/entry.js';
import { isoTime, rounded } from '../paper/document-values.js';
import type { Seconds } from '../units.js';
import { askByPlace } from './ask-by-place.js';
import { controls, ruledOut } from './causes.js';
import { localizationDocument } from './localization-document.js';
import { redacted } from './redaction.js';
import type { Reference } from './reference.js';
import {
  DOCUMENT_VERSION,
  type ModeResult,
  type ReportDocument,
  type TestResult,
} from './report-document.js';

/** Explanations that put a host of our own under suspicion before anybody else. */
const OWN_TRACKING: readonly string[] = ['local_conntrack_near', 'responder_conntrack_near'];

/** What a report is made from. */
export interface ReportInput {
  readonly snapshot: TargetSnapshot;
  /** Unix time of the report, seconds. */
  readonly at: Seconds;
  /** The program's version. */
  readonly version: string;
  /** Findings of the last 30 days, oldest first. */
  readonly history?: readonly HistoryEntry[];
  /** What the customer wrote on it. */
  readonly reference?: Reference | undefined;
  /** IANA name of the time zone of local times; UTC alone unless given. */
  readonly timeZone?: string | undefined;
}

/** Builds the document; with `redact` every address and host name is replaced by a placeholder. */
export function buildDocument(input: ReportInput, options: { readonly redact: boolean }): ReportDocument {
  const { snapshot } = input;
  const { config } = snapshot;
  const { search } = config;
  const { result, sentence } = snapshot.verdict;
  const conditions = [...snapshot.verdict.conditions];
  const document: ReportDocument = defined({
    version: DOCUMENT_VERSION,
    generated: isoTime(input.at),
    program: { name: 'nat-idle-exporter', version: input.version },
    redacted: options.redact,
    complete: isComplete(snapshot),
    reference: input.reference,
    time_zone: input.timeZone,
    target: targetOf(snapshot),
    search: {
      min_idle_seconds: search.min_idle,
      max_idle_seconds: search.max_idle,
      resolution_seconds: search.resolution,
      connections: search.connections,
      deadline_seconds: search.deadline,
      guard_seconds: search.guard,
    },
    required_seconds: longestRequired(config.modes),
    verdict: { result, sentence, conditions },
    modes: snapshot.modes.map(modeResult),
    localization: snapshot.locating && localizationDocument(snapshot.locating, isoTime),
    explanations: snapshot.explanations.map((e) => ({ ...e, evidence: [...e.evidence] })),
    ruled_out: ruledOut(snapshot),
    controls: controls(snapshot),
    settings: (snapshot.settings?.snippets ?? []).map((snippet) => ({ ...snippet })),
    settings_left_out: (snapshot.settings?.leftOut ?? []).map((left) => ({ ...left })),
    keepalive_tried: (snapshot.proving?.proofs ?? []).map(({ kind, interval, held, at }) => ({
      kind,
      interval_seconds: interval,
      held,
      at: isoTime(at),
    })),
    ask: askOf(result, snapshot),
    events: snapshot.events.map(({ at, mode, text }) => defined({ at: isoTime(at), mode, text })),
    history: (input.history ?? []).map(({ at, mode, timeout, lower, upper, compliant }) =>
      defined({
        at: isoTime(at),
        mode,
        timeout_seconds: timeout,
        lower_bound_seconds: lower,
        upper_bound_seconds: upper,
        compliant,
      }),
    ),
    keepalive_recommended_seconds: snapshot.keepaliveRecommended,
  });
  return options.redact ? redacted(document) : document;
}

/**
 * Whether every configured mode has come to its answer and none contradicts another one, or nothing more is to be asked of
 * the path.
 */
export function isComplete({ config, modes, verdict }: TargetSnapshot): boolean {
  if (verdict.check !== undefined) return false;
  if (verdict.conditions.includes('connection_quota')) return true;
  const { min_idle: minIdle, max_idle: maxIdle, guard } = config.search;
  // Nothing more comes of a mode that says nothing about the mapping.
  const isDone = ({ mode, finding }: ModeSnapshot): boolean =>
    verdict.leftOut.includes(mode) ||
    (!verdict.contradicting.includes(mode) &&
      isDecided(finding, { minIdle, maxIdle, guard, required: requirementOf(mode).idle }));
  return modes.length > 0 && modes.every(isDone);
}

function targetOf(snapshot: TargetSnapshot): ReportDocument['target'] {
  const { far_end, name, labels } = snapshot.config;
  const embedded = far_end.kind === 'embedded';
  return defined({
    name,
    protocol: far_end.kind,
    host: embedded ? undefined : far_end.host,
    address: snapshot.address,
    local_address: snapshot.localAddress,
    seen_address: snapshot.seenAddress,
    nat_detected: embedded ? undefined : snapshot.natDetected,
    labels: { ...labels },
  });
}

function modeResult({ mode, finding, confirmedTimestamp, tests }: ModeSnapshot): ModeResult {
  const { phase, timeout, lower, upper, compliant, deaths, mixture, suspect } = finding;
  return defined({
    mode,
    meaning: MODE_ROWS[mode].meaning,
    result: compliant === undefined ? 'unknown' : compliant ? 'compliant' : 'not_compliant',
    phase,
    timeout_seconds: timeout && rounded(timeout),
    lower_bound_seconds: lower && rounded(lower),
    upper_bound_seconds: upper && rounded(upper),
    deaths,
    mixture: mixture && {
      share: shareOf(mixture.share),
      share_lower: shareOf(mixture.shareLower),
      share_upper: shareOf(mixture.shareUpper),
      survived_seconds: rounded(mixture.survived),
    },
    suspect,
    confirmed: confirmedTimestamp && isoTime(confirmedTimestamp),
    tests: tests.map(testResult),
  });
}

/** A share to a hundredth of a per cent. */
function shareOf(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function testResult({ at, idle, verdict, local, seen, remote }: TestRecord): TestResult {
  return defined({
    at: isoTime(at),
    idle_seconds: rounded(idle),
    verdict: verdict.kind,
    reason: reasonOf(verdict),
    local_address: local,
    seen_address: seen,
    remote_address: remote,
  });
}

function askOf(result: ReportDocument['verdict']['result'], snapshot: TargetSnapshot): string {
  const { config } = snapshot;
  const wanted = durationWithSeconds(longestRequired(config.modes));
  const standards = listed(requirementsOf(config.modes).map(({ standard }) => standard));
  if (config.far_end.kind === 'embedded') {
    return 'None: this is a measurement of the built-in demonstration, not of a line.';
  }
  switch (result) {
    case 'compliant':
      return `None: the path does what ${standards} ${standards.includes(' and ') ? 'ask' : 'asks'}. Please keep it so.`;
    case 'not_compliant': {
      const located = askByPlace(snapshot);
      if (located !== undefined) return located;
      if (snapshot.explanations.some(({ id }) => OWN_TRACKING.includes(id))) {
        return (
          "None of the provider yet: a host at one end of the path forgets after the same time by itself. Raise that host's " +
          'connection tracking timeout first, then measure again.'
        );
      }
      return (
        'Please find the device on this line that forgets idle TCP connections too early (the modem or router that ' +
        'you supplied, or a carrier-grade NAT) and set its timeout for established TCP connections to at least ' +
        `${wanted}. A device in bridge mode should not track connections at all.`
      );
    }
    case 'unknown':
      if (snapshot.verdict.conditions.includes('fixed_lifetime')) {
        return (
          'Please find the device on this line that ends connections at one age, busy ones too (an offload or session ' +
          `table), and have it keep them for as long as they are used. Whether an idle one survives ${wanted} cannot be ` +
          'measured before.'
        );
      }
      if (snapshot.verdict.conditions.includes('connection_quota')) {
        return (
          'Please find the device on this line that limits how many TCP connections of one subscriber it remembers, and ' +
          'say how many that is. Whether it forgets an idle one too early beside that is not decided.'
        );
      }
      return `None yet: the measurement has to run until it is decided whether ${wanted} survive.`;
  }
}
