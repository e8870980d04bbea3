/** Searches in the middle of their life, as a state file has them: tests start a real engine from these. */
import type { Mode } from '../../src/core/modes.js';
import type { Death, SearchState } from '../../src/core/search/state.js';
import { createSearch } from '../../src/core/search/step.js';
import type { TargetConfig } from '../../src/config/config.js';
import { searchOptions } from '../../src/engine/judge.js';
import type { SavedSearch } from '../../src/engine/saved-target.js';
import type { Seconds } from '../../src/units.js';

/** Search time at which they were saved, seconds. */
const SAVED: Seconds = 100_000;

/** What a search has seen. */
export interface Seen {
  /** Longest idle time that survived, seconds. */
  readonly lower?: Seconds;
  /** Idle times that did not survive, seconds. */
  readonly deaths?: readonly Seconds[];
  readonly compliant?: boolean;
  /** Whether somebody closed those that did not survive. */
  readonly closed?: boolean;
  /** Idle times below `lower` that did not survive either and await confirmation, seconds. */
  readonly suspected?: Seconds;
  /** Its newest tests: how long ago their connections were opened, and the idle time that they survived or not, seconds. */
  readonly tests?: readonly { readonly ago: Seconds; readonly idle: Seconds; readonly dead?: boolean }[];
}

/** A search of this mode that has seen this much, confirmed a minute before it was saved. */
export function savedSearch(target: TargetConfig, mode: Mode, seen: Seen, savedAt: Seconds): SavedSearch {
  const deathAt = (idle: Seconds): Death => ({ idle, since: SAVED - 60 - idle, at: SAVED - 60 });
  const suspicion = seen.suspected === undefined ? undefined : deathAt(seen.suspected);
  const search: SearchState = {
    ...createSearch(searchOptions(target, mode, 'late')),
    started: true,
    now: SAVED,
    lower: seen.lower ?? 0,
    deaths: (seen.deaths ?? []).map((idle) => ({
      ...deathAt(idle),
      ...(seen.closed === true ? { closed: true as const } : {}),
    })),
    compliant: seen.compliant ?? null,
    confirmedAt: SAVED - 60,
    suspicions:
      suspicion === undefined
        ? []
        : [{ ...suspicion, raisedAt: suspicion.at, score: 5, deaths: [suspicion], survived: 0 }],
  };
  return {
    name: { mode },
    search,
    at: SAVED,
    confirmedTimestamp: savedAt - 60,
    conclusiveAt: savedAt - 60,
    tests: (seen.tests ?? []).map(({ ago, idle, dead }, id) => ({
      at: savedAt - ago + idle,
      id,
      idle,
      verdict: dead === true ? { kind: 'dead', evidence: 'silence' } : { kind: 'alive' },
    })),
  };
}
