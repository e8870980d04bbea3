/** What one test is worth: whether its verdict speaks of the cell, and whether its refreshes went as far as they should. */
import type { Seconds } from '../../units.js';
import type { Verdict } from '../verdict.js';
import { keyOf, tallyOf, ttlOf } from './cells.js';
import { isEcho } from './corner.js';
import type { Arrivals, Question, Side } from './locate-contract.js';
import { liveSides, type LocateDraft, type Probe, testAt } from './locate-state.js';

/** How much earlier than planned a harm control may be tested. */
const HARM_EARLY = 0.9;

/** A finished test. */
export interface FinishedTest {
  readonly verdict: Verdict;
  readonly idle: Seconds;
  readonly arrivals: Arrivals;
}

/**
 * Counts a test for its question, or that it said nothing.
 * @returns whether it said something
 */
export function countTest(draft: LocateDraft, probe: Probe, test: FinishedTest): boolean {
  const { question } = probe;
  const tally = tallyOf(draft.tallies, question);
  const { alive, dead } = tally;
  const answer = whatItSays(draft, question, test);
  const travelled = noteArrivals(draft, question, test);
  const counts = travelled && answer !== undefined;
  draft.tallies = {
    ...draft.tallies,
    [keyOf(question)]: {
      ...tally,
      alive: alive + (counts && answer === 'alive' ? 1 : 0),
      dead: dead + (counts && answer === 'dead' ? 1 : 0),
    },
  };
  if (!counts) countNoTest(draft, probe);
  return counts;
}

/** Counts a test that could not be held, or said nothing: once a round, as an outage meets all that are tested in it. */
export function countNoTest(draft: LocateDraft, { question, again }: Probe): void {
  const tally = tallyOf(draft.tallies, question);
  if (again === true || tally.unclearIn === draft.rounds) return;
  draft.tallies = {
    ...draft.tallies,
    [keyOf(question)]: { ...tally, unclear: tally.unclear + 1, unclearIn: draft.rounds },
  };
}

/**
 * What a verdict says of its question. A connection that somebody closed in an orderly way was not forgotten; one that
 * was tested too early has not shown that it lives longer; one that died below the idle timeout was not killed by it.
 */
function whatItSays(
  { options }: LocateDraft,
  question: Question,
  { verdict, idle }: FinishedTest,
): 'alive' | 'dead' | undefined {
  const { lower, upper } = options;
  switch (verdict.kind) {
    case 'inconclusive':
      return undefined;
    case 'alive':
      return idle >= (question.harm ? HARM_EARLY * testAt(options, question) : upper) ? 'alive' : undefined;
    case 'dead':
      if (verdict.evidence === 'closed') return undefined;
      return question.harm === idle < lower ? 'dead' : undefined;
  }
}

/**
 * Notes whether refreshes went as far as their TTL allows: those with a small one must die on the way, those with the
 * largest must arrive. What arrived against the count of routers, or nobody knows of, proves nothing.
 * @returns whether the test may count
 */
function noteArrivals(draft: LocateDraft, question: Question, { arrivals }: FinishedTest): boolean {
  let counts = true;
  for (const side of liveSides(draft)) {
    const ttl = ttlOf(side, question);
    const { distance = 0 } = draft.ends[side];
    // The acknowledgements of an echo do not come back, or answer for the other end.
    if (ttl === 0 || isEcho(question, distance)) continue;
    const mustArrive = ttl > distance;
    if (arrivals[side] === mustArrive) continue;
    counts = false;
    if (arrivals[side] !== undefined) noteStray(draft, side, mustArrive);
  }
  return counts;
}

function noteStray(draft: LocateDraft, side: Side, mustArrive: boolean): void {
  const end = draft.ends[side];
  draft.ends = {
    ...draft.ends,
    [side]: mustArrive ? { ...end, unanswered: end.unanswered + 1 } : { ...end, strays: end.strays + 1 },
  };
}
