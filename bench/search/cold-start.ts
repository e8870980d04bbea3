/** Cold start: how soon a search that knows nothing has an answer, as a multiple of the timeout itself. */
import { findingOf } from '../../src/core/search/finding-of.js';
import type { SearchState } from '../../src/core/search/state.js';
import type { SearchOptions } from '../../src/core/search/contract.js';
import { randomFrom } from '../../test/support/prng.js';
import { steadyPath } from '../../test/support/simulated-nat.js';
import { drive } from '../../test/support/virtual-driver.js';
import { SHIPPED_ROUNDS } from './model.js';

/** Moments of one run, seconds since the start; absent when it never came to it. */
export interface ColdStart {
  readonly timeout: number;
  /** The bracket is at most 120 s wide: its middle is off by 60 s at most. */
  readonly within60?: number;
  /** The bracket is at most 10 s wide. */
  readonly within5?: number;
  /** The same with three deaths that agree. */
  readonly confirmed?: number;
  /** The question "is the timeout at least 7440 s?" is decided. */
  readonly decided?: number;
  readonly opened: number;
}

/** Runs one search until all is known. */
export function coldStart(search: SearchOptions, timeout: number, seed: number): ColdStart {
  const seen: { -readonly [K in keyof ColdStart]?: ColdStart[K] } = {};
  const run = drive({
    search,
    path: steadyPath(timeout, randomFrom(seed)),
    rounds: SHIPPED_ROUNDS,
    until: 20 * timeout + 20_000,
    observe: (state, at) => {
      note(seen, state, at);
      return seen.confirmed !== undefined && seen.decided !== undefined;
    },
  });
  return { ...seen, timeout, opened: run.opened };
}

function note(
  seen: { -readonly [K in keyof ColdStart]?: ColdStart[K] },
  state: SearchState,
  at: number,
): void {
  if (state.compliant !== null) seen.decided ??= at;
  const upper = state.deaths[0]?.idle;
  if (upper === undefined || state.lower === 0) return;
  const width = upper - state.lower;
  if (width <= 120) seen.within60 ??= at;
  if (width > 10) return;
  seen.within5 ??= at;
  if (findingOf(state).timeout !== undefined) seen.confirmed ??= at;
}

/** Multiples of the timeout for those runs that have the figure. */
export function multiples(
  runs: readonly ColdStart[],
  figure: 'within60' | 'within5' | 'confirmed' | 'decided',
): number[] {
  return runs.flatMap((run) => (run[figure] === undefined ? [] : [run[figure] / run.timeout]));
}
