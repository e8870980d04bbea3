/**
 * Which box forgets, by TTL-limited refreshes, as a pure state machine: `(state, event) → state, actions`.
 *
 * While connections idle past the idle timeout, either end's kernel refreshes them with a TTL that passes only a few
 * routers: boxes up to there stay fresh, those behind forget. First both ends count the routers; then each end's row
 * of TTLs is asked, all at once where there is room; then what a claim rests on is asked three times in all.
 * No socket, clock or chance in here. @see docs/LOCALIZATION.md
 *
 * @example
 * let { state, actions } = locateStep(createLocate(options), 0, { kind: 'start' });
 * // carry the actions out, feed what happens back:
 * ({ state, actions } = locateStep(state, 2, { kind: 'reached', side: 'client', acked: [4, 5, 64] }));
 */
import type { Seconds } from '../../units.js';
import { keyOf, ttlOf } from './cells.js';
import { distanceOf, learnReached, nextMeans, ttlsToTry } from './distances.js';
import type { LocateAction, LocateEvent, LocateOptions, Question, Refresh, Side } from './locate-contract.js';
import { SIDES } from './locate-contract.js';
import type { NotLocated } from './localization.js';
import { judgeEnds, lose, review, searchDistance } from './locate-review.js';
import {
  discardProbes,
  freshEnd,
  giveUp,
  liveSides,
  type LocateDraft,
  type LocateState,
  type Probe,
  testAt,
} from './locate-state.js';
import { countNoTest, countTest } from './tests-read.js';

/** Interruptions after which it is begun anew; one more ends it. */
const INTERRUPTIONS_BORNE = 2;

/** Seconds until connections are tried again that could not be opened. */
const RETRY_TIME: Seconds = 10;

/** A localisation that has not begun: its first event is `start`. */
export function createLocate(options: LocateOptions): LocateState {
  return {
    options,
    now: 0,
    stage: 'new',
    ends: { client: freshEnd(options, 'client'), responder: freshEnd(options, 'responder') },
    tallies: {},
    probes: [],
    lost: [],
    nextId: 1,
    rounds: 0,
    opened: 0,
    interruptions: 0,
    failures: 0,
    resumeAt: null,
    result: null,
  };
}

/**
 * Takes in one event and decides what to do. The given state stays as it is.
 * @param at seconds; a time that runs backwards counts as the newest known
 */
export function locateStep(
  before: LocateState,
  at: Seconds,
  event: LocateEvent,
): { state: LocateState; actions: readonly LocateAction[] } {
  const draft: LocateDraft = { ...before, now: Math.max(before.now, at), actions: [] };
  if (draft.stage !== 'over') {
    takeIn(draft, event);
    goOn(draft);
  }
  const { actions, ...state } = draft;
  return { state, actions };
}

function takeIn(draft: LocateDraft, event: LocateEvent): void {
  switch (event.kind) {
    case 'start':
      if (draft.stage === 'new') begin(draft);
      return;
    case 'reached':
      takeReached(draft, event.side, event.acked);
      return;
    case 'opened':
      draft.opened += 1;
      draft.probes = draft.probes.map((probe) =>
        probe.id === event.id && probe.state === 'opening'
          ? { ...probe, state: 'idle', since: draft.now }
          : probe,
      );
      return;
    case 'open_failed': {
      const probe = takeProbe(draft, event.id);
      if (probe === undefined) return;
      draft.failures += 1;
      draft.resumeAt = draft.now + RETRY_TIME;
      countNoTest(draft, probe);
      noteLost(draft, probe);
      return;
    }
    case 'verdict': {
      const probe = takeProbe(draft, event.id);
      if (probe !== undefined && !countTest(draft, probe, event)) noteLost(draft, probe);
      return;
    }
    case 'interrupted':
      if (draft.stage === 'new') return;
      draft.interruptions += 1;
      if (draft.interruptions > INTERRUPTIONS_BORNE) giveUp(draft, 'interrupted');
      else begin(draft);
      return;
    case 'tick':
      return;
  }
}

/** A test was lost: it is held again in the same round, unless it was such a one itself. */
function noteLost(draft: LocateDraft, { question, again }: Probe): void {
  if (again !== true) draft.lost = [...draft.lost, question];
}

/** Takes a probe off the list of those that are open. */
function takeProbe(draft: LocateDraft, id: number): Probe | undefined {
  const probe = draft.probes.find((candidate) => candidate.id === id);
  draft.probes = draft.probes.filter((candidate) => candidate !== probe);
  return probe;
}

/** Begins, or begins anew: what was learnt of another path is worth nothing. */
function begin(draft: LocateDraft): void {
  discardProbes(draft, () => true);
  const { options } = draft;
  draft.stage = 'distances';
  draft.ends = { client: freshEnd(options, 'client'), responder: freshEnd(options, 'responder') };
  draft.tallies = {};
  draft.lost = [];
  draft.rounds = 0;
  draft.resumeAt = null;
  for (const side of liveSides(draft)) {
    searchDistance(draft, side);
    reach(draft, side);
  }
}

/** Asks which TTLs arrive, as far as that is not known. */
function reach(draft: LocateDraft, side: Side): void {
  const { search } = draft.ends[side];
  if (search !== undefined)
    draft.actions.push({ kind: 'reach', side, ttls: ttlsToTry(search, draft.options), means: search.means });
}

function takeReached(draft: LocateDraft, side: Side, acked: readonly number[]): void {
  const end = draft.ends[side];
  if (draft.stage !== 'distances' || end.search === undefined) return;
  const search = learnReached(end.search, acked);
  const found = distanceOf(search, draft.options);
  if (found === undefined) {
    draft.ends = { ...draft.ends, [side]: { ...end, search } };
    reach(draft, side);
    return;
  }
  const { search: _search, ...settled } = end;
  if (typeof found === 'number') {
    draft.ends = { ...draft.ends, [side]: { ...settled, distance: found } };
    return;
  }
  draft.ends = { ...draft.ends, [side]: settled };
  const next = found === 'too_far' ? undefined : nextMeans(draft.options, side, search.means);
  if (next === undefined) {
    lose(draft, side, found);
    return;
  }
  draft.ends = { ...draft.ends, [side]: { ...settled, means: next } };
  searchDistance(draft, side);
  reach(draft, side);
}

/** Does what the moment asks for. */
function goOn(draft: LocateDraft): void {
  if (draft.stage === 'distances' && SIDES.every((side) => draft.ends[side].search === undefined)) {
    draft.stage = 'cells';
    if (draft.ends.client.means === undefined) {
      giveUp(draft, reasonWithoutClient(draft));
      return;
    }
  }
  if (draft.stage !== 'cells') return;
  fireDueTests(draft);
  judgeEnds(draft);
  if (draft.stage === 'cells' && draft.now >= (draft.resumeAt ?? 0)) {
    draft.resumeAt = null;
    if (draft.probes.every(({ again }) => again)) beginRound(draft);
    else askLost(draft);
  }
  if (draft.stage === 'cells') wake(draft);
}

/** Without its own distance this end has nothing to compare with. */
function reasonWithoutClient({ ends }: LocateState): NotLocated {
  return ends.client.lost ?? 'no_distance';
}

/** Asks what is to be known next. What is open yet is waited for where it belongs to that, else it is given up. */
function beginRound(draft: LocateDraft): void {
  const questions = [...review(draft)];
  if (draft.stage !== 'cells') return;
  draft.lost = [];
  discardProbes(draft, ({ question }) => {
    const place = questions.findIndex((each) => keyOf(each) === keyOf(question));
    if (place !== -1) questions.splice(place, 1);
    return place === -1;
  });
  draft.probes = draft.probes.map(({ again: _again, ...probe }) => probe);
  if (questions.length === 0) return;
  draft.rounds += 1;
  for (const question of questions) open(draft, question);
}

/** Asks again what was lost in this round, as far as there is room, while others idle yet. */
function askLost(draft: LocateDraft): void {
  const { lost, probes, options } = draft;
  if (!probes.some(({ state, again }) => state !== 'testing' && again !== true)) return;
  const room = options.places - probes.length;
  draft.lost = lost.slice(room);
  for (const question of lost.slice(0, room)) open(draft, question, true);
}

function open(draft: LocateDraft, question: Question, again = false): void {
  const id = draft.nextId;
  draft.nextId += 1;
  draft.probes = [...draft.probes, { id, question, state: 'opening', ...(again ? { again } : {}) }];
  const refresh = (side: Side): Refresh | undefined => {
    const { means } = draft.ends[side];
    const ttl = ttlOf(side, question);
    return ttl === 0 || means === undefined ? undefined : { ttl, means };
  };
  const { interval } = draft.options;
  draft.actions.push({
    kind: 'open',
    id,
    interval,
    client: refresh('client'),
    responder: refresh('responder'),
  });
}

function fireDueTests(draft: LocateDraft): void {
  draft.probes = draft.probes.map((probe) => {
    if (probe.state !== 'idle' || dueAt(draft, probe) > draft.now) return probe;
    draft.actions.push({ kind: 'test', id: probe.id });
    return { ...probe, state: 'testing' };
  });
}

/** When a probe is to be tested. */
function dueAt({ options }: LocateState, { since = Number.POSITIVE_INFINITY, question }: Probe): Seconds {
  return since + testAt(options, question);
}

/** Asks to be woken for the next test, or when connections that could not be opened are tried again. */
function wake(draft: LocateDraft): void {
  const due = draft.probes.filter(({ state }) => state === 'idle').map((probe) => dueAt(draft, probe));
  const at = Math.min(...due, draft.resumeAt ?? Number.POSITIVE_INFINITY);
  if (Number.isFinite(at)) draft.actions.push({ kind: 'wake', at });
}
