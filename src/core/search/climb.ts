/** Late-chosen tests while the bracket is open: climbs a ladder of ages, then bisects with the ages that wait. */
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import type { Seconds } from '../../units.js';
import { claimOf, claimQuestion, deathsForBracket, isClosed, resolutionOf, upperOf } from './bracket.js';
import {
  ageOf,
  discard,
  idleConnections,
  isAged,
  open,
  planLaunch,
  replace,
  roomOf,
  testAtAge,
  wakeAt,
} from './draft-connections.js';
import { BEYOND_HINT, hintedBracket, hintedQuestion, shareOf, usableHint } from './hints.js';
import { bisection, confirmation, ladderOf, nextRung, roundRung } from './questions.js';
import { quickestPace } from './pace.js';
import type { Connection, Draft } from './state.js';

/** Budgets from here on keep one connection for the question about the requirement; below it would cost too much of the ladder. */
const ANCHOR_BUDGET = 12;

/** A ready age this share of the bracket away from both bounds is as good as its middle. */
const CENTRAL = 0.3;
/** Share of the deadline that every answer of a climb may take on top of its pace. */
const GRACE = 0.375;
/** A climb that waits for its turn among the siblings asks beyond its rung by this factor: they may have stopped. */
const LATE_TURN = 1.1;
/** A connection that has passed an exact question by less than this may still answer it, seconds. */
const EXACT_ENOUGH: Seconds = 0.05;

/** Plans the launches of a new ladder; siblings share one, of which each has every so many-th rung. */
export function startLadder(draft: Draft): void {
  draft.climbSince = draft.now;
  if (wantsAnchor(draft)) open(draft, 'anchor');
  const count = roomOf(draft);
  const { rungs, of } = shareOf(draft);
  const all = (count * of) / rungs.length;
  const ladder = ladderOf(all);
  const first = (nextRung(draft, draft.lower, ladder) * ladder.launch) / (1 - ladder.launch);
  for (let rung = 0; rung < all; rung++)
    if (rungs.includes(rung % of))
      planLaunch(draft, { at: draft.now + first * ((1 + ladder.step) ** rung - 1), role: 'ladder' });
}

/** Keeps one connection of a climb from a bound that rose for the question about the requirement: an old one is nearer to it. */
export function addAnchor(draft: Draft): void {
  if (draft.options.timing !== 'late' || !wantsAnchor(draft)) return;
  const idle = idleConnections(draft);
  const [oldest] = idle;
  if (oldest !== undefined && idle.length > draft.options.connections / 2)
    replace(draft, { ...oldest, role: 'anchor' });
  else if (roomOf(draft) > 0) open(draft, 'anchor');
}

function wantsAnchor(draft: Draft): boolean {
  const { options, lower } = draft;
  return (
    options.connections >= ANCHOR_BUDGET &&
    lower < claimOf(options) &&
    claimQuestion(draft) <= options.maxIdle
  );
}

/**
 * Tests without an answer for so long are probably deaths; that orders the next question and decides nothing. Some
 * survivors are slow by nature (a keepalive that is only judged by its silence), so it follows the slowest answer.
 */
function presumptionTime(draft: Draft): Seconds {
  const { deadline } = draft.options;
  const patience = Math.min(3 * draft.answerTime, Math.max(deadline, 1.5 * draft.answerTime));
  return Math.max(deadline / 8, patience);
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
  while (roomOf(draft) > 0) open(draft, 'ladder');
  const idle = idleConnections(draft);
  for (const anchor of idle.filter((connection) => connection.role === 'anchor'))
    testAtAge(draft, anchor, Math.max(claimQuestion(draft), draft.lower));
  if (awaited > 0) return;
  const ladder = idle.filter(({ role }) => role !== 'anchor');
  const [scout] = ladder;
  if (scout === undefined) return;
  const { upper, starts } = usableHint(draft);
  if (upper !== undefined) {
    const aged = ladder.findLast((connection) => isAged(draft, connection, upper + BEYOND_HINT));
    testAtAge(draft, aged ?? scout, upper + BEYOND_HINT);
    return;
  }
  const rung = rungOf(draft, scout, ladder);
  const isOldest = starts.every((start) => start >= (scout.since ?? 0));
  testAtAge(draft, scout, isOldest ? rung : rung * LATE_TURN);
}

/** The age at which the oldest connection of the ladder is tested. */
function rungOf(draft: Draft, scout: Connection, ladder: readonly Connection[]): Seconds {
  const { options, climbSince } = draft;
  const hint = usableHint(draft);
  const lower = Math.max(draft.lower, hint.lower);
  if (lower === 0 || scout.since === undefined) return options.minIdle;
  const starts = ladder.map(({ since }) => (since ?? draft.now) - climbSince);
  for (const { state } of draft.connections) if (state === 'opening') starts.push(draft.now - climbSince);
  for (const { at } of draft.launches) starts.push(at - climbSince);
  if (hint.starts.length > 0) {
    starts.push(...hint.starts.map((start) => start - climbSince));
    starts.sort((a, b) => a - b);
  }
  const climb = {
    starts,
    now: draft.now - climbSince,
    lower,
    top: options.maxIdle,
    grace: GRACE * options.deadline,
  };
  const pace = quickestPace(climb);
  const planned =
    pace === undefined
      ? lower * (1 + ladderOf(options.connections * shareOf(draft).of).step)
      : climbSince + pace * lower + climb.grace - scout.since;
  return roundRung(draft, lower, Math.max(planned, lower * 1.004));
}

function refine(draft: Draft, awaited: number, presumedUpper: Seconds): void {
  useTooOld(draft, presumedUpper);
  launchSteadily(draft);
  // A first finding may gather its confirming deaths while the one that closes the bracket is still presumed; a
  // published one is replaced only after each death was known to be one before the next was looked for.
  const upper = draft.published === null ? presumedUpper : upperOf(draft);
  if (isClosed(draft) || (draft.lower > 0 && upper - draft.lower <= resolutionOf(draft)))
    confirm(draft, upper);
  else if (awaited === 0) bisect(draft, presumedUpper);
}

/** Connections beyond the bracket: each may be one more death before the required time, else it is of no use. */
function useTooOld(draft: Draft, presumedUpper: Seconds): void {
  const { required } = draft.options;
  const undecided = draft.compliant === null && presumedUpper < required;
  const limit = undecided ? presumedUpper : upperOf(draft) + 2 * resolutionOf(draft);
  let missing = undecided ? DEATHS_OF_A_CLAIM - draft.deaths.length : 0;
  for (const { state, testAt } of draft.connections)
    if (state === 'testing' && testAt !== undefined && testAt > draft.lower) missing -= 1;
  for (const connection of idleConnections(draft)) {
    const age = ageOf(draft, connection);
    if (age <= limit) {
      if (undecided && missing > 0 && connection.since !== undefined)
        wakeAt(draft, connection.since + limit + EXACT_ENOUGH);
      return;
    }
    if (undecided && missing > 0 && age < required) testAtAge(draft, connection, age);
    else if (age > upperOf(draft) + 2 * resolutionOf(draft)) discard(draft, connection);
    missing -= 1;
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

/** Looks for the deaths just above the upper bound that a closed bracket still needs, all at once. */
function confirm(draft: Draft, upper: Seconds): void {
  const question = confirmation(draft, upper);
  const limit = upper + 2 * resolutionOf(draft);
  let missing = deathsForBracket(draft) - draft.deaths.filter((death) => death.idle <= limit).length;
  for (const { state, testAt } of draft.connections)
    if (state === 'testing' && testAt !== undefined && testAt > draft.lower && testAt <= limit) missing -= 1;
  for (const connection of idleConnections(draft)) {
    if (missing <= 0) return;
    if (ageOf(draft, connection) > limit) continue;
    testAtAge(draft, connection, question);
    missing -= 1;
  }
}

function bisect(draft: Draft, upper: Seconds): void {
  const { lower } = draft;
  if (upper - lower <= resolutionOf(draft) / 2) return;
  const waiting = idleConnections(draft).filter((connection) => ageOf(draft, connection) < upper);
  const met = hintedQuestion(draft, upper);
  if (met !== undefined) return askExactly(draft, waiting, met);
  const inside = hintedBracket(draft, upper);
  const isMet = inside.upper - inside.lower <= resolutionOf(draft);
  const bracket = isMet ? { lower, upper } : inside;
  const question = bisection(draft, bracket.lower, bracket.upper);
  const ready = question.exact ? undefined : nearestReady(draft, waiting, question.idle, bracket);
  if (ready !== undefined) testAtAge(draft, ready, ageOf(draft, ready));
  else askExactly(draft, waiting, question.idle);
}

/** Has the oldest connection that is not too old answer at this very age. */
function askExactly(draft: Draft, waiting: readonly Connection[], idle: Seconds): void {
  const next = waiting.find((connection) => !isAged(draft, connection, idle + EXACT_ENOUGH));
  if (next !== undefined) testAtAge(draft, next, idle);
}

/** The connection well inside the bracket whose age is nearest to the question. */
function nearestReady(
  draft: Draft,
  waiting: readonly Connection[],
  question: Seconds,
  { lower, upper }: { readonly lower: Seconds; readonly upper: Seconds },
): Connection | undefined {
  const width = upper - lower;
  const least = Math.max(lower + CENTRAL * width, draft.options.minIdle);
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
