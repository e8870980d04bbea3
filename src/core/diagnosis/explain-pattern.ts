/** What each kind of box looks like from here: who dies and who survives, over the modes. */
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import { durationWithSeconds, humanDuration } from '../human-duration.js';
import { type Mode, MODE_ROWS } from '../modes.js';
import { whenForgotten } from '../words.js';
import type { Seconds } from '../../units.js';
import { type Explanation, hint, likely, measured } from './explanation.js';
import {
  configuredModes,
  type DiagnosisInput,
  type Forgets,
  forgetting,
  nearBracket,
  type Outcomes,
  outcomeSentences,
  wasEnded,
} from './outcome.js';

/** The table of what each kind of box looks like from here. */
export function explainPattern(outcomes: Outcomes, input: DiagnosisInput): readonly Explanation[] {
  const evidence = outcomeSentences(outcomes);
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
      return revivedFromInside(first, evidence, input, hearsData(outcomes));
    if (sides.has('outside survives') && sides.has('inside forgets'))
      return inboundRevives(first, evidence, input);
  }
  return [modesDisagree(evidence)];
}

/** Whether a mode from inside had to be answered by the far end's program: its kernel's part may be played by a proxy. */
function hearsData(outcomes: Outcomes): boolean {
  return [...outcomes.keys()].some(
    (mode) => MODE_ROWS[mode].from === 'inside' && MODE_ROWS[mode].answeredBy === 'program',
  );
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
  isDataHeard: boolean,
): readonly Explanation[] {
  const { local } = input.conntrack;
  const ownFits = local !== undefined && nearBracket(outside[1], local, input.limits.guard);
  const box: Explanation = (ownFits || !isDataHeard ? hint : likely)(
    'revived_from_inside',
    `The mapping is forgotten ${whenForgotten(...outside)}, but a packet from inside revives it (loose): ` +
      'only recv sees the timeout, and a far end that speaks first is not heard.',
    evidence,
  );
  const own: Explanation = (ownFits && isDataHeard ? likely : hint)(
    'own_firewall_first',
    "It looks the same when this host's own firewall forgets the connection first.",
    [...evidence, conntrackSentence('This host', local)],
  );
  const found = ownFits ? [own, box] : [box, own];
  if (isDataHeard) return found;
  return [
    ...found,
    hint(
      'blind_without_send',
      'Nor can it be told from somebody in between who answers the TCP keepalives and keeps nothing alive behind him: ' +
        'only the mode send would show it.',
      [...evidence, 'send: not configured.'],
    ),
  ];
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
