/** The diagnosis as a whole: over every pattern of outcomes and manners no two sentences exclude each other. */
import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/core/diagnosis/explain.js';
import type { DiagnosisInput, ModeEvidence } from '../../../src/core/diagnosis/outcome.js';
import { pathVerdict } from '../../../src/core/diagnosis/path-verdict.js';
import { MODES, type Mode } from '../../../src/core/modes.js';
import { diesAtOnce, forgets, input, LIMITS, survives } from './findings.js';

/** What a path does to idle connections as a whole: two of these are two stories. */
const STORIES = [
  'mixture',
  'no_expiry_seen',
  'forgotten_at_once',
  'several_timeouts',
  'mapping_forgotten',
  'revived_from_inside',
  'inbound_revives',
  'modes_disagree',
] as const;

/** Ids of which no two may be said of one path, each with why. */
const EXCLUSIVE: readonly (readonly [one: readonly string[], other: readonly string[], why: string])[] = [
  ...STORIES.map((story) => [[story], STORIES.filter((other) => other !== story), 'two stories'] as const),
  [
    ['no_expiry_seen'],
    ['closed_by_somebody', 'reset_at_expiry', 'answered_with_reset', 'no_translation', 'known_value'],
    'nothing dies, and yet something does',
  ],
  [
    ['revived_from_inside', 'inbound_revives'],
    ['closed_by_somebody', 'reset_at_expiry'],
    'no packet passes, and yet a FIN or RST did',
  ],
  [
    ['mapping_forgotten'],
    ['closed_by_somebody'],
    'forgotten, and yet somebody knows it well enough to close it',
  ],
  [['closed_by_somebody'], ['no_translation', 'known_value'], 'not a NAT, and yet a box that forgets'],
  [
    ['keepalives_answered_between'],
    ['keepalives_eaten', 'no_expiry_seen'],
    'they are answered while data dies, and yet they are not, or nothing does',
  ],
  [['own_firewall_first'], ['responder_firewall_first'], 'the first one is one of them'],
  [['mixture'], ['two_answers'], 'the share is known, and yet it is guessed at'],
  [['carrier_grade_nat', 'second_nat'], ['no_translation'], 'translated and not translated'],
];

const T = 10;
const OUTCOMES: readonly (ModeEvidence | undefined)[] = [
  undefined,
  survives(),
  ...[T, 350].flatMap((timeout) =>
    (['silence', 'reset', 'reset_idle', 'closed'] as const).map((manner) => forgets(timeout, manner)),
  ),
  forgets(T, 'silence', 1),
  diesAtOnce(),
  diesAtOnce('closed'),
  diesAtOnce('reset_idle'),
  { ...survives(), earlyDeaths: 3, testsBelowLower: 20 },
  pooled(),
];

/** A tenth is forgotten after T. */
function pooled(): ModeEvidence {
  const { finding, deaths } = forgets(T);
  const mixture = { share: 0.1, shareLower: 0.05, shareUpper: 0.2, survived: 7436 };
  return { finding: { ...finding, mixture }, deaths, earlyDeaths: 3, testsBelowLower: 20 };
}

const SURROUNDINGS: readonly Partial<Omit<DiagnosisInput, 'modes'>>[] = [
  {},
  { natDetected: false, conntrack: { local: T, responder: T }, addresses: { local: 'private' } },
  { natDetected: true, addresses: { local: 'cgn' }, severalSeenAddresses: true },
  { fixedLifetime: 400, natDetected: true },
  { natDetected: false, conntrack: { local: 350 }, addresses: { router: 'private', seen: 'public' } },
];

function* patterns(): Generator<DiagnosisInput> {
  for (const send of OUTCOMES)
    for (const recv of OUTCOMES)
      for (const keepalive of OUTCOMES)
        for (const rest of SURROUNDINGS) {
          const all = Object.entries({ send, recv, keepalive }).filter(([, seen]) => seen !== undefined);
          const modes = Object.fromEntries(all) as Partial<Record<Mode, ModeEvidence>>;
          yield input(modes, rest);
          if (send?.finding.upper !== undefined && keepalive?.finding.upper === undefined)
            yield input(modes, { ...rest, keepalivesAnsweredBetween: true });
        }
}

const described = (of: DiagnosisInput): string =>
  Object.entries(of.modes)
    .map(([mode, { finding, deaths }]) => `${mode} ${finding.upper ?? 'alive'} ${Object.keys(deaths).join()}`)
    .join(', ');

describe('the diagnosis of any path', () => {
  it('says no two things that exclude each other', () => {
    const met = new Set<string>();
    const contradictions: string[] = [];
    for (const pattern of patterns()) {
      const said = explain(pattern);
      const ids = said.map(({ id }) => id);
      for (const id of ids) met.add(id);
      if (ids.includes('reset_at_expiry') && said.some(({ text }) => text.includes('no packet passes')))
        contradictions.push(`${described(pattern)}: no packet passes, and yet a RST did`);
      for (const [one, other, why] of EXCLUSIVE)
        if (ids.some((id) => one.includes(id)) && ids.some((id) => other.includes(id)))
          contradictions.push(`${described(pattern)}: ${ids.join()} (${why})`);
    }
    expect([...new Set(contradictions)]).toEqual([]);
    // An id that never comes up would make the rule empty.
    const named = new Set(EXCLUSIVE.flatMap(([one, other]) => [...one, ...other]));
    expect([...named].filter((id) => !met.has(id))).toEqual([]);
  });

  it('says each thing once, and something of every path on which something was found', () => {
    for (const pattern of patterns()) {
      const ids = explain(pattern).map(({ id }) => id);
      expect(ids.length, described(pattern)).toBe(new Set(ids).size);
      if (Object.keys(pattern.modes).length > 0) expect(ids, described(pattern)).not.toEqual([]);
    }
  });

  it('never calls a NAT to account for what somebody closes', () => {
    for (const pattern of patterns()) {
      const findings = Object.fromEntries(
        Object.entries(pattern.modes).map(([mode, { finding }]) => [mode, finding]),
      );
      const modes = MODES.filter((mode) => pattern.modes[mode] !== undefined);
      const { result, conditions } = pathVerdict(findings, modes, LIMITS);
      const dying = modes.filter((mode) => pattern.modes[mode]?.finding.upper !== undefined);
      const closed = dying.filter((mode) => pattern.modes[mode]?.finding.closed === true);
      if (dying.length > 0 && closed.length === dying.length)
        expect(result, described(pattern)).toBe('unknown');
      expect(conditions.includes('proxy_closes'), described(pattern)).toBe(closed.length > 0);
    }
  });
});
