/** What else is known about a path: the hosts' own tracking, contradicting answers, addresses. */
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import { durationWithSeconds } from '../human-duration.js';
import { requirementsOf } from '../modes.js';
import {
  configuredModes,
  type DiagnosisInput,
  forgetting,
  nearBracket,
  type Outcomes,
  outcomeSentence,
  wasEnded,
} from './outcome.js';
import { type Explanation, hint, likely, measured } from './explanation.js';

/** Share of tests below the published bound that must die before several answers at once are called likely. */
const EARLY_DEATH_SHARE = 0.05;

/** The hosts' own tracking: near the measured value it may be the cause, below the requirement it hides the path. */
export function explainConntrack(
  outcomes: Outcomes,
  patterns: readonly Explanation[],
  input: DiagnosisInput,
): readonly Explanation[] {
  const found: Explanation[] = [];
  const required = requirementsOf(configuredModes(input));
  const ends = [
    {
      value: input.conntrack.local,
      whose: "This host's",
      id: 'local_conntrack',
      coveredBy: 'own_firewall_first',
    },
    {
      value: input.conntrack.responder,
      whose: "The responder's host's",
      id: 'responder_conntrack',
      coveredBy: 'responder_firewall_first',
    },
  ];
  for (const { value, whose, id, coveredBy } of ends) {
    if (value === undefined) continue;
    // A host's own tracking forgets in silence.
    const near = forgetting(outcomes).filter(
      ([, outcome]) => !wasEnded(outcome) && nearBracket(outcome, value, input.limits.guard),
    );
    const keeps = `${whose} own connection tracking forgets after ${durationWithSeconds(value)}`;
    if (near.length > 0) {
      found.push(
        likely(
          `${id}_near`,
          `${keeps}, which is suspiciously near the measured value: it may be what was measured.`,
          near.map(([mode, outcome]) => outcomeSentence(mode, outcome)),
        ),
      );
    } else if (required.some(({ idle }) => value < idle) && !patterns.some((p) => p.id === coveredBy)) {
      found.push(
        hint(
          `${id}_short`,
          `${keeps}: on this path nothing longer can be told from it.`,
          required
            .filter(({ idle }) => value < idle)
            .map(({ standard, idle }) => `${standard} asks for ${durationWithSeconds(idle)}.`),
        ),
      );
    }
  }
  return found;
}

/** Deaths below what others survive, and several public addresses. */
export function explainSeveralAnswers(input: DiagnosisInput): readonly Explanation[] {
  const found: Explanation[] = [];
  const evidence: string[] = [];
  let often = false;
  for (const mode of configuredModes(input)) {
    const early = input.modes[mode]?.earlyDeaths ?? 0;
    const tests = input.modes[mode]?.testsBelowLower;
    if (early < 2) continue;
    const share = tests === undefined || tests < early ? undefined : early / tests;
    if (early >= DEATHS_OF_A_CLAIM && share !== undefined && share >= EARLY_DEATH_SHARE) often = true;
    const of = share === undefined ? '' : ` of ${tests} tests`;
    evidence.push(`${mode}: ${early} early deaths${of} below an idle time that others survived.`);
  }
  // A minority is told with its share.
  const isShareKnown = configuredModes(input).some(
    (mode) => input.modes[mode]?.finding.mixture !== undefined,
  );
  if (evidence.length > 0 && !isShareKnown) {
    found.push(
      (often ? likely : hint)(
        'two_answers',
        'Two answers at once: several NATs with different timeouts, or one with a full table.',
        evidence,
      ),
    );
  }
  if (input.severalSeenAddresses === true) {
    found.push(
      hint(
        'several_addresses',
        "This host's connections left through several public addresses: a pool of NATs, several uplinks, or an " +
          'address that changed.',
        ['The far end saw more than one address of this host.'],
      ),
    );
  }
  return found;
}

/** What the addresses tell about who translates. */
export function explainAddresses(outcomes: Outcomes, input: DiagnosisInput): readonly Explanation[] {
  const { local, router, seen, routerDiffersFromSeen } = input.addresses;
  if (local === 'cgn' || router === 'cgn') {
    const whose = local === 'cgn' ? "This host's own address" : "The router's outer address";
    return [
      likely(
        'carrier_grade_nat',
        'A carrier-grade NAT of the provider is on this path (RFC 6888 REQ-1 binds it to RFC 5382).',
        [`${whose} lies in 100.64.0.0/10, which is kept for that purpose (RFC 6598).`],
      ),
    ];
  }
  if (seen === 'public' && (router === 'private' || routerDiffersFromSeen === true)) {
    return [
      likely(
        'second_nat',
        'At least two NATs follow each other on this path: the router is behind another one.',
        [
          router === 'private'
            ? "The router's outer address is private."
            : "The router's outer address is not the one that the far end sees.",
        ],
      ),
    ];
  }
  const dying = forgetting(outcomes);
  const forgotten = dying.length > 0 && dying.every(([, { manner }]) => manner !== 'closed');
  if (local !== 'loopback' && input.natDetected === false && forgotten) {
    return [
      measured(
        'no_translation',
        'No address is translated on this path: a stateful firewall forgets the connection, not a NAT.',
        ["The far end sees this host's own address."],
      ),
    ];
  }
  return [];
}
