/** The searches of the modes of one target beside one another: what one of them tells the others. */
import type { SearchEvent, SiblingTest } from './contract.js';
import type { Seconds } from '../../units.js';
import type { SearchState } from './state.js';

/**
 * What the others are to be told when this event reaches a search.
 * @param state the search before the event
 * @param at the moment of the event, search time, seconds
 * @returns undefined where it teaches nobody: who closes a connection has not forgotten it
 */
export function toldToSiblings(state: SearchState, at: Seconds, event: SearchEvent): SiblingTest | undefined {
  if (event.kind !== 'verdict' || event.verdict.kind === 'inconclusive') return undefined;
  if (event.verdict.kind === 'dead' && event.verdict.evidence === 'closed') return undefined;
  const tested = state.connections.find(({ id }) => id === event.id);
  if (tested === undefined) return undefined;
  const { idle } = event;
  return { alive: event.verdict.kind === 'alive', idle, age: at - (tested.since ?? at - idle) };
}
