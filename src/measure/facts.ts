/** What is told while the measurement runs, each fact once and only when it is certain. */
import type { PathCondition } from '../core/diagnosis/conditions.js';
import { planWords, proofWords } from '../core/diagnosis/proof.js';
import { DEATHS_OF_A_CLAIM } from '../core/finding.js';
import { durationWithSeconds, humanDuration } from '../core/human-duration.js';
import { mendedSentence } from '../core/locate/locate-words.js';
import { contradictionWords, mixtureWords, timeoutWords } from '../core/words.js';
import { longestRequired, type Mode, requirementOf } from '../core/modes.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';

/** One line of the story. */
export interface Fact {
  /** The same fact has the same id for ever. */
  readonly id: string;
  /** `progress`: only for readers who have no live view. */
  readonly kind: 'news' | 'progress';
  readonly text: string;
}

/** Idle times whose survival is told where there is no live view, seconds. */
const MILESTONES: readonly number[] = [60, 300, 900, 1800, 3600, 5400, 7200, 14_400, 28_800, 86_400];

/** Conditions of the path that are told with the mode or with the figures of one. */
const TOLD_OF_A_MODE: readonly PathCondition[] = [
  'keepalives_eaten',
  'keepalives_answered_between',
  'mixture',
];

/** Everything that can be told now and is not in `reported` yet. */
export function newFacts(snapshot: TargetSnapshot, reported: ReadonlySet<string>): readonly Fact[] {
  return allFacts(snapshot).filter(({ id }) => !reported.has(id));
}

function allFacts(snapshot: TargetSnapshot): readonly Fact[] {
  const facts: Fact[] = [];
  const news = (id: string, text: string): void => {
    facts.push({ id, kind: 'news', text });
  };
  const { up, downReason, natDetected, conntrack, config } = snapshot;
  if (up === false) {
    const reason = downReason ?? 'no answer';
    news(`down:${reason}`, `The far end does not answer (${reason}); trying on.`);
  }
  if (up === true)
    news('up', `The far end answers${snapshot.address === undefined ? '' : ` at ${snapshot.address}`}.`);
  if (natDetected !== undefined && config.far_end.kind !== 'embedded') {
    news(
      `nat:${natDetected}`,
      natDetected
        ? 'There is address translation on the path: the far end sees another address than this host has.'
        : "There is no address translation on the path: the far end sees this host's own address.",
    );
  }
  const ends = [
    ['local', "This host's", conntrack.local],
    ['responder', "The responder's host's", conntrack.responder],
  ] as const;
  for (const [id, whose, value] of ends) {
    if (value !== undefined && value < Math.min(longestRequired(config.modes), config.search.max_idle)) {
      news(
        `conntrack:${id}`,
        `${whose} own connection tracking forgets after ${durationWithSeconds(value)}: nothing longer can be told about the path.`,
      );
    }
  }
  const { check, conditions, contradicting, remarks } = snapshot.verdict;
  if (check !== undefined) news('quota', `${capitalized(check.words)}.`);
  const isMixture = conditions.includes('mixture');
  if (contradicting.length > 0)
    news(`contradiction:${isMixture}`, `${capitalized(contradictionWords(isMixture))}.`);
  conditions.forEach((condition, index) => {
    const remark = remarks[index] ?? '';
    if (!TOLD_OF_A_MODE.includes(condition)) news(`path:${condition}`, `${capitalized(remark)}.`);
  });
  for (const snapshotOfMode of snapshot.modes) {
    const { mode } = snapshotOfMode;
    if (snapshot.verdict.conditions.includes('keepalives_answered_between') && isLeftOut(snapshot, mode)) {
      news(
        `${mode}:answered_between`,
        `${mode}: TCP keepalives are answered where data dies: somebody in between answers them.`,
      );
    } else if (isLeftOut(snapshot, mode)) {
      news(
        `${mode}:eaten`,
        `${mode}: TCP keepalives get no answer although data does: they are dropped on the way.`,
      );
    } else {
      facts.push(...modeFacts(snapshotOfMode));
    }
  }
  facts.push(...proofFacts(snapshot), ...locateFacts(snapshot));
  return facts;
}

/** How the advice is tried, told before it is, and what came of it. */
function proofFacts({ proving, config }: TargetSnapshot): readonly Fact[] {
  if (proving === undefined) return [];
  const { advice, proofs, open } = proving;
  const { ground } = advice;
  const plan: Fact[] =
    ground === undefined || open.length === 0
      ? []
      : [
          {
            id: `proof:${ground.interval}`,
            kind: 'news',
            text: `Proving the advice: ${planWords(open, ground, config.search.deadline)}.`,
          },
        ];
  const shown = proofs.map(({ kind, interval, held }): Fact => {
    const text = `${capitalized(proofWords({ kind, interval, held }))}.`;
    return { id: `proof:${interval}:${kind}:${held}`, kind: 'news', text };
  });
  return [...plan, ...shown];
}

/** That the box is looked for, and for how long; then what came of it. */
function locateFacts({ locating, config }: TargetSnapshot): readonly Fact[] {
  const { connections } = config.search;
  return (locating?.modes ?? []).flatMap(({ mode, running, found }): Fact[] => [
    ...(running === undefined
      ? []
      : [
          running.stage === 'profile'
            ? {
                id: `profiling:${mode}`,
                kind: 'news' as const,
                text: `Measuring the idle timeout of every hop in ${mode}: up to ${connections} connections are kept fresh on all of the path but a place, for about ${humanDuration(running.left)}. Ctrl-C ends it and keeps what is known.`,
              }
            : {
                id: `locating:${mode}`,
                kind: 'news' as const,
                text: `Looking for the box that forgets in ${mode}: up to ${connections} connections idle past the timeout and are kept fresh on a part of the path, for about ${humanDuration(running.left)}.`,
              },
        ]),
    ...(found === undefined
      ? []
      : [{ id: `located:${mode}:${found.at}`, kind: 'news' as const, text: `${mode}: ${found.sentence}` }]),
    ...(found?.profile?.behind === undefined
      ? []
      : [
          {
            id: `mended:${mode}:${found.at}`,
            kind: 'news' as const,
            text: `${mode}: ${mendedSentence(found.profile.behind)}`,
          },
        ]),
  ]);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function isLeftOut({ verdict }: TargetSnapshot, mode: Mode): boolean {
  return verdict.leftOut.includes(mode);
}

function modeFacts({ mode, finding }: ModeSnapshot): readonly Fact[] {
  const facts: Fact[] = [];
  const { lower, upper, timeout, compliant, deaths } = finding;
  const required = humanDuration(requirementOf(mode).idle);
  const milestone = MILESTONES.filter((at) => lower !== undefined && lower >= at).at(-1);
  if (milestone !== undefined) {
    facts.push({
      id: `${mode}:survived:${milestone}`,
      kind: 'progress',
      text: `${mode}: idle connections survive ${humanDuration(milestone)}.`,
    });
  }
  if (compliant === true) {
    facts.push({
      id: `${mode}:compliant`,
      kind: 'news',
      text: `${mode}: compliant, idle connections survive ${required}.`,
    });
  }
  if (upper === undefined) return facts;
  if (finding.mixture !== undefined) {
    facts.push({
      id: `${mode}:mixture`,
      kind: 'news',
      text: `${mode}: not all connections are treated alike: ${mixtureWords({ ...finding, upper }, finding.mixture)}.`,
    });
    return facts;
  }
  facts.push({
    id: `${mode}:died`,
    kind: 'news',
    text: `${mode}: a connection died after ${durationWithSeconds(upper)} idle; ${deaths >= DEATHS_OF_A_CLAIM ? 'narrowing' : 'this is being confirmed'}.`,
  });
  if (compliant === false) {
    facts.push({
      id: `${mode}:not_compliant`,
      kind: 'news',
      text:
        `${mode}: not compliant, at least ${DEATHS_OF_A_CLAIM} independent connections died before ` +
        `${required} of silence${timeout === undefined ? '; narrowing' : ''}.`,
    });
  }
  if (timeout !== undefined && lower !== undefined) {
    facts.push({
      id: `${mode}:found`,
      kind: 'news',
      text: `${mode}: idle connections are ${finding.closed === true ? 'closed by somebody' : 'forgotten'} after about ${timeoutWords(mode, finding)} (between ${tenths(lower)} and ${tenths(upper)} s).`,
    });
  }
  return facts;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
