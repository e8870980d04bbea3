/** From the pattern of the modes' results to a short list of explanations, never more certain than the data. */
import { durationWithSeconds, humanDuration } from '../human-duration.js';
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import { type Mode, MODE_ROWS } from '../modes.js';
import { whenForgotten } from '../words.js';
import type { Seconds } from '../../units.js';
import { knownValues } from './known.js';
import {
  configuredModes,
  type DiagnosisInput,
  type Forgets,
  forgetting,
  nearBracket,
  type Outcome,
  type Outcomes,
  outcomeOf,
  outcomeSentence,
  wasEnded,
} from './outcome.js';
import { eatenModes, EMPTY_MODES, type FindingsByMode } from './publishable.js';
import { explainAddresses, explainConntrack, explainSeveralAnswers } from './surroundings.js';
import { type Explanation, hint, likely, measured } from './explanation.js';

/**
 * Explains what the findings over the modes may mean. Empty while any configured mode is still undecided. Where
 * two causes look alike from here, both are named.
 *
 * @returns what was measured first, then the surroundings, then hints
 */
export function explain(input: DiagnosisInput): readonly Explanation[] {
  const outcomes = new Map<Mode, Outcome>();
  for (const mode of configuredModes(input)) {
    const evidence = input.modes[mode];
    if (evidence !== undefined) outcomes.set(mode, outcomeOf(evidence, input.limits));
  }
  const explanations: Explanation[] = [];
  if (input.keepalivesAnsweredBetween === true) {
    explanations.push(answeredBetween(sentences(outcomes)));
    for (const mode of EMPTY_MODES) outcomes.delete(mode);
  }
  if (outcomes.size === 0 || [...outcomes.values()].some(({ kind }) => kind === 'open')) return [];

  const eaten = eatenModes(findingsOf(input), input.limits).filter((mode) => outcomes.has(mode));
  if (eaten.length > 0) explanations.push(eatenExplanation(outcomes, input));
  for (const mode of eaten) outcomes.delete(mode);
  const patterns = explainPattern(outcomes, input);
  explanations.push(...patterns, ...explainEnds(outcomes));
  explanations.push(...explainConntrack(outcomes, patterns, input));
  explanations.push(...explainSeveralAnswers(input), ...explainAddresses(outcomes, input));
  // What is built in is no product.
  const builtIn = input.addresses.local === 'loopback';
  // Nor is a timeout known of a NAT where somebody closes connections.
  const closed = forgetting(outcomes).some(([, { manner }]) => manner === 'closed');
  const known =
    builtIn || closed
      ? undefined
      : knownValues(
          forgetting(outcomes),
          patterns.map(({ id }) => id),
          input.limits.guard,
        );
  if (known !== undefined) explanations.push(known);
  return explanations;
}

function findingsOf(input: DiagnosisInput): FindingsByMode {
  return Object.fromEntries(configuredModes(input).map((mode) => [mode, input.modes[mode]?.finding]));
}

function sentences(outcomes: Outcomes): readonly string[] {
  return [...outcomes].map(([mode, outcome]) => outcomeSentence(mode, outcome));
}

function eatenExplanation(outcomes: Outcomes, input: DiagnosisInput): Explanation {
  return measured(
    'keepalives_eaten',
    `TCP keepalives get no answer on this path even after ${humanDuration(input.limits.minIdle)}, data does: ` +
      'use application keepalives, which carry data. This says nothing about the mapping.',
    sentences(outcomes),
  );
}

function answeredBetween(evidence: readonly string[]): Explanation {
  return likely(
    'keepalives_answered_between',
    'TCP keepalives are answered where data dies: somebody in between answers them, such as a proxy, and they keep ' +
      'nothing alive behind it. Use application keepalives, which carry data.',
    evidence,
  );
}

/** The table of what each kind of box looks like from here. */
function explainPattern(outcomes: Outcomes, input: DiagnosisInput): readonly Explanation[] {
  const evidence = sentences(outcomes);
  const dying = forgetting(outcomes);
  if (outcomes.size === 0) return [];
  if (dying.length === 0) return noExpiry(outcomes, evidence, input);
  if (dying.length === outcomes.size) return allForget(dying, evidence, input);

  const sides = new Set([...outcomes].map(([mode, { kind }]) => `${MODE_ROWS[mode].from} ${kind}`));
  const [first] = dying;
  // Whoever ends a connection aloud has forgotten nothing: what he does is told by itself.
  if (dying.every(([, outcome]) => wasEnded(outcome))) return [];
  if (first !== undefined && sides.size === 2 && !dying.some(([, outcome]) => wasEnded(outcome))) {
    if (sides.has('outside forgets') && sides.has('inside survives'))
      return revivedFromInside(first, evidence, input);
    if (sides.has('outside survives') && sides.has('inside forgets'))
      return inboundRevives(first, evidence, input);
  }
  return [modesDisagree(evidence)];
}

function modesDisagree(evidence: readonly string[]): Explanation {
  return hint(
    'modes_disagree',
    'The modes disagree in a way that none of the known kinds of box explains; more than one box may be at work.',
    evidence,
  );
}

function noExpiry(
  outcomes: Outcomes,
  evidence: readonly string[],
  input: DiagnosisInput,
): readonly Explanation[] {
  const least = Math.min(...[...outcomes.values()].map((o) => (o.kind === 'survives' ? o.lower : 0)));
  const found: Explanation[] = [
    measured(
      'no_expiry_seen',
      isUnanimous(input)
        ? `Nothing on this path forgets a connection that is idle for ${durationWithSeconds(least)}.`
        : `Connections that are idle for ${durationWithSeconds(least)} survive on this path, but for a few.`,
      evidence,
    ),
  ];
  if (![...outcomes.keys()].some((mode) => MODE_ROWS[mode].from === 'outside')) {
    found.push(
      hint(
        'blind_without_recv',
        'A box that forgets, and lets a packet from inside revive the mapping, looks the same in these modes: ' +
          'only the mode recv would show it.',
        ['recv: not configured.'],
      ),
    );
  }
  return found;
}

/** Whether no death is known below what others survived. */
function isUnanimous(input: DiagnosisInput): boolean {
  return configuredModes(input).every((mode) => (input.modes[mode]?.earlyDeaths ?? 0) === 0);
}

function allForget(
  dying: readonly (readonly [Mode, Forgets])[],
  evidence: readonly string[],
  input: DiagnosisInput,
): readonly Explanation[] {
  const weakest = Math.min(...dying.map(([, { deaths }]) => deaths));
  const sure = weakest >= DEATHS_OF_A_CLAIM ? measured : likely;
  if (dying.every(([, { lower }]) => lower === 0)) {
    return [
      sure(
        'forgotten_at_once',
        `Idle connections die within ${humanDuration(input.limits.minIdle)}, the shortest idle time that is ` +
          'tested: lower min_idle to find the value.',
        evidence,
      ),
    ];
  }
  const first = [...dying].sort(([, a], [, b]) => a.upper - b.upper)[0];
  const last = [...dying].sort(([, a], [, b]) => b.lower - a.lower)[0];
  if (first === undefined || last === undefined) return [];
  const slack = Math.max(input.limits.resolution, input.limits.guard);
  if (last[1].lower > first[1].upper + slack) {
    return [
      sure(
        'several_timeouts',
        `The modes find different limits, the shortest ${whenForgotten(...first)} in ${first[0]}: ` +
          'several boxes, or one that treats the directions differently.',
        evidence,
      ),
    ];
  }
  const ended = dying.filter(([, outcome]) => wasEnded(outcome));
  if (ended.length === dying.length) return [];
  if (ended.some(([, { manner }]) => manner === 'closed')) return [modesDisagree(evidence)];
  // Where some modes are told by a RST, something does pass.
  const silence = ended.length === 0 ? '; afterwards no packet passes' : '';
  const found: Explanation[] = [
    sure('mapping_forgotten', `The mapping is forgotten ${whenForgotten(...first)}${silence}.`, evidence),
  ];
  if (dying.every(([mode]) => MODE_ROWS[mode].from === 'outside')) {
    found.push(
      hint(
        'blind_without_send',
        'Whether a packet from inside would revive the mapping is unknown: only the mode send would show it.',
        ['send: not configured.'],
      ),
    );
  }
  return found;
}

function revivedFromInside(
  outside: readonly [Mode, Forgets],
  evidence: readonly string[],
  input: DiagnosisInput,
): readonly Explanation[] {
  const { local } = input.conntrack;
  const ownFits = local !== undefined && nearBracket(outside[1], local, input.limits.guard);
  const box: Explanation = (ownFits ? hint : likely)(
    'revived_from_inside',
    `The mapping is forgotten ${whenForgotten(...outside)}, but a packet from inside revives it (loose): ` +
      'only recv sees the timeout, and a far end that speaks first is not heard.',
    evidence,
  );
  const own: Explanation = (ownFits ? likely : hint)(
    'own_firewall_first',
    "It looks the same when this host's own firewall forgets the connection first.",
    [...evidence, conntrackSentence('This host', local)],
  );
  return ownFits ? [own, box] : [box, own];
}

function inboundRevives(
  inside: readonly [Mode, Forgets],
  evidence: readonly string[],
  input: DiagnosisInput,
): readonly Explanation[] {
  const { responder } = input.conntrack;
  const farFits = responder !== undefined && nearBracket(inside[1], responder, input.limits.guard);
  const box: Explanation = (farFits ? hint : likely)(
    'inbound_revives',
    `Packets from inside die ${whenForgotten(...inside)}, packets from outside still pass and revive the ` +
      'mapping: a box that tracks connections behind a fixed public address, such as a modem in bridge mode.',
    evidence,
  );
  const far: Explanation = (responder === undefined || farFits ? likely : hint)(
    'responder_firewall_first',
    "It looks the same when a firewall at the responder, its host's or its provider's, forgets the connection first.",
    [...evidence, conntrackSentence("The responder's host", responder)],
  );
  return farFits ? [far, box] : [box, far];
}

function conntrackSentence(whose: string, value: Seconds | undefined): string {
  return value === undefined
    ? `${whose} reports no connection tracking of its own.`
    : `${whose} says that its own connection tracking keeps idle connections for ${durationWithSeconds(value)}.`;
}

/** Resets and closes: they name the exact moment, or somebody who answers for a connection he does not know. */
function explainEnds(outcomes: Outcomes): readonly Explanation[] {
  const dying = forgetting(outcomes);
  const shownBy = (manner: Forgets['manner']) => dying.filter(([, outcome]) => outcome.manner === manner);
  const survivors = sentences(new Map([...outcomes].filter(([, { kind }]) => kind === 'survives')));
  const text = (list: readonly (readonly [Mode, Forgets])[]) => [...sentences(new Map(list)), ...survivors];
  const found: Explanation[] = [];
  const idle = shownBy('reset_idle');
  if (idle.length > 0) {
    found.push(
      measured(
        'reset_at_expiry',
        `A box resets idle connections by itself ${firstEnd(idle)}, so programs notice at once.`,
        text(idle),
      ),
    );
  }
  const tested = shownBy('reset');
  if (tested.length > 0) {
    found.push(
      measured(
        'answered_with_reset',
        'After the limit a packet is answered with a RST: a box refuses connections that it does not know, or it ' +
          'gave the connection a new public port and the far end refused it.',
        text(tested),
      ),
    );
  }
  const closed = shownBy('closed');
  if (closed.length > 0) {
    found.push(
      likely(
        'closed_by_somebody',
        `Idle connections are closed in an orderly way ${firstEnd(closed)}: a proxy or the far end does that, not a NAT.`,
        text(closed),
      ),
    );
  }
  return found;
}

/** When the first of several modes ends. */
function firstEnd(dying: readonly (readonly [Mode, Forgets])[]): string {
  const [first] = [...dying].sort(([, a], [, b]) => a.upper - b.upper);
  return first === undefined ? '' : whenForgotten(...first);
}
