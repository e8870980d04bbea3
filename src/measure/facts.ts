/** What is told while the measurement runs, each fact once and only when it is certain. */
import { DEATHS_OF_A_CLAIM } from '../core/finding.js';
import { durationWithSeconds, humanDuration } from '../core/human-duration.js';
import { timeoutWords } from '../core/words.js';
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
  return facts;
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
