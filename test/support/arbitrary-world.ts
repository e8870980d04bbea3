/** Feeds a search with whatever could happen, likely or not, and records what it asks for. */
import { connectionsOf, createSearch, step } from '../../src/core/search/index.js';
import type {
  ConnectionId,
  SearchAction,
  SearchEvent,
  SearchOptions,
  SearchState,
} from '../../src/core/search/index.js';
import type { Random } from './prng.js';

/** One step of a search with all that led to it. */
export interface Observed {
  readonly before: SearchState;
  readonly at: number;
  readonly event: SearchEvent;
  readonly state: SearchState;
  readonly actions: readonly SearchAction[];
}

/** What the world does at random: share of alive, dead and inconclusive verdicts among the tests. */
export interface Temper {
  readonly alive: number;
  readonly dead: number;
}

/** Runs so many steps in a world without any law but the contract's. */
export function runArbitrary(
  options: SearchOptions,
  random: Random,
  steps: number,
  temper: Temper,
  observe: (observed: Observed) => void,
): SearchState {
  let state = createSearch(options);
  let at = 0;
  let wake = Number.POSITIVE_INFINITY;
  const testing = new Set<ConnectionId>();
  const apply = (event: SearchEvent): void => {
    const before = state;
    const result = step(state, at, event);
    state = result.state;
    if (event.kind === 'verdict') testing.delete(event.id);
    if (event.kind === 'mapping_loss' || event.kind === 'interrupted') testing.clear();
    for (const action of result.actions) {
      if (action.kind === 'wake') wake = action.at;
      if (action.kind === 'test') testing.add(action.id);
    }
    observe({ before, at, event, state, actions: result.actions });
  };
  apply({ kind: 'start' });
  for (let count = 0; count < steps; count++) {
    const event = nextEvent();
    if (event !== undefined) apply(event);
  }
  return state;

  function nextEvent(): SearchEvent | undefined {
    const opening = connectionsOf(state).find((connection) => connection.state === 'opening');
    const dice = random();
    if (dice < 0.005) return { kind: 'mapping_loss' };
    if (dice < 0.01) return { kind: 'interrupted' };
    if (opening !== undefined && dice < 0.9) {
      at += random() * 0.1;
      return { kind: dice < 0.05 ? 'open_failed' : 'opened', id: opening.id };
    }
    const [tested] = testing;
    if (tested !== undefined && dice < 0.8) {
      at += random() * options.deadline;
      return verdictOf(tested);
    }
    if (dice < 0.82) return spontaneousDeath();
    if (dice < 0.87) {
      at += random() * 300;
      return { kind: 'round' };
    }
    if (Number.isFinite(wake)) at = Math.max(at, wake + random() * 0.2);
    else at += random() * 60;
    return { kind: 'tick' };
  }

  function verdictOf(id: ConnectionId): SearchEvent {
    const since = connectionsOf(state).find((connection) => connection.id === id)?.since ?? at;
    const idle = Math.max(0, at - since - random() * 0.3);
    const dice = random();
    if (dice < temper.alive) return { kind: 'verdict', id, idle, verdict: { kind: 'alive' } };
    if (dice < temper.alive + temper.dead)
      return { kind: 'verdict', id, idle, verdict: { kind: 'dead', evidence: 'silence' } };
    return { kind: 'verdict', id, idle, verdict: { kind: 'inconclusive', reason: 'control_failed' } };
  }

  function spontaneousDeath(): SearchEvent | undefined {
    const idle = connectionsOf(state).filter((connection) => connection.state === 'idle');
    const victim = idle[Math.floor(random() * idle.length)];
    if (victim?.since === undefined) return undefined;
    at += random();
    return {
      kind: 'verdict',
      id: victim.id,
      idle: at - victim.since,
      verdict: { kind: 'dead', evidence: 'reset_idle' },
    };
  }
}
