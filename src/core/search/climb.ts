/** Late-chosen tests while the bracket is open: climbs a ladder of ages, then bisects with the ages that wait. */
import type { Seconds } from '../../units.js';
import { REQ5_ESTABLISHED_IDLE_TIMEOUT } from '../rfc5382.js';
import { VOTES, agreeingDeaths, claimOf, claimQuestion, isClosed, resolutionOf, upperOf } from './bracket.js';
import {
  ageOf,
  discard,
  idleConnections,
  isAged,
  open,
  planLaunch,
  roomOf,
  testAtAge,
  wakeAt,
} from './connections.js';
import { bisection, confirmation, ladderOf, nextRung } from './questions.js';
import type { Connection, Draft } from './state.js';

/** Budgets from here on keep one connection for the question about REQ-5; below it would cost too much of the ladder. */
const ANCHOR_BUDGET = 12;

/** A ready age this share of the bracket away from both bounds is as good as its middle. */
const CENTRAL = 0.2;
/** A connection that has passed an exact question by less than this may still answer it, seconds. */
const EXACT_ENOUGH: Seconds = 0.05;

/** Plans the launches of a new ladder. */
export function startLadder(draft: Draft): void {
  const { options } = draft;
  draft.climbSince = draft.now;
  const anchored =
    options.connections >= ANCHOR_BUDGET &&
    draft.lower < claimOf(options) &&
    claimQuestion(options) <= options.maxIdle;
  if (anchored) open(draft, 'anchor');
  const count = roomOf(draft);
  const ladder = ladderOf(count);
  const first = (nextRung(options, draft.lower, ladder) * ladder.launch) / (1 - ladder.launch);
  for (let rung = 0; rung < count; rung++)
    planLaunch(draft, { at: draft.now + first * ((1 + ladder.step) ** rung - 1), role: 'ladder' });
}

/** Tests without an answer for so long are probably deaths; that orders the next question and decides nothing. */
function presumptionTime(draft: Draft): Seconds {
  return Math.min(draft.options.deadline, Math.max(draft.options.deadline / 8, 3 * draft.answerTime));
}

/** Decides what to test and to launch until the bracket is closed and confirmed. */
export function searchLate(draft: Draft): void {
  let presumedUpper = upperOf(draft);
  let awaited = 0;
  for (const connection of draft.connections) {
    if (connection.state !== 'testing' || connection.testedAt === undefined) continue;
    const presumedAt = connection.testedAt + presumptionTime(draft);
    if (draft.now >= presumedAt - 1e-6) {
      if ((connection.testAt ?? 0) > draft.lower)
        presumedUpper = Math.min(presumedUpper, connection.testAt ?? presumedUpper);
    } else {
      awaited += 1;
      wakeAt(draft, presumedAt);
    }
  }
  if (presumedUpper === Number.POSITIVE_INFINITY) climb(draft, awaited);
  else refine(draft, awaited, presumedUpper);
}

function climb(draft: Draft, awaited: number): void {
  const { options } = draft;
  while (roomOf(draft) > 0) open(draft, 'ladder');
  const idle = idleConnections(draft);
  for (const anchor of idle.filter((connection) => connection.role === 'anchor'))
    testAtAge(draft, anchor, Math.max(claimQuestion(options), draft.lower));
  if (awaited > 0) return;
  const scout = idle.find((connection) => connection.role !== 'anchor');
  if (scout === undefined) return;
  testAtAge(draft, scout, nextRung(options, draft.lower, ladderOf(options.connections)));
}

function refine(draft: Draft, awaited: number, presumedUpper: Seconds): void {
  useTooOld(draft);
  launchSteadily(draft);
  if (isClosed(draft)) confirm(draft);
  else if (awaited === 0) bisect(draft, presumedUpper);
}

/** Connections far above the bracket: each is one more death before 7440 s while that counts, else of no use. */
function useTooOld(draft: Draft): void {
  if (draft.deaths.length === 0) return;
  const limit = upperOf(draft) + 2 * resolutionOf(draft);
  for (const connection of idleConnections(draft)) {
    const age = ageOf(draft, connection);
    if (age <= limit) return;
    if (draft.compliant === null && age < REQ5_ESTABLISHED_IDLE_TIMEOUT) testAtAge(draft, connection, age);
    else discard(draft, connection);
  }
}

/** Launches evenly, so that the ages of the steady state are there when the bracket is closed. */
function launchSteadily(draft: Draft): void {
  const { options } = draft;
  if (roomOf(draft) === 0) return;
  const pace = Math.min(upperOf(draft), options.maxIdle) / options.connections;
  const due = draft.launchedAt + Math.max(pace, Math.min(2, options.minIdle / 8));
  if (draft.now >= due - 1e-6) open(draft, 'ladder');
  else wakeAt(draft, due);
}

function confirm(draft: Draft): void {
  const question = confirmation(draft);
  let missing = VOTES - agreeingDeaths(draft);
  for (const connection of draft.connections)
    if (connection.state === 'testing' && (connection.testAt ?? 0) >= upperOf(draft)) missing -= 1;
  for (const connection of idleConnections(draft)) {
    if (missing <= 0) return;
    testAtAge(draft, connection, question);
    missing -= 1;
  }
}

function bisect(draft: Draft, upper: Seconds): void {
  const { lower } = draft;
  const width = upper - lower;
  if (width <= resolutionOf(draft) / 2) return;
  const question = bisection(draft, lower, upper);
  const waiting = idleConnections(draft).filter((connection) => ageOf(draft, connection) < upper);
  const ready = question.exact ? undefined : nearestReady(draft, waiting, question.idle, width, upper);
  if (ready !== undefined) testAtAge(draft, ready, ageOf(draft, ready));
  else {
    const next = waiting.find((connection) => !isAged(draft, connection, question.idle + EXACT_ENOUGH));
    if (next !== undefined) testAtAge(draft, next, question.idle);
  }
}

/** The connection well inside the bracket whose age is nearest to the question. */
function nearestReady(
  draft: Draft,
  waiting: readonly Connection[],
  question: Seconds,
  width: Seconds,
  upper: Seconds,
): Connection | undefined {
  const least = Math.max(draft.lower + CENTRAL * width, draft.options.minIdle);
  const most = upper - CENTRAL * width;
  let best: Connection | undefined;
  let nearest = Number.POSITIVE_INFINITY;
  for (const connection of waiting) {
    const age = ageOf(draft, connection);
    if (age < least || age > most || Math.abs(age - question) >= nearest) continue;
    best = connection;
    nearest = Math.abs(age - question);
  }
  return best;
}
