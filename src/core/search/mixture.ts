/** A path on which a minority of the nodes forgets early: when it is believed, what is asked of it, when it is over. */
import type { Seconds } from '../../units.js';
import {
  askDistance,
  claimOf,
  claimQuestion,
  isClosed,
  resolutionOf,
  upperOf,
  wellBeyond,
} from './bracket.js';
import {
  type Census,
  type Counted,
  countBeyond,
  countEarly,
  countSurvival,
  isDivided,
  isIdle,
  type Mixed,
  NOTHING_COUNTED,
  provesMinority,
} from './census.js';
import { DEATHS_KEPT } from './state.js';
import { idleConnections, open, roomOf, testAtAge } from './draft-connections.js';
import { KNOWN_VALUES } from './known-values.js';
import { type Minority, mostExcess, type Tally } from './minority.js';
import { pooledWith, shared, toldByOther } from './pooled.js';
import { earnedLaunches, GROUP_BUDGET } from './rounds.js';
import type { Draft, PublishedBracket, SearchState } from './state.js';
import { tallied } from './tally.js';

/** Share of deaths that is expected where the minority is gone. */
const GONE = 0.01;
/** Evidence in nats that it is. */
const QUIET = 7;
/** So many tests that show hardly more deaths than evictions tell the same, in nats. */
const [MANY_TESTS, HARDLY_MORE] = [200, 0.7];
/** Where the others have a timeout of their own, the minority is asked about up to this share of what they survive. */
const BELOW_OTHERS = 0.997;
/** A sibling's death is an early one below this share of what survived here: nearer it may be the NAT's own jitter. */
const CLEARLY_EARLY = 0.97;

/** Nothing that was weighed; what survived is known still. */
function forgotten({ pooled: { survivals } }: Census): Census {
  return { ...NOTHING_COUNTED, pooled: { ...NOTHING_COUNTED.pooled, survivals } };
}

/** A test while no minority is believed in. */
export function countVerdict(draft: Draft, test: Counted, early: boolean): void {
  const { census } = draft;
  const upper = upperOf(draft);
  const closed = isClosed(draft);
  let counted = census;
  let witness = false;
  if (test.alive) ({ census: counted, witness } = countSurvival(census, test));
  else if (early) counted = countEarly(census, test);
  else if (test.idle < draft.options.required && (!closed || census.beyond.length > 0))
    counted = { ...census, tally: tallied(census.tally, test.idle, false) };
  if (closed && upper < draft.options.required && test.idle > wellBeyond(draft, upper))
    counted = countBeyond(counted, test.alive);
  if (test.alive && closed && isIdle(counted)) counted = forgotten(counted);
  draft.census = counted;
  if ((witness && provesMinority(counted)) || isDivided(counted)) enter(draft);
}

/**
 * A test of a sibling, the search of another mode of the target: moves no bound here, and announces nothing. It is
 * counted for the minority alone.
 */
export function countSibling(draft: Draft, test: Counted): void {
  const { census, lower, options } = draft;
  const { idle, alive } = test;
  if (census.mixed !== null) {
    learnOfMinority(draft, census.mixed, test, 'sibling');
    return;
  }
  const early = !alive && idle <= CLEARLY_EARLY * lower;
  const isOpen = !isClosed(draft) || census.beyond.length > 0;
  let { pooled } = census;
  if (alive || early) pooled = toldByOther(pooledWith(pooled, test, 'sibling'), idle, alive);
  else if (isOpen && idle < options.required && idle > lower) pooled = toldByOther(pooled, idle, false);
  draft.census = { ...census, pooled };
}

function enter(draft: Draft): void {
  const { options, published } = draft;
  const minority = shared(draft.census).minority;
  if (minority === undefined || minority.upper >= options.required) return;
  const question = Math.min(options.maxIdle, claimQuestion(draft));
  const othersForget =
    isClosed(draft) &&
    upperOf(draft) < claimOf(options) &&
    draft.census.beyond.length === 0 &&
    draft.deaths.length >= Math.min(DEATHS_KEPT, streakOfAll(minority));
  const top = othersForget ? BELOW_OTHERS * draft.lower : question;
  if (minority.upper > top) return;
  draft.census = { ...draft.census, mixed: { top, quiet: 0, streak: 0 } };
  draft.compliant = false;
  draft.compliantRun = 0;
  draft.suspicions = [];
  draft.risen = 0;
  draft.dropFrom = 0;
  draft.launches = [];
  if (published?.timeout !== undefined && published.timeout > 1.05 * minority.upper)
    draft.actions.push({ kind: 'announce', change: 'drop' });
}

/** A test while a minority is believed in, of the search or of a sibling: the search for the timeout of the others rests. */
export function learnOfMinority(
  draft: Draft,
  mixed: Mixed,
  test: Counted,
  whose: 'own' | 'sibling' = 'own',
): void {
  if (!test.alive && test.idle > mixed.top * 1.001) return;
  const { idle, alive } = test;
  const before = shared(draft.census).minority;
  const { tally, pooled } = draft.census;
  draft.census =
    whose === 'own'
      ? { ...draft.census, tally: tallied(tally, idle, alive) }
      : { ...draft.census, pooled: toldByOther(pooled, idle, alive) };
  const minority = shared(draft.census).minority;
  if (minority === undefined || before === undefined) return leaveGone(draft);
  if (whose === 'own') {
    if (!alive && idle <= minority.lower) draft.actions.push({ kind: 'early_death', idle });
    draft.confirmedAt = draft.now;
  } else if (!shared(draft.census).agrees) return;
  let { quiet, streak } = mixed;
  if (idle >= Math.min(minority.upper, mixed.top)) {
    const share = Math.max(0.03, minority.share / 2);
    quiet = Math.max(0, quiet + (alive ? Math.log((1 - GONE) / (1 - share)) : Math.log(GONE / share)));
    streak = alive ? 0 : streak + 1;
  }
  if (minority.upper > 1.01 * before.upper) quiet = 0;
  draft.census = { ...draft.census, mixed: { ...mixed, quiet, streak } };
  if (streak >= streakOfAll(minority)) leaveToAll(draft, minority, test);
  else if (quiet >= QUIET || isNoiseOnly(shared(draft.census).tally)) leaveGone(draft);
}

/** Deaths in a row that a minority of this share would have once in a million times. */
function streakOfAll({ shareUpper }: Minority): number {
  return Math.min(90, Math.max(8, Math.log(1e-6) / Math.log(Math.min(0.95, shareUpper))));
}

function isNoiseOnly(tally: readonly Tally[]): boolean {
  const tests = tally.reduce((sum, { alive, dead }) => sum + alive + dead, 0);
  return tests >= MANY_TESTS && mostExcess(tally) < HARDLY_MORE;
}

/** Everybody forgets now: an ordinary search with the minority's bounds. */
function leaveToAll(draft: Draft, minority: Minority, { since }: Counted): void {
  draft.census = NOTHING_COUNTED;
  draft.lower = minority.lower;
  draft.deaths = [{ idle: minority.upper, since, at: draft.now }];
}

/** Nobody forgets early any more. */
function leaveGone(draft: Draft): void {
  draft.census = NOTHING_COUNTED;
  draft.compliant = null;
  draft.published = null;
  draft.actions.push({ kind: 'announce', change: 'rise' });
}

/** The bracket of the minority, as it is shown; undefined while there is none. */
export function minorityBracket(
  state: Pick<SearchState, 'census' | 'options' | 'slack'>,
): PublishedBracket | undefined {
  if (state.census.mixed === null) return undefined;
  const { tally, minority } = shared(state.census);
  if (minority === undefined) return undefined;
  const { lower, upper, share, shareLower, shareUpper } = minority;
  const isNarrow = lower > 0 && upper - lower <= Math.max(resolutionOf(state), 0.1 * upper);
  const survived = tally.filter(({ alive }) => alive > 0).at(-1)?.idle ?? 0;
  return {
    ...(lower > 0 && { lower }),
    upper,
    ...(isNarrow && { timeout: (lower + upper) / 2 }),
    deaths: Math.round(tally.reduce((sum, { dead }) => sum + dead, 0)),
    mixture: { share, shareLower, shareUpper, survived },
  };
}

/** Launches and tests while a minority is believed in. */
export function askMinority(draft: Draft, { top }: Mixed, isRound: boolean): void {
  const minority = shared(draft.census).minority;
  if (minority === undefined) return;
  if (isRound) launch(draft, top, minority);
  if (draft.options.timing === 'late')
    for (const connection of idleConnections(draft))
      testAtAge(draft, connection, Math.min(connection.testAt ?? top, top));
}

function launch(draft: Draft, top: Seconds, minority: Minority): void {
  const { lower, upper } = minority;
  const { options } = draft;
  const above = Math.min(top, upper * 1.003);
  const isOpen = upper - lower > Math.max(resolutionOf(draft), 0.02 * upper);
  const count = isOpen
    ? Math.min(roomOf(draft), options.connections >= GROUP_BUDGET ? 4 : 2)
    : earnedLaunches(draft, top, options.connections >= GROUP_BUDGET ? 4 : 1);
  const question = isOpen ? questionWithin(draft, minority) : above;
  const questions = [question, top, isOpen ? question : Math.max(options.minIdle, lower), above];
  for (let member = 0; member < count; member++) {
    const asked = questions[draft.watched % questions.length] ?? above;
    draft.watched += 1;
    const atTop = draft.connections.filter(({ testAt }) => testAt !== undefined && testAt >= top).length;
    open(draft, 'lower', asked === top && atTop >= options.connections / 2 ? question : asked);
  }
}

/** The idle time that halves the minority's bracket: one that was asked about before if possible, or near a known value. */
function questionWithin(draft: Draft, { lower, upper }: Minority): Seconds {
  const from = Math.max(lower, draft.options.minIdle);
  const middle = Math.sqrt(from * upper);
  const reach = 0.3 * Math.log(upper / from);
  const isCentral = (idle: Seconds): boolean =>
    idle > from && idle < upper && Math.abs(Math.log(idle / middle)) <= reach;
  const distance = askDistance(draft.options);
  const candidates = [
    ...shared(draft.census).tally.map(({ idle }) => idle),
    ...KNOWN_VALUES.flatMap((known) => [known - distance, known + distance]),
  ];
  return candidates.find(isCentral) ?? Math.max(draft.options.minIdle, middle);
}
