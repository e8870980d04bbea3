/** States of a search as a test wants them, to look at one rule alone. */
import { createSearch } from '../../../src/core/search/step.js';
import type { SearchOptions } from '../../../src/core/search/contract.js';
import { draftOf, type Connection, type Death, type Draft } from '../../../src/core/search/state.js';

export const SHIPPED: SearchOptions = {
  minIdle: 15,
  maxIdle: 7800,
  resolution: 10,
  connections: 24,
  deadline: 8,
  guard: 5,
  required: 7440,
  timing: 'late',
};

/** A draft late in a search's life. */
export function draftWith(fields: Partial<Draft> = {}): Draft {
  return { ...draftOf({ ...createSearch(SHIPPED), started: true, now: 100_000 }), ...fields };
}

/** A connection that was tested now, after so many seconds. */
export function testedAfter(draft: Draft, idle: number, fields: Partial<Connection> = {}): Connection {
  const since = draft.now - idle;
  return { id: 1, role: 'lower', state: 'testing', since, testAt: idle, testedAt: draft.now, ...fields };
}

/** Deaths on record at these idle times. */
export function deathsAt(draft: Draft, ...idles: readonly number[]): Death[] {
  return idles.map((idle) => ({ idle, since: draft.now - 20_000 - idle, at: draft.now - 20_000 }));
}
