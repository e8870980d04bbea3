/**
 * A rolling binary search for a NAT's idle timeout, as a pure state machine: `(state, event) → state, actions`.
 *
 * Connections that were started at different moments have, at any time, many ages, and testing one of age a asks
 * "is the timeout longer than a?" now. The oldest climb; the first death closes a bracket that the younger ones
 * already fill, so it is bisected at once; afterwards a few launches an hour keep the finding fresh.
 * No socket, clock or randomness in here. @see docs/adr/0001-search-strategy.md
 *
 * @example
 * let { state, actions } = step(createSearch(options), 0, { kind: 'start' });
 * // carry the actions out, feed what happens back:
 * ({ state, actions } = step(state, 0.03, { kind: 'opened', id: 1 }));
 */
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import { NOTHING_COUNTED } from './census.js';
import { discard, openDueLaunches, planLaunch, remove, replace } from './draft-connections.js';
import { askAnew } from './ask-anew.js';
import { huntAppointed, searchAppointed } from './appointed.js';
import { claimOf, phaseOf } from './bracket.js';
import { searchLate, startLadder } from './climb.js';
import { learnDeath, learnSurvival } from './evidence.js';
import { askMinority, countSibling, learnOfMinority } from './mixture.js';
import { noteAgreement, publish } from './finding-of.js';
import { NO_HINT } from './hints.js';
import { STATE_FORMAT, draftOf, finish } from './state.js';
import type { Draft, SearchState } from './state.js';
import { announceDrop, forgetOldSuspicions } from './suspicion.js';
import { launchRound, watch } from './track.js';
import type { ConnectionId, SearchAction, SearchConnection, SearchEvent, SearchOptions } from './contract.js';

/** Seconds until a launch that failed is repeated (less when idle times of seconds are tested). */
const RETRY_TIME: Seconds = 10;
/** Times that this is doubled while every launch fails: about two minutes at most. */
const RETRY_DOUBLINGS = 4;

/** A search that has not begun: its first event is `start`. */
export function createSearch(options: SearchOptions): SearchState {
  return {
    format: STATE_FORMAT,
    options,
    now: 0,
    started: false,
    nextId: 1,
    connections: [],
    launches: [],
    climbSince: 0,
    lower: 0,
    deaths: [],
    risen: 0,
    risenAt: 0,
    suspicions: [],
    survivals: [],
    droppedAt: 0,
    dropFrom: 0,
    drops: [],
    compliant: null,
    compliantRun: 0,
    published: null,
    confirmedAt: null,
    failures: 0,
    slack: 0,
    answerTime: 0,
    credit: 0,
    creditAt: 0,
    watched: 0,
    launchedAt: 0,
    census: NOTHING_COUNTED,
    hint: NO_HINT,
  };
}

/**
 * Takes in one event and decides what to do. The given state stays as it is.
 * @param at search time, seconds; one that runs backwards counts as the newest known
 */
export function step(
  state: SearchState,
  at: Seconds,
  event: SearchEvent,
): { state: SearchState; actions: readonly SearchAction[] } {
  const draft = draftOf(state);
  draft.now = Math.max(state.now, at);
  takeIn(draft, event);
  if (draft.started) decide(draft, event);
  publish(draft);
  return finish(draft);
}

/** The connections of the search, as they are to be shown. */
export function connectionsOf(state: SearchState): readonly SearchConnection[] {
  return state.connections.map(({ id, state: doing, since, testAt }) =>
    defined({ id, state: doing, since, testAt }),
  );
}

function takeIn(draft: Draft, event: SearchEvent): void {
  switch (event.kind) {
    case 'start':
      if (draft.started) return;
      draft.started = true;
      relaunch(draft);
      return;
    case 'opened':
      draft.failures = 0;
      for (const connection of draft.connections)
        if (connection.id === event.id && connection.state === 'opening')
          replace(draft, { ...connection, state: 'idle', since: draft.now });
      return;
    case 'open_failed':
      retryLaunch(draft, event.id);
      return;
    case 'verdict': {
      const connection = draft.connections.find(({ id }) => id === event.id);
      if (connection === undefined) return;
      remove(draft, event.id);
      if (event.verdict.kind === 'inconclusive') return;
      const { mixed } = draft.census;
      if (mixed !== null) {
        if (event.verdict.kind === 'dead' && event.verdict.evidence === 'closed') return;
        const since = connection.since ?? draft.now - event.idle;
        learnOfMinority(draft, mixed, { idle: event.idle, since, alive: event.verdict.kind === 'alive' });
        return;
      }
      const compliantBefore = draft.compliant;
      if (event.verdict.kind === 'alive') learnSurvival(draft, connection, event.idle);
      else learnDeath(draft, connection, event.idle, event.verdict.evidence);
      const turned = compliantBefore === true && draft.compliant !== true;
      announceDrop(draft, turned, phaseOf(draft) === 'track');
      noteAgreement(draft, event.verdict.kind, event.idle);
      return;
    }
    case 'sibling_tested': {
      const { alive, idle, age } = event.test;
      if (draft.started) countSibling(draft, { alive, idle, since: draft.now - age });
      return;
    }
    case 'hint':
      draft.hint = event.hint;
      return;
    case 'mapping_loss':
    case 'interrupted':
      draft.connections = [];
      draft.launches = [];
      if (draft.started) relaunch(draft);
      return;
    case 'limit':
      limit(draft, event.maxIdle);
      return;
    case 'tick':
    case 'round':
    case 'ask_anew':
      return;
  }
}

/** Asks no longer idle times from now on. What was known beyond them can never be confirmed again. */
function limit(draft: Draft, maxIdle: Seconds): void {
  const { options, deaths } = draft;
  if (maxIdle === options.maxIdle) return;
  draft.options = { ...options, maxIdle };
  for (const connection of draft.connections) discard(draft, connection);
  draft.launches = [];
  if (maxIdle < options.maxIdle) {
    draft.lower = Math.min(draft.lower, maxIdle);
    draft.deaths = deaths.filter(({ idle }) => idle <= maxIdle);
    draft.suspicions = draft.suspicions.filter(({ idle }) => idle <= maxIdle);
    const { mixed } = draft.census;
    draft.census = NOTHING_COUNTED;
    if (mixed !== null || deaths.length !== draft.deaths.length || maxIdle < claimOf(options)) {
      draft.published = null;
      draft.compliant = null;
      draft.compliantRun = 0;
    }
  }
  if (draft.started) relaunch(draft);
}

/** Starts anew without connections, with all that is known. */
function relaunch(draft: Draft): void {
  draft.creditAt = draft.now;
  draft.credit = draft.options.connections;
  draft.climbSince = draft.now;
  if (draft.options.timing === 'late' && phaseOf(draft) === 'climb') startLadder(draft);
}

/** A connection that could not be opened is tried again later; ever more slowly while none can be opened at all. */
function retryLaunch(draft: Draft, id: ConnectionId): void {
  const connection = draft.connections.find((candidate) => candidate.id === id);
  if (connection === undefined) return;
  remove(draft, id);
  draft.failures += 1;
  const { minIdle, connections } = draft.options;
  const patience = 2 ** Math.min(RETRY_DOUBLINGS, Math.floor(draft.failures / connections));
  const { role, testAt } = connection;
  const at = draft.now + patience * Math.min(RETRY_TIME, Math.max(1, minIdle / 2));
  planLaunch(draft, defined({ at, role, testAt }));
}

function decide(draft: Draft, event: SearchEvent): void {
  forgetOldSuspicions(draft);
  openDueLaunches(draft);
  const late = draft.options.timing === 'late';
  const { mixed } = draft.census;
  if (mixed !== null) {
    askMinority(draft, mixed, event.kind === 'round' || event.kind === 'ask_anew');
    return;
  }
  if (phaseOf(draft) !== 'track') {
    if (late) searchLate(draft);
    else searchAppointed(draft);
    return;
  }
  if (!late) huntAppointed(draft);
  if (event.kind === 'round') launchRound(draft);
  if (event.kind === 'ask_anew') askAnew(draft);
  if (late) watch(draft);
}
