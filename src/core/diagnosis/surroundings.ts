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
} from './outcome.js';
import type { Explanation } from './explanation.js';

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
    { value: input.conntrack.local, whose: "This host's", id: 'local_conntrack', told: 'own_firewall_first' },
    {
      value: input.conntrack.responder,
      whose: "The responder's host's",
      id: 'responder_conntrack',
      told: 'responder_firewall_first',
    },
  ];
  for (const { value, whose, id, told } of ends) {
    if (value === undefined) continue;
    const near = forgetting(outcomes).filter(([, outcome]) =>
      nearBracket(outcome, value, input.limits.guard),
    );
    const keeps = `${whose} own connection tracking forgets after ${durationWithSeconds(value)}`;
    if (near.length > 0) {
      found.push({
        id: `${id}_near`,
        certainty: 'likely',
        text: `${keeps}, which is suspiciously near the measured value: it may be what was measured.`,
        evidence: near.map(([mode, outcome]) => outcomeSentence(mode, outcome)),
      });
    } else if (required.some(({ idle }) => value < idle) && !patterns.some((p) => p.id === told)) {
      found.push({
        id: `${id}_short`,
        certainty: 'hint',
        text: `${keeps}: on this path nothing longer can be told from it.`,
        evidence: required
          .filter(({ idle }) => value < idle)
          .map(({ standard, idle }) => `${standard} asks for ${durationWithSeconds(idle)}.`),
      });
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
  if (evidence.length > 0) {
    found.push({
      id: 'two_answers',
      certainty: often ? 'likely' : 'hint',
      text: 'Two answers at once: several NATs with different timeouts, or one with a full table.',
      evidence,
    });
  }
  if (input.severalSeenAddresses === true) {
    found.push({
      id: 'several_addresses',
      certainty: 'hint',
      text:
        "This host's connections left through several public addresses: a pool of NATs, several uplinks, or an " +
        'address that changed.',
      evidence: ['The far end saw more than one address of this host.'],
    });
  }
  return found;
}

/** What the addresses tell about who translates. */
export function explainAddresses(outcomes: Outcomes, input: DiagnosisInput): readonly Explanation[] {
  const { local, router, seen, routerDiffersFromSeen } = input.addresses;
  if (local === 'cgn' || router === 'cgn') {
    const whose = local === 'cgn' ? "This host's own address" : "The router's outer address";
    return [
      {
        id: 'carrier_grade_nat',
        certainty: 'likely',
        text: 'A carrier-grade NAT of the provider is on this path (RFC 6888 REQ-1 binds it to RFC 5382).',
        evidence: [`${whose} lies in 100.64.0.0/10, which is kept for that purpose (RFC 6598).`],
      },
    ];
  }
  if (seen === 'public' && (router === 'private' || routerDiffersFromSeen === true)) {
    return [
      {
        id: 'second_nat',
        certainty: 'likely',
        text: 'At least two NATs follow each other on this path: the router is behind another one.',
        evidence: [
          router === 'private'
            ? "The router's outer address is private."
            : "The router's outer address is not the one that the far end sees.",
        ],
      },
    ];
  }
  if (local !== 'loopback' && input.natDetected === false && forgetting(outcomes).length > 0) {
    return [
      {
        id: 'no_translation',
        certainty: 'measured',
        text: 'No address is translated on this path: a stateful firewall forgets the connection, not a NAT.',
        evidence: ["The far end sees this host's own address."],
      },
    ];
  }
  return [];
}
