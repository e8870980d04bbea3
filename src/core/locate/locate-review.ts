/** What a finished round means: which end's refreshes cannot be used, which answers contradict each other, what follows. */
import { defined } from '../../defined.js';
import { answerOf, keyOf, tallyOf, ttlOf, unique } from './cells.js';
import { boxOf, cornerOf, echoesOf } from './corner.js';
import { nextMeans, startDistance } from './distances.js';
import type { Question, Side } from './locate-contract.js';
import type { ForgettingBox, NotLocated } from './localization.js';
import { nextQuestions, stepOfEnd } from './locate-questions.js';
import {
  commonHops,
  conclude,
  discardProbes,
  type End,
  evidenceOf,
  fullCell,
  giveUp,
  harmControl,
  liveSides,
  type LocateDraft,
  type LocateState,
  SILENT,
} from './locate-state.js';
import { contradicting, rowOf } from './refresh-rows.js';

/** Rounds whose tests say nothing before a question is given up. */
const UNCLEAR_TESTS = 3;

/** Tests that must agree before an end's refreshes are given up: one may be an eviction. */
const FAILURES_OF_MEANS = 2;

const isSilent = (question: Question): boolean => keyOf(question) === keyOf(SILENT);

/** Looks at each answer at once: nothing else has to be waited for where an end's refreshes cannot be used. */
export function judgeEnds(draft: LocateDraft): void {
  // Several may be asked at once: one that lives beside others that die says that connections fare differently.
  const isAsked = draft.probes.some(({ state, question }) => state === 'testing' && isSilent(question));
  if (!isAsked && answerOf(draft.tallies, SILENT) === 'alive') {
    giveUp(draft, 'nothing_died');
    return;
  }
  for (const side of liveSides(draft)) {
    judgeMeans(draft, side);
    if (draft.stage === 'over') return;
  }
  if (liveSides(draft).length === 0)
    giveUp(draft, draft.ends.client.lost ?? draft.ends.responder.lost ?? 'no_distance');
}

/** Looks at what is known after a round. @returns the questions of the next one; none when it is over */
export function review(draft: LocateDraft): readonly Question[] {
  const doubt = doubtOf(draft);
  if (doubt !== undefined) {
    giveUp(draft, doubt);
    return [];
  }
  const questions = nextQuestions(draft);
  if (questions.some((question) => tallyOf(draft.tallies, question).unclear >= UNCLEAR_TESTS)) {
    giveUp(draft, draft.failures > 0 ? 'open_failed' : 'unclear');
    return [];
  }
  if (questions.length === 0) decide(draft);
  return questions;
}

/** Takes an end's way to refresh from it when it does not work, does harm, or does not go where it should. */
function judgeMeans(draft: LocateDraft, side: Side): void {
  const end = draft.ends[side];
  const full = tallyOf(draft.tallies, fullCell(side, end));
  const control = harmControl(side, end);
  const harm = control === undefined ? undefined : tallyOf(draft.tallies, control);
  if (end.strays >= FAILURES_OF_MEANS) {
    lose(draft, side, 'distance_changed');
    return;
  }
  const { means } = end;
  const next = means === undefined ? undefined : nextMeans(draft.options, side, means);
  // Another way is tried at the first failure: it has to show itself that it works.
  const most = next === undefined ? FAILURES_OF_MEANS : 1;
  const works = full.alive > 0 || full.dead < most;
  const arrives = end.unanswered < most;
  const harmless = harm === undefined || harm.alive > 0 || harm.dead < most;
  if (works && arrives && harmless) return;
  if (next !== undefined) changeMeans(draft, side, { ...end, means: next, strays: 0, unanswered: 0 });
  // Refreshes that kill contradict the idle timeout itself: nothing is claimed from either end.
  else if (!harmless) giveUp(draft, 'harmful');
  else lose(draft, side, 'not_refreshed');
}

/**
 * An end goes on with another way to refresh, or with none: what the old one showed is thrown away, and what was asked
 * with it is lost.
 */
function changeMeans(draft: LocateDraft, side: Side, end: End): void {
  draft.ends = { ...draft.ends, [side]: end };
  const isItsOwn = (question: Question): boolean => ttlOf(side, question) > 0;
  const asked = [...Object.values(draft.tallies), ...draft.probes.map(({ question }) => question)];
  draft.tallies = Object.fromEntries(Object.entries(draft.tallies).filter(([, tally]) => !isItsOwn(tally)));
  discardProbes(draft, ({ question }) => isItsOwn(question));
  draft.lost = draft.lost.filter((question) => !isItsOwn(question));
  if (end.means !== undefined) draft.lost = [...draft.lost, ...unique(asked.filter(isItsOwn))];
}

/** An end's refreshes say nothing, whatever is tried: only the other end's row can be read. */
export function lose(draft: LocateDraft, side: Side, lost: NotLocated): void {
  const { means: _means, ...end } = draft.ends[side];
  changeMeans(draft, side, { ...end, means: undefined, lost });
}

/**
 * Answers that contradict each other are thrown away and asked again, three times each; the second contradiction is a
 * result.
 * @returns why nothing can be claimed
 */
function doubtOf(draft: LocateDraft): NotLocated | undefined {
  const mixed = Object.values(draft.tallies).filter(({ alive, dead }) => alive > 0 && dead > 0);
  if (mixed.some(({ cleared }) => cleared)) return 'mixed';
  clear(draft, mixed);
  for (const side of liveSides(draft)) {
    const cells = contradicting(side, rowOf(draft.tallies, side, draft.ends[side].distance ?? 0));
    if (cells.some((cell) => tallyOf(draft.tallies, cell).cleared)) return 'contradiction';
    clear(draft, cells);
  }
  return undefined;
}

function clear(draft: LocateDraft, questions: readonly Question[]): void {
  for (const question of questions) {
    const { k, m, harm, unclear } = tallyOf(draft.tallies, question);
    const empty = { k, m, harm, alive: 0, dead: 0, unclear, cleared: true };
    draft.tallies = { ...draft.tallies, [keyOf(question)]: empty };
  }
}

/** Nothing is left to be asked. */
function decide(draft: LocateDraft): void {
  const box = claimOf(draft);
  if (box === undefined) {
    const together = liveSides(draft).length === 2;
    const contradicts = commonHops(draft) !== undefined;
    giveUp(draft, contradicts ? 'contradiction' : together ? 'distances_differ' : 'beyond');
    return;
  }
  conclude(draft, { kind: 'located', box, evidence: evidenceOf(draft) });
}

/** The box that both rows and the corner name; where they cannot be put together, what each row says by itself. */
function claimOf(state: LocateState): ForgettingBox | undefined {
  const [kc, ks] = [stepOfEnd(state, 'client'), stepOfEnd(state, 'responder')];
  const hops = commonHops(state);
  if (hops !== undefined && kc !== undefined && ks !== undefined) {
    const isDead = (cell: Question): boolean => answerOf(state.tallies, cell) === 'dead';
    const steps = { hops, kc, ks };
    return boxOf(steps, isDead(cornerOf(steps)), echoesOf(steps).filter(isDead));
  }
  const sides = liveSides(state);
  // A step at the largest TTL may lie anywhere beyond what this end can count.
  const ownOf = (side: Side, step: number | undefined): number | undefined =>
    sides.includes(side) && step !== undefined && step <= (state.ends[side].distance ?? 0) ? step : undefined;
  const own = defined({ kc: ownOf('client', kc), ks: ownOf('responder', ks) });
  return own.kc === undefined && own.ks === undefined ? undefined : { kind: 'one_sided', ...own };
}

/** Starts to look for an end's distance; it is lost where it has no way to refresh. */
export function searchDistance(draft: LocateDraft, side: Side): void {
  const end = draft.ends[side];
  if (end.means !== undefined)
    draft.ends = { ...draft.ends, [side]: { ...end, search: startDistance(end.means) } };
}
